// What an answer taught about the account, and the conclusions that every kind of delivery draws alike.
import type { JsonObject } from '../../base/json.ts';
import type { AccountNews, Outcome } from '../../lifecycle/outcome.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import { type Delivered, NOT_VISIBLE_YET, type Sendable } from '../target.ts';
import { unreadable } from './correlate.ts';
import { fromResource, type Standing, seenOf } from './differences.ts';
import type { Answer } from './exchange.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { readById } from './read-account.ts';
import { activeOf, versionOf } from './responses.ts';
import type { Ways } from './ways.ts';

export type { Ways } from './ways.ts';

export const payloadOf = (operation: Sendable): AccountPayload => operation.payload as AccountPayload;

/** An answer that says nothing about this operation does not end the doubt that an earlier try left. */
export const stillInDoubt = (operation: Sendable, delivered: Delivered): Delivered =>
  operation.ambiguous && delivered.outcome.class === 'retry'
    ? { ...delivered, outcome: concluded(delivered.outcome, { class: 'ambiguous' }) }
    : delivered;

export const nameTaken = (outcome: Outcome): Outcome =>
  concluded(outcome, { class: 'conflict', code: 'name-taken', countsAsAttempt: true });

/** An account that may be ours and may be a stranger's: a person must tell. */
export const holderUnproven = (outcome: Outcome, detail: string): Outcome =>
  concluded(outcome, { class: 'permanent', code: 'holder-unproven', detail, countsAsAttempt: true });

export const severalMatch = (outcome: Outcome, count: number): Outcome =>
  concluded(outcome, {
    class: 'permanent',
    code: 'ambiguous-match',
    detail: `${count} accounts carry this externalId; pair the right one`,
    countsAsAttempt: true,
  });

/** Nobody was found, and what an earlier try made may be shown only later: it is looked for again before anything is made. */
export const notVisibleYet = (): Outcome =>
  concluded(NOTHING_SENT, { class: 'ambiguous', code: NOT_VISIBLE_YET, countsAsAttempt: false });

export const isProtected = (outcome: Outcome): Outcome =>
  concluded(outcome, {
    class: 'permanent',
    code: 'protected-account',
    detail: 'the account is protected: what it needs is to be done by hand',
    countsAsAttempt: true,
  });

export interface There {
  readonly standing: Standing;
  readonly etag: string | null;
  readonly seen: AccountNews;
  readonly resource: JsonObject;
}

export async function read(operation: Sendable, ways: Ways, id: string): Promise<There | Delivered> {
  const answer = await readById(ways, id);
  if (answer.outcome.class !== 'done') return { outcome: answer.outcome };
  if (answer.body === null) return { outcome: unreadable(answer.outcome) };
  return {
    standing: fromResource(operation, answer.body, ways.profile),
    etag: answer.etag,
    seen: newsFrom(operation, answer.body, id),
    resource: answer.body,
  };
}

/** After a write. `active` is what we asked for, or null where we did not ask; the target's own word counts more. */
export function newsOf(operation: Sendable, answer: Answer, id: string, active: boolean | null): AccountNews {
  const told = activeOf(answer.body) ?? active;
  return {
    remoteId: id,
    etag: answer.etag,
    ...(told === null ? {} : { active: told }),
    userName:
      textOf(answer.body, 'userName') ??
      (operation.kind === 'disable' ? operation.account.userName : payloadOf(operation).userName),
  };
}

/** After reading the whole resource. */
export function newsFrom(operation: Sendable, resource: JsonObject, id: string): AccountNews {
  const active = activeOf(resource);
  const userName = textOf(resource, 'userName');
  return {
    remoteId: id,
    etag: versionOf(resource),
    ...(active === null ? {} : { active }),
    ...(userName === null ? {} : { userName }),
    seen: seenOf(operation, resource),
  };
}
