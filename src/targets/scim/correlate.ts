// Looking up an account whose id we do not know: by externalId, then by userName (design section 6).
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { flatten, projected } from '../../planning/account-changes.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import type { Sendable, Whose } from '../target.ts';
import type { Exchange } from './exchange.ts';
import { listed } from './list.ts';
import type { Profile } from './profiles.ts';
import { searchUsers } from './requests.ts';
import { listOf } from './responses.ts';

export type Found =
  | { readonly kind: 'ours'; readonly id: string; readonly resource: JsonObject }
  /** Another account has the name: somebody else's when its own externalId says so, else of unknown origin. */
  | { readonly kind: 'taken'; readonly proven: boolean }
  | { readonly kind: 'nobody' }
  /** It would be ours, and a rule of the connection file says that it gets no write. */
  | { readonly kind: 'protected' }
  /** Several accounts carry our externalId: no write until a person has paired the right one. */
  | { readonly kind: 'several'; readonly count: number }
  /** The target did not answer the question. */
  | { readonly kind: 'unknown'; readonly outcome: Outcome };

/**
 * `sentBefore`: an account of ours may exist, made by a create that was sent. Only then is an account of our name without any
 * externalId ours, and only when its attributes agree with what we sent.
 */
export async function correlate(
  operation: Sendable,
  exchange: Exchange,
  profile: Profile,
  sentBefore: boolean,
): Promise<Found> {
  const payload = operation.payload as AccountPayload;
  let holder: Found = { kind: 'nobody' };
  for (const attribute of profile.lookup) {
    const value = payload[attribute];
    if (value === '') continue;
    const answer = await exchange(searchUsers(attribute, value));
    if (answer.outcome.class !== 'done') return { kind: 'unknown', outcome: answer.outcome };
    const list = listOf(answer.body);
    if (list === null) return { kind: 'unknown', outcome: unreadable(answer.outcome) };
    // A server that ignores the filter answers with everybody: what does not carry the value is no answer.
    const carrying = distinct(
      list.resources.filter(
        (resource) => textOf(resource, 'externalId') === payload.externalId && payload.externalId !== '',
      ),
    );
    // Two connections may know different people under one externalId: what is another worker's account is never ours.
    const whose = await Promise.all(carrying.map((resource) => whoseIs(resource, operation)));
    const owned = carrying.filter((_, index) => whose[index] !== 'others');
    if (owned.length > 1) return { kind: 'several', count: owned.length };
    if (whose.includes('protected')) return { kind: 'protected' };
    const [own] = owned;
    if (own !== undefined) return { kind: 'ours', id: textOf(own, 'id') as string, resource: own };
    if (isBesideTheQuestion(list, attribute, value)) return { kind: 'unknown', outcome: unreadable(answer.outcome) };
    if (attribute === 'userName') holder = await holderOf(list.resources, operation, sentBefore);
  }
  return holder;
}

/** The filter was ignored, and there are more than this page shows: whoever is not on it may still be there. */
function isBesideTheQuestion(
  { total, resources }: NonNullable<ReturnType<typeof listOf>>,
  attribute: 'externalId' | 'userName',
  value: string,
): boolean {
  const answers = resources.some((resource) => sameName(textOf(resource, attribute), value));
  return !answers && resources.length > 0 && total !== null && total > resources.length;
}

async function whoseIs(resource: JsonObject, { whose }: Sendable): Promise<Whose> {
  const account = listed(resource);
  return account === null || whose === undefined ? 'free' : whose(account);
}

async function holderOf(resources: readonly JsonObject[], operation: Sendable, sentBefore: boolean): Promise<Found> {
  const payload = operation.payload as AccountPayload;
  const holder = resources.find((resource) => sameName(textOf(resource, 'userName'), payload.userName));
  if (holder === undefined) return { kind: 'nobody' };
  const id = textOf(holder, 'id');
  const nameless = textOf(holder, 'externalId') === null;
  if (id === null || !nameless || !sentBefore || !agrees(holder, payload.attributes))
    return { kind: 'taken', proven: !nameless };
  const whose = await whoseIs(holder, operation);
  if (whose === 'protected') return { kind: 'protected' };
  return whose === 'others' ? { kind: 'taken', proven: true } : { kind: 'ours', id, resource: holder };
}

export const sameName = (a: string | null, b: string): boolean => a !== null && a.toLowerCase() === b.toLowerCase();

/** Nothing that we sent stands there differently, and at least one value of ours stands there. */
function agrees(resource: JsonObject, attributes: JsonObject): boolean {
  const there = flatten(projected(resource, attributes));
  let agreeing = 0;
  for (const [path, value] of flatten(attributes)) {
    const found = there.get(path);
    if (found === undefined) continue;
    if (!sameText(found, value)) return false;
    agreeing += 1;
  }
  return agreeing > 0;
}

const sameText = (a: JsonValue, b: JsonValue) => JSON.stringify(a) === JSON.stringify(b);

const distinct = (resources: readonly JsonObject[]): readonly JsonObject[] => [
  ...new Map(
    resources
      .filter((resource) => textOf(resource, 'id') !== null)
      .map((resource) => [textOf(resource, 'id'), resource]),
  ).values(),
];

/** An answer of 200 whose body is no list: nothing may be concluded from it. */
export const unreadable = (outcome: Outcome): Outcome => ({
  ...outcome,
  class: 'retry',
  code: 'unreadable-answer',
  countsAsAttempt: true,
});
