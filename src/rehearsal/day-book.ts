// What each day of a rehearsal came to, read from the audit, the cycles and the endpoint: the same entries that a real run leaves.
import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Fault } from '../base/problem.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import type { Entry, Hold, Store } from '../store/store.ts';
import type { RequestCounts } from './endpoint.ts';

export interface RehearsedHold {
  readonly kind: string;
  readonly reason: string;
  readonly digest: string;
  readonly items: number;
  /** The first of them. */
  readonly sample: readonly JsonObject[];
  /** False where it was left for a person. */
  released: boolean;
}

/** A worker whose standing changed by a named transition. */
export interface Happening {
  readonly at: Instant;
  readonly worker: string;
  readonly transitions: readonly string[];
  readonly from: string;
  readonly to: string;
  /** `feed`, `calendar` … */
  readonly by: string;
  readonly changes: readonly JsonValue[];
}

export interface Day {
  readonly day: CalendarDate;
  /** Deliveries that were looked at, in order. */
  readonly deliveries: readonly { readonly name: string; readonly result: string; readonly rows: number }[];
  readonly transitions: Readonly<Record<string, number>>;
  readonly happenings: readonly Happening[];
  /** References to managers that could be sent because the manager's account had appeared: nobody moved. */
  readonly managersSent: number;
  /** Rows that the last delivery of the day had rejected. */
  readonly rejected: number;
  /** Those that had not been rejected for the same reason the day before. */
  readonly newlyRejected: readonly Rejection[];
  readonly suspected: number;
  readonly holds: readonly RehearsedHold[];
  /** By method. */
  readonly requests: RequestCounts;
  /** Why a delivery was refused. */
  readonly faults: readonly Fault[];
  /** A delivery that could not be judged at all: missing, or never complete. */
  readonly unread: readonly string[];
}

const SAMPLE_MAX = 10;
/** Entries read from the audit at once. */
const ENTRIES_TOGETHER = 20_000;

export class DayBook {
  readonly #store: Store;
  readonly #counts: () => RequestCounts;
  #countsBefore: RequestCounts = {};
  #entriesRead = 0;
  #rejectedBefore: ReadonlySet<string> = new Set();
  #rejections: readonly Rejection[] = [];
  #suspected = 0;
  readonly #told = new Set<string>();
  #deliveries: { name: string; result: string; rows: number }[] = [];
  #holds: RehearsedHold[] = [];
  #faults: Fault[] = [];
  #unread: string[] = [];

  constructor(store: Store, counts: () => RequestCounts) {
    this.#store = store;
    this.#counts = counts;
  }

  /** Rows of the last delivery that were rejected. */
  get rejections(): readonly Rejection[] {
    return this.#rejections;
  }

  cycle(report: CycleReport): void {
    if (report.kind === 'nothing' || report.kind === 'notYet') {
      this.#unread.push(report.reason);
      return;
    }
    const delivery = { name: report.delivery ?? '', result: report.kind, rows: report.rows };
    const again = this.#deliveries.findIndex(({ name }) => name === delivery.name);
    // The second look after a release is the same delivery.
    if (again === -1) this.#deliveries.push(delivery);
    else this.#deliveries[again] = delivery;
    if (report.kind === 'refused') {
      this.#faults.push(...report.faults);
      return;
    }
    this.#rejections = report.rejections;
    this.#suspected = report.suspected;
  }

  /** A hold that is open now; one that was told already is not told again. */
  hold({ kind, reason, digest, itemCount, items }: Hold): void {
    if (this.#told.has(digest)) return;
    this.#told.add(digest);
    const sample = items.slice(0, SAMPLE_MAX).map(({ harm }): JsonObject => ({ ...harm }));
    this.#holds.push({ kind, reason, digest, items: itemCount, sample, released: false });
  }

  released(digest: string): void {
    this.#mark(digest, true);
  }

  /** Although it was approved. */
  stillHeld(digest: string): void {
    this.#mark(digest, false);
  }

  #mark(digest: string, released: boolean): void {
    const hold = this.#holds.find((one) => one.digest === digest);
    if (hold !== undefined) hold.released = released;
  }

  /** Closes the page of this day. */
  async close(day: CalendarDate): Promise<Day> {
    const all = await this.#happenings();
    const happenings = all.filter((one) => !isDebt(one));
    const transitions: Record<string, number> = {};
    for (const name of happenings.flatMap((one) => one.transitions)) transitions[name] = (transitions[name] ?? 0) + 1;
    const rejected = new Set(this.#rejections.map(nameOf));
    const counts = this.#counts();
    const page: Day = {
      day,
      deliveries: this.#deliveries,
      transitions,
      happenings,
      managersSent: all.length - happenings.length,
      rejected: this.#rejections.length,
      newlyRejected: this.#rejections.filter((one) => !this.#rejectedBefore.has(nameOf(one))),
      suspected: this.#suspected,
      holds: this.#holds,
      requests: difference(counts, this.#countsBefore),
      faults: this.#faults,
      unread: this.#unread,
    };
    this.#countsBefore = counts;
    this.#rejectedBefore = rejected;
    [this.#deliveries, this.#holds, this.#faults, this.#unread] = [[], [], [], []];
    return page;
  }

  async #happenings(): Promise<readonly Happening[]> {
    const [last] = await this.#store.audit.tail(1);
    const before = this.#entriesRead;
    this.#entriesRead = last?.seq ?? 0;
    const fresh = this.#entriesRead - before;
    const pages: (readonly Entry[])[] = [];
    // The newest alone, so that a day costs what happened on it; the day on which everybody arrives is read page by page.
    if (fresh > 0 && fresh <= ENTRIES_TOGETHER) pages.push(await this.#store.audit.tail(fresh));
    else if (fresh > 0) for await (const page of this.#store.audit.export({ kinds: ['decision'] })) pages.push(page);
    return pages.flat().flatMap((entry) => {
      const happening = entry.seq > before && entry.kind === 'decision' ? happeningOf(entry) : null;
      return happening === null ? [] : [happening];
    });
  }
}

function happeningOf({ at, workerKey, actor, body, personal }: Entry): Happening | null {
  const transitions = Array.isArray(body.transitions) ? body.transitions.map(String) : [];
  if (transitions.length === 0 || workerKey === null) return null;
  const changes = Array.isArray(personal?.changes) ? (personal.changes as readonly JsonValue[]) : [];
  return { at, worker: workerKey, transitions, from: String(body.from), to: String(body.to), by: actor, changes };
}

/** Paid by the house itself, however many days after the hire: in HR's eyes nothing happened. */
const isDebt = ({ by, transitions }: Happening): boolean =>
  by === 'debt' && transitions.every((name) => name === 'mover');

const nameOf = ({ key, code, place }: Rejection): string => JSON.stringify([key ?? place.record ?? null, code]);

function difference(after: RequestCounts, before: RequestCounts): RequestCounts {
  return Object.fromEntries(
    Object.entries(after).flatMap(([method, times]) => {
      const more = times - (before[method] ?? 0);
      return more === 0 ? [] : [[method, more]];
    }),
  );
}
