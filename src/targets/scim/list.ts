// The target's own list of users, whole or not at all: nothing may be concluded from a part of it.
import type { JsonObject } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import { NO_LISTING } from '../target.ts';
import type { Capabilities } from './capabilities.ts';
import type { Answer, Exchange } from './exchange.ts';
import { type PatienceDeps, patient } from './patient.ts';
import type { Profile } from './profiles.ts';
import { listUsers, type PageQuery } from './requests.ts';
import { activeOf, listOf } from './responses.ts';

/** What a page showed, and what was seen before it. */
interface Page {
  readonly answer: Answer;
  /** Resources on it, and how many of them were not seen before. */
  readonly size: number;
  readonly fresh: number;
  /** Null where the endpoint does not count. */
  readonly total: number | null;
  /** Distinct users so far. */
  readonly seen: number;
}

/** After a page: the next question, or null after the last one. @throws Problem when it cannot be told, or will not end. */
type Turn = (page: Page) => PageQuery | null;

/** A cursor that expired means beginning anew (RFC 9865 section 2); so often at most. */
const RESTARTS_MAX = 3;
const isExpired = ({ outcome }: Answer): boolean => outcome.code.toLowerCase() === 'expiredcursor';

/** With these tries of one page some three minutes of trouble are survived. */
const PAGE_TRIES = 8;
const PATIENCE = { tries: PAGE_TRIES, also: isExpired, failed: (why: string) => incomplete(why) };

/** Pages after which a listing is taken for one that never ends. */
const PAGES_MAX = 1_000_000;

/**
 * By index (RFC 7644 section 3.4.2.4), by cursor (RFC 9865), or in one answer, as `capabilities` say; each id once.
 * @throws Problem when it is not whole, or when the target does not answer.
 */
export async function* listAccounts(
  exchange: Exchange,
  profile: Profile,
  { paging, pageSize }: Capabilities,
  deps: PatienceDeps,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedAccount[]> {
  if (!profile.listing) throw unlistable('it lists nobody without a filter');
  let turn = turns(profile, paging, pageSize);
  let restarts = 0;
  const seen = new Set<string>();
  let query: PageQuery | null = firstPage(paging, pageSize);
  for (let pages = 1; query !== null; pages += 1) {
    if (pages > PAGES_MAX) throw incomplete('the pages do not end');
    const answer: Answer = await patient(exchange, listUsers(query), deps, signal, PATIENCE);
    if (isExpired(answer)) {
      restarts += 1;
      if (restarts > RESTARTS_MAX) throw incomplete('its cursors expire before the next page is asked for');
      turn = turns(profile, paging, pageSize);
      query = firstPage(paging, pageSize);
      continue;
    }
    const list = listOf(answer.body);
    if (list === null) throw incomplete('the answer is no list of users');
    const fresh: ListedAccount[] = [];
    for (const resource of list.resources) {
      const account = listed(resource);
      if (account === null) throw incomplete('a user without an id');
      if (seen.has(account.remoteId)) continue;
      seen.add(account.remoteId);
      fresh.push(account);
    }
    if (fresh.length > 0) yield fresh;
    query = turn({ answer, size: list.resources.length, fresh: fresh.length, total: list.total, seen: seen.size });
  }
}

function firstPage(paging: Capabilities['paging'], count: number): PageQuery {
  if (paging === 'cursor') return { by: 'cursor', cursor: null, count };
  return paging === 'index' ? { by: 'index', startIndex: 1, count } : { by: 'none', count };
}

function turns(profile: Profile, paging: Capabilities['paging'], pageSize: number): Turn {
  if (paging === 'cursor') return byCursor(pageSize);
  return paging === 'index' ? byIndex(profile, pageSize) : inOneAnswer(pageSize);
}

function byIndex({ nextPage, totalIsTruth }: Profile, count: number): Turn {
  let startIndex = 1;
  let pages = 0;
  let firstSize = 0;
  return ({ size, fresh, total, seen }) => {
    pages += 1;
    if (pages === 1) firstSize = size;
    if (total === null) throw incomplete('the target does not say how many users it has');
    // An empty page ends the list wherever the pages may not be believed to be counted right.
    if (seen >= total && (totalIsTruth || size < count)) return null;
    if (fresh === 0) {
      // Where a full page may be all there is, a second look at it says just that.
      if (!totalIsTruth && size > 0 && pages === 2) throw unlistable(`it shows ${size} users and has no pages`);
      throw incomplete(
        size === 0
          ? `the pages ended after ${seen} of ${total} users`
          : `a page repeated after ${seen} of ${total} users`,
      );
    }
    startIndex = nextPage === 'wholePages' ? (pages + 1) * firstSize : startIndex + size;
    return { by: 'index', startIndex, count };
  };
}

/** The last page has no `nextCursor`; pages may hold fewer than asked for, and need not say how many there are (RFC 9865). */
function byCursor(count: number): Turn {
  const used = new Set<string>();
  return ({ answer, total, seen }) => {
    const cursor = textOf(answer.body, 'nextCursor');
    if (cursor === null) {
      if (total !== null && seen < total) throw incomplete(`the pages ended after ${seen} of ${total} users`);
      return null;
    }
    if (used.has(cursor)) throw incomplete(`a page repeated after ${seen} users`);
    used.add(cursor);
    return { by: 'cursor', cursor, count };
  };
}

function inOneAnswer(most: number): Turn {
  return ({ size, total, seen }) => {
    if (total !== null && total > seen) throw unlistable(`it shows ${seen} of ${total} users and has no pages`);
    if (size >= most) throw unlistable(`it shows ${size} users, as many as it ever does, and has no pages`);
    return null;
  };
}

/** Null where the resource has no id. */
export function listed(resource: JsonObject): ListedAccount | null {
  const remoteId = textOf(resource, 'id');
  if (remoteId === null) return null;
  return {
    remoteId,
    externalId: textOf(resource, 'externalId'),
    userName: textOf(resource, 'userName'),
    // An account that is not said to be inactive is one somebody may use.
    active: activeOf(resource) ?? true,
    resource,
  };
}

const incomplete = (why: string) =>
  new Problem(
    {
      code: 'target.listing-incomplete',
      message: `the list of users could not be read whole: ${why}`,
      hint: 'nothing was concluded from it; see whether the endpoint pages as RFC 7644 says',
    },
    1,
  );

const unlistable = (why: string) =>
  new Problem({
    code: NO_LISTING,
    message: `the endpoint cannot be asked for all of its users: ${why}`,
    hint: 'people are looked up one by one by userName and externalId; accounts of other names are not found there',
  });
