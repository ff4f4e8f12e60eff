// Rows that share a key form one unit where rows are dated: they are gathered over the whole delivery, since they may stand
// anywhere in it, and become one employment at its end. What is gathered waits as text in the spool.
import { assert } from '../base/assert.ts';
import { type CalendarDate, startOfDay } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { Place } from '../base/problem.ts';
import type { MappedRecord } from '../mapping/bound-mapping.ts';
import { Spool } from '../runtime/spool.ts';
import type { Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import { type DatedRow, joined, type Period } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';

type Rejected = Extract<MappedRecord, { kind: 'rejected' }>;

interface GoodRow extends DatedRow {
  readonly digest: string;
  readonly mark: number;
  readonly place: Place;
}
/** A rejected row that has a key. Its period is null where it could not be read. */
interface BadRow {
  readonly period: Period | null;
  readonly timeZone: string;
  readonly saysTerminated: boolean;
  readonly endDate?: CalendarDate | null;
  readonly digest: string;
  readonly mark: number;
}
type UnitRow = { readonly good: GoodRow } | { readonly bad: BadRow };

export interface Unit {
  readonly id: string;
  /** What the rows say together; null where nothing may change. */
  readonly employment: Employment | null;
  /** Every row that led to it; none where the unit must be judged again at every read. */
  readonly digests: readonly string[];
  /** One for each digest. */
  readonly marks: readonly number[];
  /** Every row of this key, identical ones once. */
  readonly rows: readonly { readonly digest: string; readonly mark: number }[];
  /** Rows that cannot both be true, with the reason. */
  readonly contradictions: readonly { readonly place: Place; readonly reason: string }[];
  /** Set where nothing may change and yet the row in force says terminated: the leave is acted on as explicit. */
  readonly leave: { readonly endDate?: CalendarDate | null } | null;
}

export class DatedUnits implements Disposable {
  readonly #spool: Spool;
  /** Places in the spool by key. */
  readonly #rows = new Map<string, number[]>();

  constructor(stateDir: string) {
    this.#spool = new Spool(stateDir);
  }

  get size(): number {
    return this.#rows.size;
  }

  add(mapped: Extract<MappedRecord, { kind: 'employment' }>, digest: string, place: Place, mark: number): void {
    const { employment, period } = mapped;
    assert(period !== undefined, 'a row of a dated feed has its period');
    this.#put(employment.id, { good: { employment, period, digest, mark, place } });
  }

  addRejected(mapped: Rejected, digest: string, mark: number): void {
    const { rejection, period = null, timeZone, endDate } = mapped;
    if (rejection.key === null) return;
    const { saysTerminated } = rejection;
    this.#put(rejection.key, {
      bad: { period, timeZone, saysTerminated, digest, mark, ...(endDate === undefined ? {} : { endDate }) },
    });
  }

  #put(key: string, row: UnitRow): void {
    const at = this.#spool.add(JSON.stringify(row));
    const rows = this.#rows.get(key);
    if (rows === undefined) this.#rows.set(key, [at]);
    else rows.push(at);
  }

  /** Known rows that this delivery holds and that were not read, although other rows of their key were: the rest of their unit. */
  unread(known: KnownFingerprints, scan: Scan, read: ReadonlySet<number>): ReadonlySet<number> {
    const rest = new Set<number>();
    for (const key of this.#rows.keys()) {
      for (const index of known.indexesOf(key)) if (isSeen(scan, index) && !read.has(index)) rest.add(index);
    }
    return rest;
  }

  *units(now: Instant): Iterable<Unit> {
    for (const [id, places] of this.#rows) {
      yield unitOf(
        id,
        places.map((at) => JSON.parse(this.#spool.get(at)) as UnitRow),
        now,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }
}

const isSeen = ({ knownSeen }: Scan, index: number): boolean =>
  ((knownSeen[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;

/** Known rows that are still there while another row of their key is not: it changed, or HR took it back. */
export function halfSeen({ table }: KnownFingerprints, scan: Scan): ReadonlySet<number> {
  const indexes = new Set<number>();
  for (let first = 0; first < table.size; ) {
    const employment = table.employmentAt(first);
    let end = first;
    let seen = 0;
    while (end < table.size && table.employmentAt(end) === employment) {
      if (isSeen(scan, end)) seen += 1;
      end += 1;
    }
    if (seen > 0 && seen < end - first) {
      for (let index = first; index < end; index += 1) if (isSeen(scan, index)) indexes.add(index);
    }
    first = end;
  }
  return indexes;
}

function unitOf(id: string, rows: readonly UnitRow[], now: Instant): Unit {
  // Identical rows collapse.
  const distinct = [...new Map(rows.map((row) => ['good' in row ? row.good.digest : row.bad.digest, row])).values()];
  const good = distinct.flatMap((row) => ('good' in row ? [row.good] : []));
  const bad = distinct.flatMap((row) => ('bad' in row ? [row.bad] : []));
  const marked = [...good, ...bad].map(({ digest, mark }) => ({ digest, mark }));
  const nothing: Unit = {
    id,
    employment: null,
    digests: [],
    marks: [],
    rows: marked,
    contradictions: [],
    leave: leaveIn(good, bad, now),
  };

  const [first] = good;
  if (first === undefined || bad.some((row) => !isOver(row, good, now))) return nothing;
  const stranger = good.find(({ employment }) => employment.personId !== first.employment.personId);
  if (stranger !== undefined) {
    const reason = `dated rows of the key ${id} name different persons`;
    return { ...nothing, contradictions: [first, stranger].map(({ place }) => ({ place, reason })) };
  }
  const one = joined(good, now);
  if ('reason' in one) {
    const { between, reason } = one;
    const places = between === null ? good.slice(0, 1) : between.flatMap((at) => good[at] ?? []);
    return {
      ...nothing,
      // Of rows that contradict each other none is acted on, unless all of them say the same of access.
      leave: good.every(({ employment }) => employment.status === 'terminated') ? nothing.leave : null,
      contradictions: places.map(({ place }) => ({ place, reason })),
    };
  }
  const settled = bad.length > 0 ? [] : marked;
  return {
    id,
    employment: one.employment,
    digests: settled.map(({ digest }) => digest),
    marks: settled.map(({ mark }) => mark),
    rows: marked,
    contradictions: [],
    leave: null,
  };
}

const begun = (period: Period, timeZone: string, now: Instant): boolean => startOfDay(period.from, timeZone) <= now;

/** A rejected row that a good one has taken the place of changes nothing any more. */
const isOver = ({ period }: BadRow, good: readonly GoodRow[], now: Instant): boolean =>
  period !== null &&
  good.some((row) => row.period.from > period.from && begun(row.period, row.employment.timeZone, now));

/** The termination that the row in force says, readable or not as a whole. */
function leaveIn(good: readonly GoodRow[], bad: readonly BadRow[], now: Instant): Unit['leave'] {
  interface Said {
    readonly from: CalendarDate;
    readonly terminated: boolean;
    readonly leave: Unit['leave'];
  }
  if (bad.some(({ period }) => period === null) && good.length + bad.length > 1) return null;
  const said: Said[] = [
    ...good
      .filter(({ period, employment }) => begun(period, employment.timeZone, now))
      .map(({ period, employment }) => ({
        from: period.from,
        terminated: employment.status === 'terminated',
        leave: { endDate: employment.endDate },
      })),
    ...bad
      .filter(({ period, timeZone }) => period === null || begun(period, timeZone, now))
      .map(({ period, saysTerminated, endDate }) => ({
        from: period?.from ?? ('' as CalendarDate),
        terminated: saysTerminated,
        leave: endDate === undefined ? {} : { endDate },
      })),
  ];
  const latest = said.reduce<CalendarDate | null>((max, { from }) => (max === null || from > max ? from : max), null);
  const last = said.filter(({ from }) => from === latest);
  return last.length > 0 && last.every(({ terminated }) => terminated) ? (last.at(-1)?.leave ?? null) : null;
}
