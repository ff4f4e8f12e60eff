// The target's own list of users, whole or not at all: nothing may be concluded from a part of it.
import type { JsonObject } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Profile } from './profiles.ts';
import { listUsers, type ScimRequest } from './requests.ts';
import { activeOf, listOf, textOf } from './responses.ts';

export interface ListDeps {
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** Tries of one page before the listing is given up; with these waits some three minutes of trouble are survived. */
const PAGE_TRIES = 8;
const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 60_000;

/**
 * Pages by index (RFC 7644 section 3.4.2.4): from 1, onward by what was returned, each id once. It ends when as many users were
 * seen as the target counts. @throws Problem when they are fewer, when a page repeats, or when the target does not answer.
 */
export async function* listAccounts(
  exchange: Exchange,
  profile: Profile,
  deps: ListDeps,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedAccount[]> {
  const seen = new Set<string>();
  for (let startIndex = 1; ; ) {
    const answer = await patient(exchange, listUsers(startIndex, profile.pageSize), deps, signal);
    const page = listOf(answer.body);
    if (page === null) throw incomplete('the answer is no list of users');
    if (page.total === null) throw incomplete('the target does not say how many users it has');
    const fresh: ListedAccount[] = [];
    for (const resource of page.resources) {
      const account = listed(resource);
      if (account === null) throw incomplete('a user without an id');
      if (seen.has(account.remoteId)) continue;
      seen.add(account.remoteId);
      fresh.push(account);
    }
    if (fresh.length > 0) yield fresh;
    if (seen.size >= page.total) return;
    if (fresh.length === 0) {
      throw incomplete(
        page.resources.length === 0
          ? `the pages ended after ${seen.size} of ${page.total} users`
          : `a page repeated after ${seen.size} of ${page.total} users`,
      );
    }
    startIndex += page.resources.length;
  }
}

function listed(resource: JsonObject): ListedAccount | null {
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

async function patient(exchange: Exchange, request: ScimRequest, deps: ListDeps, signal: AbortSignal): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await exchange(request);
    const { outcome } = answer;
    if (outcome.class === 'done') return answer;
    signal.throwIfAborted();
    if (outcome.class !== 'retry' || tries >= PAGE_TRIES) {
      throw incomplete(
        `the target answered ${outcome.code}${outcome.status === null ? '' : ` (HTTP ${outcome.status})`}`,
      );
    }
    const backOff = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** (tries - 1)) * (0.5 + deps.random() / 2);
    await deps.wait(Math.max(Math.min(outcome.retryAfterMs ?? 0, WAIT_MAX_MS), backOff), signal);
    signal.throwIfAborted();
  }
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
