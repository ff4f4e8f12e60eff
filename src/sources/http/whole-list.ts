// The whole list as a delivery, and what is remembered of the last one: how to ask whether it changed, and which members its records had.

import { assert } from '../../base/assert.ts';
import { type Instant, instantOfMs, MINUTE_MS, msOf } from '../../base/instant.ts';
import type { HttpSourceSettings } from '../../mapping/source-settings.ts';
import type { Delivery } from '../source.ts';
import { type ListRead, readList, UNCHANGED } from './list.ts';
import type { Reader } from './reader.ts';
import type { RowSpool } from './row-spool.ts';
import { csvShape, type DeliveryHead, jsonShape, type Known, type Rows, rowsDelivery } from './rows-delivery.ts';

interface Last {
  /** Identity of that delivery: an answer that did not change is the same one. */
  readonly id: string;
  /** Headers that ask whether it changed; null where it cannot be asked so. */
  readonly conditions: Readonly<Record<string, string>> | null;
  readonly known: Known;
  /** Members that each of its records had. */
  readonly each: readonly string[];
}

export class WholeList {
  readonly #reader: Reader;
  #last: Last | null = null;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Members that records of the last list had; null before the first one. */
  get columns(): readonly string[] | null {
    return this.#last?.known.columns ?? null;
  }

  /** Members that each of them had. Of listed `columns` only: what is read as optional may come and go. */
  get each(): readonly string[] {
    const { columns } = this.#reader.options;
    const each = this.#last?.each ?? [];
    return columns === null ? each : each.filter((name) => columns.includes(name));
  }

  /** @throws Problem, Later. */
  async look(now: Instant, signal: AbortSignal): Promise<Delivery> {
    const before = this.#last;
    const { options, partsAt, spooled } = this.#reader;
    const conditions = before?.conditions ?? null;
    const found = await spooled(async (spool) => {
      const headers = conditions === null ? null : { headers: conditions };
      const list = await readList(options, { ...partsAt(now), spool, always: this.each }, signal, headers);
      return list === UNCHANGED ? null : { list, rows: await this.#rowsOf(spool, list, now, signal) };
    });
    if (found !== null) {
      const { list, rows } = found;
      const id = list.etag === null ? `read at ${now}` : `etag ${list.etag}`;
      return rowsDelivery(this.#headOf(id, now, list), { rows, known: null, reopen: null }, (contentDigest) =>
        this.#remember(id, list, rows, contentDigest),
      );
    }
    assert(before !== null, 'nothing changed since nothing');
    // Rows are needed only where somebody has to be judged again although nothing changed.
    const reopen = async (aborted: AbortSignal): Promise<Rows> => {
      const again = await spooled(async (spool) => {
        const list = await readList(options, { ...partsAt(now), spool, always: this.each }, aborted);
        assert(list !== UNCHANGED, 'an answer is unchanged that nobody asked about');
        return this.#rowsOf(spool, list, now, aborted);
      });
      assert(again !== null, 'a list without rows is refused');
      return again;
    };
    return rowsDelivery(this.#headOf(before.id, now, null), { rows: null, known: before.known, reopen });
  }

  #headOf(id: string, now: Instant, list: ListRead | null): DeliveryHead {
    const { options, nameAt } = this.#reader;
    const { minRows } = options.complete;
    return {
      id,
      name: nameAt('list', now),
      asOf: now,
      content: 'snapshot',
      ...(minRows === undefined ? {} : { minRows }),
      // Whatever changes while the list is read is asked for again.
      ...(options.changes === undefined ? {} : { watermark: beginOf(now, list) }),
    };
  }

  async #rowsOf(spool: RowSpool, list: ListRead, now: Instant, signal: AbortSignal): Promise<Rows> {
    const { options, format, nameAt } = this.#reader;
    const file = await spool.file(nameAt('list', now));
    const csv = options.list.format === 'csv';
    const shape = csv ? await csvShape(file, format, signal) : jsonShape(list.members.any, format);
    return { spool, file, shape, completeness: list.completeness };
  }

  #remember(id: string, list: ListRead, { shape }: Rows, contentDigest: string): void {
    const { columns, format } = shape;
    // Where no record was believed, none says which members there are.
    const each = list.members.each.length > 0 ? list.members.each : (this.#last?.each ?? []);
    const conditions = conditionsOf(this.#reader.options, list);
    this.#last = { id, conditions, known: { columns, format, contentDigest }, each };
  }
}

/** The moment the list began to be read, by the source's own clock where that is behind ours. */
const beginOf = (now: Instant, list: ListRead | null): string =>
  list === null || list.dateMs === null ? now : instantOfMs(Math.min(list.dateMs, msOf(now) + MINUTE_MS));

/** Only one request that brings everything can be asked for on condition. */
function conditionsOf(
  { list, joins }: Pick<HttpSourceSettings, 'list' | 'joins'>,
  { etag, lastModified }: ListRead,
): Readonly<Record<string, string>> | null {
  if (list.paging.kind !== 'none' || list.method !== 'GET' || joins.length > 0) return null;
  if (etag !== null) return { 'if-none-match': etag };
  return lastModified === null ? null : { 'if-modified-since': lastModified };
}
