// A replay asks for what a failed operation should have done, as the facts on file have it now. It is planned as though the
// failed operation had never been decided: whatever is still to be done is decided anew, whatever newer facts have overtaken is not.
import { canonicalJson } from '../base/json.ts';
import type { TransitionName } from '../lifecycle/operation.ts';
import type { AccountPayload, MembershipPayload, NewOperation, OpenOperation, Situation } from './changeset.ts';
import type { Harm } from './harm.ts';

export interface ReplayOrder {
  /** Ids of operations of this worker. Those that have not failed, or not any more, are left alone. */
  readonly operations: readonly number[];
  /** What the failed operations belonged to, for the words of the new ones. */
  readonly transition: TransitionName | null;
}

/** What ends access is tried for ever: replayed, it goes at once instead of when its turn comes. */
const NEVER_GIVEN_UP: ReadonlySet<string> = new Set(['disable', 'revokeSessions']);

export interface Replayed {
  /** The situation without what is replayed. */
  readonly situation: Situation;
  readonly replayed: readonly OpenOperation[];
}

export function withoutReplayed(situation: Situation, order: ReplayOrder | undefined): Replayed {
  const isReplayed = (one: OpenOperation): boolean =>
    order?.operations.includes(one.id) === true &&
    (one.state === 'failed' || (one.state === 'queued' && NEVER_GIVEN_UP.has(one.kind)));
  const replayed = situation.operations.filter(isReplayed);
  if (replayed.length === 0) return { situation, replayed };
  return {
    situation: { ...situation, operations: situation.operations.filter((one) => !isReplayed(one)) },
    replayed,
  };
}

/**
 * The guard has judged and counted what failed when it was decided. The very same work asked for again takes nothing from anybody
 * a second time; anything else is judged as new.
 */
export function newHarms(
  harms: readonly Harm[],
  operations: readonly NewOperation[],
  replayed: readonly OpenOperation[],
): readonly Harm[] {
  if (replayed.length === 0) return harms;
  const asked = replayed.map((one) => ({ words: wordsOf(one), manager: managerIn(one) }));
  const isAsked = (operation: NewOperation): boolean => {
    const [words, manager] = [wordsOf(operation), managerIn(operation)];
    // A reference that is left alone is taken from nobody.
    return asked.some((one) => one.words === words && (manager === null || manager === one.manager));
  };
  return operations.every(isAsked) ? [] : harms;
}

function managerIn({ kind, payload }: Pick<OpenOperation, 'kind' | 'payload'>): string | null {
  const isMembership = kind === 'addMember' || kind === 'removeMember';
  return isMembership ? null : (payload as AccountPayload).managerKey;
}

/** An enable that became a create, or a change of an account that had to be made first, writes the same values. */
function wordsOf({ kind, payload }: Pick<OpenOperation, 'kind' | 'payload'>): string {
  if (kind === 'addMember' || kind === 'removeMember') return `${kind} ${(payload as MembershipPayload).group}`;
  if (kind === 'disable' || kind === 'delete' || kind === 'revokeSessions') return kind;
  const { userName, externalId, active, attributes } = payload as AccountPayload;
  return canonicalJson({ userName, externalId, active, attributes });
}
