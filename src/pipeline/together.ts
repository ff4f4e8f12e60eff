// Which operations travel in one request, and which of them are claimed for that. A batch is what one claim brought: nobody waits
// for others but memberships, and those only while accounts are being made that may belong into the same group.
import type { MembershipPayload, OperationKind } from '../planning/changeset.ts';
import type { ClaimedOperation, MembersClaim } from '../store/store.ts';
import { isUrgent } from './flight.ts';

/** Most memberships of one group that are claimed together; profiles that allow less in one request send several. */
const MEMBERS_MAX = 100;
/** How often it is looked for full batches of memberships while accounts are being made: counting them is not free. */
const FULL_LOOK_MS = 250;
/** A membership waits so long for its batch to fill, and only while accounts are being made. */
const FILL_WITHIN_MS = 60_000;

const isMembership = (kind: OperationKind): boolean => kind === 'addMember' || kind === 'removeMember';
const groupOf = ({ payload }: ClaimedOperation): string => (payload as MembershipPayload).group;

/**
 * Membership changes of one kind and group travel together, leavers apart from all others. Of what is written to accounts at most
 * `batchMax` travel together where the target takes several at once (null where it does not): only what needs no look-up before,
 * and nothing of leavers, who never wait for anybody's answer but their own.
 */
export function together(
  claimed: readonly ClaimedOperation[],
  batchMax: number | null,
): readonly (readonly ClaimedOperation[])[] {
  const loads: ClaimedOperation[][] = [];
  const byGroup = new Map<string, ClaimedOperation[]>();
  let batch: ClaimedOperation[] | null = null;
  for (const operation of claimed) {
    if (isMembership(operation.kind)) {
      const key = `${isUrgent(operation)} ${operation.kind} ${groupOf(operation)}`;
      const load = byGroup.get(key);
      if (load !== undefined) {
        load.push(operation);
        continue;
      }
      byGroup.set(key, startedWith(operation, loads));
    } else if (batchMax === null || !beginsWithWrite(operation)) startedWith(operation, loads);
    else if (batch === null || batch.length >= batchMax) batch = startedWith(operation, loads);
    else batch.push(operation);
  }
  return loads;
}

function startedWith(operation: ClaimedOperation, loads: ClaimedOperation[][]): ClaimedOperation[] {
  const load = [operation];
  loads.push(load);
  return load;
}

function beginsWithWrite({ kind, lane, ambiguous, account }: ClaimedOperation): boolean {
  if (ambiguous || isUrgent({ lane })) return false;
  return kind === 'create'
    ? account.remoteId === null
    : (kind === 'update' || kind === 'enable') && account.remoteId !== null;
}

interface UnderWay {
  readonly urgent: boolean;
  readonly operations: readonly ClaimedOperation[];
}

/** Leavers' memberships: all that is queued goes at once. */
export const MEMBERS_OF_LEAVERS: MembersClaim = { max: MEMBERS_MAX, which: 'any', busy: [] };

/** Which memberships the next claim of everybody's pump takes along. */
export class Gathering {
  /** Until then no account was being made, or all memberships were claimed. */
  #sinceMs: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  next(underWay: Iterable<UnderWay>, nowMs: number): MembersClaim {
    const busy = new Set<string>();
    let makesAccounts = false;
    for (const { urgent, operations } of underWay) {
      const [first] = operations;
      if (urgent || first === undefined || first.kind === 'revokeSessions') continue;
      // One after the other for each group: what is claimed behind another could no longer be replaced by newer work.
      if (isMembership(first.kind)) busy.add(groupOf(first));
      else makesAccounts = true;
    }
    const which = this.#which(makesAccounts, nowMs);
    if (which === 'full') this.#lookedAtMs = nowMs;
    if (which === 'any' || which === 'idle') this.#sinceMs = nowMs;
    return { max: MEMBERS_MAX, which, busy: [...busy] };
  }

  #which(makesAccounts: boolean, nowMs: number): MembersClaim['which'] {
    if (!makesAccounts) return 'idle';
    // A clock that was set back counts as having waited long enough.
    if (Math.abs(nowMs - this.#sinceMs) >= FILL_WITHIN_MS) return 'any';
    return Math.abs(nowMs - this.#lookedAtMs) >= FULL_LOOK_MS ? 'full' : 'none';
  }
}
