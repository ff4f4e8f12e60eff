// Reading one account by its id, and what a refusal to show it means.
import { Problem } from '../../base/problem.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import type { Looked } from '../target.ts';
import { unreadable } from './correlate.ts';
import type { Answer } from './exchange.ts';
import { listed } from './list.ts';
import { concluded } from './outcome-table.ts';
import { readUser, searchUsers } from './requests.ts';
import { listOf } from './responses.ts';
import type { Ways } from './ways.ts';

/**
 * A `gone` is certain. Where the endpoint may answer an unknown id otherwise (`unknownId`), only a search for that id that finds
 * nobody makes it so; a search that finds it gives the resource.
 */
export async function readById(ways: Pick<Ways, 'exchange' | 'profile'>, id: string): Promise<Answer> {
  const answer = await ways.exchange(readUser(id));
  const { status } = answer.outcome;
  if (answer.outcome.class !== 'permanent' || status === null || !ways.profile.unknownId.includes(status))
    return answer;
  const search = await ways.exchange(searchUsers('id', id));
  if (search.outcome.class !== 'done') return search;
  const list = listOf(search.body);
  if (list === null) return { ...search, outcome: unreadable(search.outcome) };
  const found = list.resources.find((resource) => textOf(resource, 'id') === id);
  if (found !== undefined) return { ...search, body: found, etag: null };
  // A server that ignores the filter shows others: then nothing is said about this one.
  if (list.resources.length > 0) return answer;
  return { ...answer, outcome: concluded(answer.outcome, { class: 'gone', code: 'no-such-id' }) };
}

/** One account, for nobody's operation. @throws Problem when the answer says neither what it is like nor that it is gone. */
export async function lookAt(ways: Pick<Ways, 'exchange' | 'profile'>, id: string): Promise<Looked> {
  const { outcome, body } = await readById(ways, id);
  if (outcome.class === 'gone') return { kind: 'gone' };
  const account = outcome.class === 'done' && body !== null ? listed(body) : null;
  if (account !== null) return { kind: 'there', account };
  const said = `${outcome.code}${outcome.status === null ? '' : ` (HTTP ${outcome.status})`}`;
  throw new Problem(
    {
      code: 'target.look',
      message: `an account could not be read: the target answered ${outcome.class === 'done' ? 'with no user' : said}`,
      hint: 'nothing was concluded from it; it is read again later',
    },
    1,
  );
}
