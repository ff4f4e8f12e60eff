// Reading one account by its id, and what a refusal to show it means.
import { unreadable } from './correlate.ts';
import type { Answer } from './exchange.ts';
import { concluded } from './outcome-table.ts';
import { readUser, searchUsers } from './requests.ts';
import { listOf, textOf } from './responses.ts';
import type { Ways } from './ways.ts';

/**
 * A `gone` is certain. Where the endpoint may answer an unknown id otherwise (`unknownId`), only a search for that id that finds
 * nobody makes it so; a search that finds it gives the resource.
 */
export async function readById(ways: Ways, id: string): Promise<Answer> {
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
