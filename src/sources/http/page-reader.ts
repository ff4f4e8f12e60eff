// Pages of the list into lines of the spool. What a page that broke off had written is forgotten before it is read again.
import { createHash, hash } from 'node:crypto';
import type { HttpSourceSettings, PagedRequest } from '../../mapping/source-settings.ts';
import type { OpenAnswer } from '../../runtime/access/pool.ts';
import { readCsvPage } from './csv-list.ts';
import { join } from './joins.ts';
import { readJsonList } from './json-list.ts';
import type { PageSeen } from './paging.ts';
import { ListProof } from './proof.ts';
import { type Element, elementsIn, elementsOf, exploded, idOf, Members, trustedLine } from './records.ts';
import type { RowSpool } from './row-spool.ts';
import { elementsAt, readWhole, refuseError } from './whole-answer.ts';
import { type LookParts, wholeAnswers } from './whole-answers.ts';
import { asLists } from './xml.ts';

export type PageSettings = Pick<
  HttpSourceSettings,
  'list' | 'joins' | 'id' | 'explode' | 'values' | 'omit' | 'keep' | 'firstOf' | 'dates' | 'flatten'
>;

/** RFC 9110 section 15.4.5. */
export const NOT_MODIFIED = 304;
const TOO_LONG = 'row.too-long';
/** Records of a page that wait for their joins: those are asked for when the page is there, so that its connection need not wait. */
const JOINED_WAITING_MAX = 10_000;

export interface PageParts extends LookParts {
  readonly spool: RowSpool;
  /** Members without which no record is believed. */
  readonly always: readonly string[];
}

export class PageReader {
  readonly members = new Members();
  readonly proof: ListProof;
  readonly #settings: PageSettings;
  readonly #list: PagedRequest;
  readonly #parts: PageParts;
  #csvHeader: string | null = null;

  constructor(settings: PageSettings, parts: PageParts) {
    this.#settings = settings;
    this.#list = settings.list;
    this.#parts = parts;
    this.proof = new ListProof(settings.list.paging);
  }

  /** Null where the source says that nothing changed. */
  async read(answer: OpenAnswer, signal: AbortSignal): Promise<(PageSeen & { readonly digest: string }) | null> {
    if (answer.status === NOT_MODIFIED) {
      answer.discard();
      return null;
    }
    const { spool } = this.#parts;
    const bytes = spool.bytes;
    try {
      return this.#list.format === 'csv' ? await this.#csv(answer, signal) : await this.#elements(answer, signal);
    } catch (error) {
      await spool.rollBack(bytes);
      throw error;
    }
  }

  async #elements(answer: OpenAnswer, signal: AbortSignal): Promise<PageSeen & { readonly digest: string }> {
    const list = this.#list;
    const page = new Page();
    const waitingMax = this.#settings.joins.length === 0 ? 0 : JOINED_WAITING_MAX;
    let waiting: Element[] = [];
    const take = async (elements: readonly Element[]): Promise<void> => {
      waiting.push(...elements);
      if (waiting.length > waitingMax) await this.#write(waiting.splice(0), page, signal);
    };
    let body: unknown = null;
    if (answer.status === 204) answer.discard();
    else if (list.format === 'json') {
      const read = await readJsonList(
        answer,
        list.recordPath,
        this.#parts.budget,
        signal,
        (texts) => take(texts.flatMap((text) => (text === null ? [tooLong()] : elementsIn(text, this.#shape)))),
        (around) => refuseError(around, list),
      );
      body = read.body;
    } else {
      const whole = await readWhole(answer, list, this.#parts.budget, signal);
      body = whole;
      const elements = elementsAt(whole, list.recordPath).flatMap((value) => elementsOf(value, this.#shape));
      for (const { record } of elements) asLists(record, list.lists);
      await take(elements);
    }
    await this.#write(waiting, page, signal);
    waiting = [];
    // Counted only now: a page that breaks off is read again, and would be counted twice.
    this.members.add(page.members);
    for (const mark of page.marks) this.proof.record(mark);
    return { records: page.marks.length, body, header: answer.header, digest: page.digest.digest('hex') };
  }

  async #write(elements: readonly Element[], page: Page, signal: AbortSignal): Promise<void> {
    const { id, joins, explode } = this.#settings;
    const ids = elements.map((element) => idOf(element, id));
    if (joins.length > 0) await join(elements, joins, id, wholeAnswers(this.#parts), signal);
    for (const [index, joined] of elements.entries()) {
      // The list may be one that a join brought.
      for (const element of explode === undefined ? [joined] : exploded(joined, explode)) {
        const { line, complete } = trustedLine(element, this.#settings, this.#parts.always);
        page.take(element, complete, ids[index] || markOf(line), line);
        await this.#parts.spool.line(line);
      }
    }
  }

  async #csv(answer: OpenAnswer, signal: AbortSignal): Promise<PageSeen & { readonly digest: string }> {
    const digest = createHash('sha256');
    const marks: string[] = [];
    let headerSeen = this.#csvHeader !== null;
    const header = await readCsvPage(answer, this.#csvHeader, this.#parts.budget, signal, async (row) => {
      await this.#parts.spool.raw(row);
      if (!headerSeen) {
        headerSeen = true;
        return;
      }
      digest.update(row);
      marks.push(markOf(row));
    });
    this.#csvHeader = header;
    for (const mark of marks) this.proof.record(mark);
    return { records: marks.length, body: null, header: answer.header, digest: digest.digest('hex') };
  }

  get #shape() {
    return { unwrap: this.#list.unwrap, explode: this.#settings.explode, values: this.#settings.values };
  }
}

/** What is known of a page while it is read. */
class Page {
  readonly digest = createHash('sha256');
  readonly members = new Members();
  /** One for each record: its id, or what tells it from others. */
  readonly marks: string[] = [];

  take(element: Element, complete: boolean, mark: string, line: string): void {
    this.digest.update(line).update('\n');
    this.members.take(element, complete);
    // Totals and pages count elements, however many records are made of one.
    if (element.more !== true) this.marks.push(mark);
  }
}

/** Short enough for a million of them. */
const markOf = (row: string | Buffer): string => hash('sha256', row, 'base64').slice(0, 22);

const tooLong = (): Element => ({
  record: Object.create(null),
  fault: { code: TOO_LONG, message: 'This record is too long to be one.', hint: 'ask for fewer members' },
});
