// Looking people up one by one, where nobody can be listed.
import { Problem } from '../../base/problem.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import { type LookUp, lookUpRefused } from '../target.ts';
import { sameName } from './correlate.ts';
import type { Exchange } from './exchange.ts';
import { listed } from './list.ts';
import { type PatienceDeps, patient } from './patient.ts';
import type { Profile } from './profiles.ts';
import { searchUsers } from './requests.ts';
import { listOf } from './responses.ts';

/** Who is asked about waits for the next plan when the target does not answer; a plan does not wait for it longer. */
const TRIES = 3;
/** Questions under way at once: the rate of the target holds them back as well. */
const AT_ONCE = 8;

/** Each account once. What does not carry the value that was asked for is no answer, whoever sends it. */
export async function findAccounts(
  asked: readonly LookUp[],
  exchange: Exchange,
  profile: Profile,
  deps: PatienceDeps,
  signal: AbortSignal,
): Promise<readonly ListedAccount[]> {
  const found = new Map<string, ListedAccount>();
  const questions = asked.filter(({ attribute, value }) => value !== '' && profile.lookup.includes(attribute));
  const waiting = questions.values();
  const ask = async () => {
    for (const { attribute, value } of waiting) {
      const answer = await patient(exchange, searchUsers(attribute, value), deps, signal, {
        failed: unanswered,
        tries: TRIES,
        also: ({ outcome }) => outcome.class === 'permanent',
      });
      if (answer.outcome.class === 'permanent') throw lookUpRefused(answer.outcome);
      const list = listOf(answer.body);
      if (list === null) throw unanswered('the answer is no list of users');
      for (const resource of list.resources) {
        const there = textOf(resource, attribute);
        if (attribute === 'userName' ? !sameName(there, value) : there !== value) continue;
        const account = listed(resource);
        if (account !== null) found.set(account.remoteId, account);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, questions.length) }, ask));
  return [...found.values()];
}

const unanswered = (why: string) =>
  new Problem(
    {
      code: 'target.look-up',
      message: `people could not be looked up: ${why}`,
      hint: 'nothing was concluded from it; see whether the endpoint answers searches by userName and externalId',
    },
    1,
  );
