// What Okta says of one person now. The Users API knows whether somebody can sign in; the identity source only whether it holds them.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import { sameName } from '../scim/correlate.ts';
import type { Answer } from '../scim/exchange.ts';
import { textsOf } from './entity.ts';
import { searchPath, userPath } from './paths.ts';
import type { Room } from './room.ts';

export interface Person {
  readonly externalId: string;
  readonly userName: string;
  readonly remoteId: string | null;
}

export interface There {
  readonly kind: 'there';
  /** As accounts know it: Okta's own id, or `external:ID` where only the source may be asked. */
  readonly id: string;
  /** Of the Users API; '' where only the source was asked. */
  readonly status: string;
  /** A change of the status is under way. */
  readonly settling: boolean;
  readonly account: ListedAccount;
}
/** `nobody`: there is no such person; `unknown`: Okta did not answer. */
export type Read = There | { readonly kind: 'nobody' } | { readonly kind: 'unknown'; readonly outcome: Outcome };

const BY_SOURCE = 'external:';
export const bySource = (externalId: string): string => `${BY_SOURCE}${externalId}`;
/** Okta's own id of the user; null where it is not known. */
export const oktaIdOf = (remoteId: string | null): string | null =>
  remoteId === null || remoteId.startsWith(BY_SOURCE) ? null : remoteId;
const externalIdIn = (remoteId: string): string | null =>
  remoteId.startsWith(BY_SOURCE) ? remoteId.slice(BY_SOURCE.length) : null;

/** Of these nobody can sign in (GK): not activated yet, for a while, for good. */
const INACTIVE = ['STAGED', 'SUSPENDED', 'DEPROVISIONED'];

/** Null where it is no user. */
export function listedUser(user: JsonObject, externalIdAttribute: string): There | null {
  const id = textOf(user, 'id');
  const status = textOf(user, 'status');
  if (id === null || status === null) return null;
  const profile = isObject(user.profile) ? user.profile : {};
  const userName = textOf(profile, 'login');
  const externalId = externalIdAttribute === '' ? null : textOf(profile, externalIdAttribute);
  const active = !INACTIVE.includes(status);
  const transitioning = textOf(user, 'transitioningToStatus');
  return {
    kind: 'there',
    id,
    status,
    settling: transitioning !== null && transitioning !== status,
    account: {
      remoteId: id,
      externalId,
      userName,
      active,
      resource: {
        ...textsOf(profile),
        id,
        active,
        ...(userName === null ? {} : { userName }),
        ...(externalId === null ? {} : { externalId }),
      },
    },
  };
}

/** The record as the identity source holds it; null values are left out. */
export type SourceRead =
  | { readonly kind: 'there'; readonly profile: Readonly<Record<string, string>> }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'unknown'; readonly outcome: Outcome };

const get = (room: Room, path: string, urgent: boolean, signal: AbortSignal): Promise<Answer> =>
  room.exchange(null, urgent, signal)({ kind: 'read', method: 'GET', path, body: '' });

export async function readSource(
  room: Room,
  externalId: string,
  urgent: boolean,
  signal: AbortSignal,
): Promise<SourceRead> {
  const { outcome, body } = await get(room, room.paths.user(externalId), urgent, signal);
  if (outcome.class === 'gone') return { kind: 'nobody' };
  if (outcome.class !== 'done') return { kind: 'unknown', outcome };
  if (body === null) return { kind: 'unknown', outcome: unreadable(outcome) };
  return { kind: 'there', profile: textsOf(isObject(body.profile) ? body.profile : {}) };
}

/** Whoever is found is ours: by Okta's id, else by the external id that stands there, else because the source calls them so. */
export async function readPerson(room: Room, person: Person, urgent: boolean, signal: AbortSignal): Promise<Read> {
  const { settings } = room;
  const externalId = externalIdIn(person.remoteId ?? '') ?? person.externalId;
  if (settings.reads === 'source') {
    const there = await readSource(room, externalId, urgent, signal);
    return there.kind === 'there' ? inSource(externalId, there.profile) : there;
  }
  const id = oktaIdOf(person.remoteId);
  if (id !== null) {
    const known = await userAt(room, id, urgent, signal);
    // Whoever leaves may have been made anew under another id: that is looked for before there is nobody.
    if (known.kind !== 'nobody' || !urgent) return known;
  }
  if (person.userName !== '') {
    const found = await userAt(room, person.userName, urgent, signal);
    if (found.kind === 'unknown') return found;
    if (found.kind === 'there' && sameName(found.account.userName, person.userName)) {
      const ours = await isOurs(room, found, externalId, urgent, signal);
      if (ours === 'yes') return found;
      if (ours !== 'no') return { kind: 'unknown', outcome: ours };
    }
  }
  return byAttribute(room, externalId, urgent, signal);
}

async function userAt(room: Room, idOrLogin: string, urgent: boolean, signal: AbortSignal): Promise<Read> {
  const { outcome, body } = await get(room, userPath(idOrLogin), urgent, signal);
  if (outcome.class === 'gone') return { kind: 'nobody' };
  if (outcome.class !== 'done') return { kind: 'unknown', outcome };
  const user = body === null ? null : listedUser(body, room.settings.externalIdAttribute);
  return user ?? { kind: 'unknown', outcome: unreadable(outcome) };
}

async function isOurs(
  room: Room,
  { account }: There,
  externalId: string,
  urgent: boolean,
  signal: AbortSignal,
): Promise<'yes' | 'no' | Outcome> {
  if (account.externalId !== null) return account.externalId === externalId ? 'yes' : 'no';
  // Nothing there says whose it is: the source's own record of that name does.
  const there = await readSource(room, externalId, urgent, signal);
  if (there.kind === 'unknown') return there.outcome;
  return there.kind === 'there' && sameName(there.profile.userName ?? null, account.userName ?? '') ? 'yes' : 'no';
}

/** Its login is another one: the attribute that carries the external id finds it. */
async function byAttribute(room: Room, externalId: string, urgent: boolean, signal: AbortSignal): Promise<Read> {
  const { externalIdAttribute } = room.settings;
  if (externalIdAttribute === '' || externalId === '') return { kind: 'nobody' };
  const { outcome, body } = await room.exchange(
    null,
    urgent,
    signal,
  )({
    kind: 'search',
    method: 'GET',
    path: searchPath(externalIdAttribute, externalId),
    body: '',
  });
  if (outcome.class !== 'done') return { kind: 'unknown', outcome };
  const found = usersIn(body, externalIdAttribute);
  if (found === null) return { kind: 'unknown', outcome: unreadable(outcome) };
  const own = found.filter(({ account }) => account.externalId === externalId);
  const [first, second] = own;
  if (second !== undefined) return { kind: 'unknown', outcome: severalMatch(outcome, own.length) };
  return first ?? { kind: 'nobody' };
}

/** Null where the answer is no list of users. */
export function usersIn(body: JsonObject | null, externalIdAttribute: string): readonly There[] | null {
  if (!Array.isArray(body?.list)) return null;
  const users = (body.list as readonly JsonValue[]).map((one) =>
    isObject(one) ? listedUser(one, externalIdAttribute) : null,
  );
  return users.includes(null) ? null : (users as readonly There[]);
}

function inSource(externalId: string, profile: Readonly<Record<string, string>>): There {
  const id = bySource(externalId);
  const userName = profile.userName ?? null;
  return {
    kind: 'there',
    id,
    status: '',
    settling: false,
    account: {
      remoteId: id,
      externalId,
      userName,
      active: true,
      resource: { ...profile, id, externalId, active: true },
    },
  };
}

const unreadable = (outcome: Outcome): Outcome => ({
  ...outcome,
  class: 'retry',
  code: 'unreadable-answer',
  countsAsAttempt: true,
});

const severalMatch = (outcome: Outcome, count: number): Outcome => ({
  ...outcome,
  class: 'permanent',
  code: 'ambiguous-match',
  detail: `${count} users carry this external id; pair the right one`,
  countsAsAttempt: true,
});
