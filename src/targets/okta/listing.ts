// Everybody at Okta, and single people by what they are known by. Reads only.
import { Problem } from '../../base/problem.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import { sameName } from '../scim/correlate.ts';
import type { Exchange } from '../scim/exchange.ts';
import { patient } from '../scim/patient.ts';
import { type Looked, type LookUp, lookUpRefused, NO_LISTING } from '../target.ts';
import { listPath } from './paths.ts';
import { type Read, readPerson, usersIn } from './reading.ts';
import type { Room } from './room.ts';

const PAGE = 200;
const TRIES = 5;
const PAGES_MAX = 20_000;
const AT_ONCE = 8;
const LOOK_TRIES = 3;

/** Without a filter those who are deactivated are left out (GK): they are listed apart. */
const PASSES: readonly (string | null)[] = [null, 'DEPROVISIONED'];

export async function* listUsers(room: Room, signal: AbortSignal): AsyncGenerator<readonly ListedAccount[]> {
  if (room.settings.reads === 'source') throw unlistable('okta.reads is source, which lists nobody');
  const exchange = room.exchange(null, false, signal);
  const seen = new Set<string>();
  for (const status of PASSES) {
    let after: string | null = null;
    for (let page = 1; ; page += 1) {
      if (page > PAGES_MAX) throw incomplete(`more than ${PAGES_MAX} pages`);
      const body = await pageAt(room, exchange, listPath({ status, after, limit: PAGE }), signal);
      const users = usersIn(body, room.settings.externalIdAttribute);
      if (users === null) throw incomplete('the answer is no list of users');
      const fresh = users
        .map(({ account }) => account)
        .filter(({ remoteId }) => !seen.has(remoteId) && seen.add(remoteId));
      if (fresh.length > 0) yield fresh;
      const next = textOf(body, 'next');
      if (next === null) break;
      if (next === after || users.length === 0) throw incomplete('a page repeated');
      after = next;
    }
  }
}

async function pageAt(room: Room, exchange: Exchange, path: string, signal: AbortSignal) {
  const { outcome, body } = await patient(exchange, { kind: 'search', method: 'GET', path, body: '' }, room, signal, {
    tries: TRIES,
    failed: incomplete,
    also: ({ outcome: { status } }) => status === 403,
  });
  if (outcome.status === 403) throw unlistable('the credentials hold no okta.users.read');
  return body;
}

/** Each account once. */
export async function findPeople(
  room: Room,
  asked: readonly LookUp[],
  signal: AbortSignal,
): Promise<readonly ListedAccount[]> {
  const found = new Map<string, ListedAccount>();
  const questions = asked.filter(
    ({ attribute, value }) => value !== '' && !(attribute === 'userName' && room.settings.reads === 'source'),
  );
  const waiting = questions.values();
  const ask = async (): Promise<void> => {
    for (const { attribute, value } of waiting) {
      const there = await answered(
        room,
        () =>
          attribute === 'externalId'
            ? readPerson(room, { externalId: value, userName: '', remoteId: null }, false, signal)
            : // By its login, whoever it belongs to.
              readPerson(room, { externalId: '', userName: '', remoteId: value }, false, signal),
        signal,
      );
      if (there.kind === 'nobody') continue;
      const { account } = there;
      if (attribute === 'userName' && !sameName(account.userName, value)) continue;
      found.set(account.remoteId, account);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, questions.length) }, ask));
  return [...found.values()];
}

export async function lookAtUser(room: Room, remoteId: string, signal: AbortSignal): Promise<Looked> {
  const there = await answered(
    room,
    () => readPerson(room, { externalId: '', userName: '', remoteId }, false, signal),
    signal,
  );
  return there.kind === 'nobody' ? { kind: 'gone' } : { kind: 'there', account: there.account };
}

/** Asked again for a while, because nobody else would. @throws Problem where Okta does not answer. */
async function answered(
  room: Room,
  ask: () => Promise<Read>,
  signal: AbortSignal,
): Promise<Exclude<Read, { kind: 'unknown' }>> {
  for (let tries = 1; ; tries += 1) {
    const there = await ask();
    if (there.kind !== 'unknown') return there;
    signal.throwIfAborted();
    const { outcome } = there;
    if (outcome.class === 'permanent') throw lookUpRefused(outcome);
    if (outcome.class !== 'retry' || tries >= LOOK_TRIES) throw unanswered(outcome.code);
    await room.wait(Math.min(outcome.retryAfterMs ?? 1_000, 60_000) * (0.5 + room.random() / 2), signal);
    signal.throwIfAborted();
  }
}

const unanswered = (code: string) =>
  new Problem(
    {
      code: 'target.look-up',
      message: `people could not be looked up: Okta answered ${code}`,
      hint: 'nothing was concluded from it; ask what the credentials may do: rollcall validate --probe',
    },
    1,
  );

const incomplete = (why: string) =>
  new Problem(
    {
      code: 'target.listing-incomplete',
      message: `the list of users could not be read whole: ${why}`,
      hint: 'nothing was concluded from it; it is read again later',
    },
    1,
  );

const unlistable = (why: string) =>
  new Problem({
    code: NO_LISTING,
    message: `Okta cannot be asked for all of its users: ${why}`,
    hint: 'grant the scope okta.users.read and set okta.reads: users; until then people are looked up one by one',
  });
