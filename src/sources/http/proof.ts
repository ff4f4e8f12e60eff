// What the pages of one look prove together: that none came twice, that the promised number of records came, and that the list did
// not move while it was read.
import { Problem } from '../../base/problem.ts';
import type { Paging } from '../../mapping/source-settings.ts';
import type { Completeness } from '../source.ts';
import { countIn, saidAt } from './body-path.ts';
import type { NextPage, PageSeen } from './paging.ts';

export class ListProof {
  readonly #paging: Paging;
  readonly #pages = new Set<string>();
  /** Id, or digest of a record without one → page on which it was met first. */
  readonly #met = new Map<string, number>();
  #twice = 0;
  #total: number | null = null;
  #totalMoved = false;
  #page = 0;
  records = 0;

  constructor(paging: Paging) {
    this.#paging = paging;
  }

  get pages(): number {
    return this.#page;
  }

  /** @param mark the id; of a record without one, whatever tells it from others. */
  record(mark: string): void {
    this.records++;
    const before = this.#met.get(mark);
    if (before === undefined) this.#met.set(mark, this.#page);
    // Several rows of one worker stand together; one that is met again on a later page has moved, and somebody else with it.
    else if (before !== this.#page) this.#twice++;
  }

  /**
   * A page has been read to its end.
   * @param digest over its records in order; '' for an empty page. @throws Problem when it came before.
   */
  page(seen: PageSeen, digest: string): void {
    this.#page++;
    if (seen.records > 0 && this.#pages.has(digest)) {
      throw new Problem({
        code: 'feed.page-repeated',
        message: `Page ${this.#page} holds the records of an earlier page: the source does not go on.`,
        hint: 'look at paging in the connection file: its parameter, and where the answer says the next page',
      });
    }
    this.#pages.add(digest);
    const place = this.#paging.total;
    const total = place === undefined ? null : countIn(saidAt(seen, place));
    if (total === null) return;
    if (this.#total !== null && this.#total !== total) this.#totalMoved = true;
    this.#total = total;
  }

  /** @throws Problem when fewer records came than were promised. */
  end(by: (NextPage & { kind: 'end' })['by']): Completeness {
    const paging = this.#paging;
    const [pages, records] = [counted(this.#page, 'page'), counted(this.records, 'record')];
    if (paging.total !== undefined && this.#total === null) {
      return { strength: 'weak', proof: `${records} on ${pages}, and no total at ${paging.total}` };
    }
    if (this.#total !== null) {
      const met = this.records - this.#twice;
      if (met < this.#total) {
        throw new Problem({
          code: 'feed.short',
          message: `The source says that there are ${this.#total} records, and ${met} came.`,
          hint: 'a page was lost, or the list moved while it was read; it is read again at the next look',
        });
      }
      const steady = !this.#totalMoved && this.#twice === 0 && this.records === this.#total;
      if (steady) return { strength: 'strong', proof: `total says ${records}, on ${pages}` };
      return { strength: 'weak', proof: `${records} on ${pages}, and the list moved while it was read` };
    }
    if (this.#twice > 0)
      return { strength: 'weak', proof: `${records} on ${pages}, and the list moved while it was read` };
    if (by === 'token' && 'endIsDocumented' in paging && paging.endIsDocumented)
      return { strength: 'strong', proof: `${records} on ${pages}, to the end that the source declares` };
    if (paging.kind === 'none' && paging.wholeAnswer)
      return { strength: 'strong', proof: `${records} in one answer, which holds everybody` };
    return { strength: 'weak', proof: `${records} on ${pages}` };
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
