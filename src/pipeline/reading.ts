// One pass over a delivery: rows become observations or rejections, rows of one key and of one person meet.
import { assert } from '../base/assert.ts';
import type { CalendarDate } from '../base/calendar-date.ts';
import { type Instant, later } from '../base/instant.ts';
import type { BoundMapping, MappedRecord, Rejection } from '../mapping/bound-mapping.ts';
import type { FingerprintChange } from '../planning/changeset.ts';
import type { FeedMarks } from '../planning/feed-marks.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { samePerson } from '../planning/same-person.ts';
import type { FeedShape } from '../planning/seal.ts';
import type { ReadRow, Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import { type FormerKeys, underKeysOfToday } from '../worker/keys.ts';
import type { Employment } from '../worker/worker.ts';
import { DatedUnits, halfSeen } from './dated-units.ts';
import type { EarlierMarks } from './earlier-marks.ts';
import { breathe, type House } from './house.ts';
import { type Plan, planWorkers } from './plan.ts';
import type { Observed } from './planned-spool.ts';
import { markOf, recognisedMarks } from './row-marks.ts';
import { SeenRows } from './seen-rows.ts';

export interface ReadingOptions {
  /** Pilot: nobody else is looked at. */
  readonly onlyWorker?: string;
  /** Rows that stand in no delivery of the feed; `feedLags`: what the feed says next may be an export from before them. */
  readonly beside?: { readonly feedLags: boolean };
  /** Counts every row under the mapping of the last good delivery as well. */
  readonly earlier?: EarlierMarks | null;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
}

type RejectedRecord = Extract<MappedRecord, { kind: 'rejected' }>;

/** Rows mapped without letting the event loop run: some milliseconds. */
const MAPPED_AT_ONCE = 25;
/** Rows planned together. */
const BATCH = 25;
/** Rejections kept in one delivery; beyond this the count still rises, and the guard holds long before. */
export const REJECTIONS_KEPT_MAX = 10_000;

/** A digest as one character a byte: half of its hex, since there may be a million. */
const digestText = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');

/** The last day that a row gives with its word terminated; null where it gives none. */
interface SaidLeave {
  readonly lastDay: CalendarDate | null;
}

const leaveIn = ({ status, endDate }: Employment): SaidLeave | null =>
  status === 'terminated' ? { lastDay: endDate } : null;

/** The latest of both last days: until then access is nobody's mistake. */
const bothSay = (a: SaidLeave | null, b: SaidLeave | null): SaidLeave | null =>
  a === null || b === null ? null : (a.lastDay ?? '') >= (b.lastDay ?? '') ? a : b;

/**
 * What was told beside the feed meets the feed's own row at the next read, but for a leave where exports lag behind: a row that has
 * said since before the leave that the worker is here is no news there, and must not give the access back.
 */
const besideFingerprints = (employments: readonly Employment[], feedLags: boolean): readonly FingerprintChange[] =>
  employments.flatMap(({ id, status }) =>
    feedLags && status === 'terminated' ? [] : [{ employmentId: id, digests: [] }],
  );

/** What one pass over a delivery found: employments to judge, rejections, and who was there. */
export class Reading implements Disposable {
  readonly rejections: Rejection[] = [];
  /** By employment id. */
  readonly #seen = new SeenRows();
  /** Only where the worker key is not the employment id. */
  readonly #workers = new Map<string, string>();
  /** Employments of whom rows differ: the leave that all of them say, or null. */
  readonly #conflicted = new Map<string, SaidLeave | null>();
  /** Pilot: digests of the rows of everybody else, by employment id. */
  readonly #others = new Map<string, string>();
  /** Employment ids whose row did not parse, or may not speak for them: what is planned is on file but for the leave. */
  readonly #unparsed = new Set<string>();
  /** Rows that were not recognised, by mark. */
  readonly #counts = new Map<number, number>();
  /** Read once, with the first rows. */
  #former: FormerKeys | null = null;
  #waiting: Observed[] = [];
  #waitingKeys = new Set<string>();
  /** Where rows are dated: those of one key wait for each other. */
  readonly #dated: DatedUnits | null;
  #rejected = 0;
  #nameless = 0;
  #leavesAhead = 0;
  #populated: boolean | null = null;
  #absent: Promise<readonly string[]> | null = null;
  readonly #house: House;
  readonly #plan: Plan;
  readonly #mapping: BoundMapping;
  readonly #known: KnownFingerprints;
  readonly #scan: Scan;
  readonly #asOf: Instant;
  readonly #marks: FeedMarks;
  readonly #options: ReadingOptions;

  constructor(
    house: House,
    plan: Plan,
    mapping: BoundMapping,
    known: KnownFingerprints,
    scan: Scan,
    asOf: Instant,
    marks: FeedMarks,
    options: ReadingOptions,
  ) {
    this.#house = house;
    this.#plan = plan;
    this.#mapping = mapping;
    this.#known = known;
    this.#scan = scan;
    this.#asOf = asOf;
    this.#marks = marks;
    this.#options = options;
    this.#dated = mapping.datedRows ? new DatedUnits(house.stateDir) : null;
  }

  [Symbol.dispose](): void {
    this.#dated?.[Symbol.dispose]();
  }

  /** Known rows to be read again beside `held`, for rows of one key are judged together. */
  alsoKnown(held: ReadonlySet<number>): ReadonlySet<number> {
    return this.#dated === null ? held : new Set([...held, ...halfSeen(this.#known, this.#scan)]);
  }

  /** Known rows of keys that turned out to have a new row as well: a second pass. `read` are those of the first. */
  remaining(read: ReadonlySet<number>): ReadonlySet<number> {
    return this.#dated?.unread(this.#known, this.#scan, read) ?? new Set();
  }

  /** Takes of the second pass what `remaining` asked for; everything else was taken in the first. */
  async takeRemaining(rows: readonly ReadRow[], wanted: ReadonlySet<number>): Promise<void> {
    await this.take(rows.filter(({ digest }) => wanted.has(this.#known.indexOf(Buffer.from(digest, 'hex')))));
  }

  async take(rows: readonly ReadRow[]): Promise<void> {
    this.#former ??= await this.#house.store.formerKeys(this.#mapping.connection);
    for (const [index, row] of rows.entries()) {
      await this.#row(row, this.#former);
      if (index % MAPPED_AT_ONCE === MAPPED_AT_ONCE - 1) await breathe();
    }
    if (this.#waiting.length >= BATCH) await this.#flush();
    this.#options.onProgress?.('read', this.#seen.size, this.#scan.unknownRows);
  }

  async finish(): Promise<void> {
    await this.#joinDatedRows();
    await this.#flush();
    // Rows that differ but all say terminated leave no doubt that the worker leaves.
    for (const [id, leave] of this.#conflicted)
      if (leave !== null) await this.#leaveOnFile(id, leave.lastDay, this.#asOf);
    await this.#flush();
    if (this.#options.beside !== undefined) return;
    // Persons with open hold items whose rows were recognised are judged on the facts on file.
    const holds = await this.#house.store.holds(this.#mapping.connection, Number.MAX_SAFE_INTEGER);
    const missing = [...heldWorkers(holds)].filter((key) => !this.#plan.has(key) && this.#wanted(key));
    await planWorkers(
      this.#house,
      this.#plan,
      missing.map((key) => ({ key, employments: [], fingerprints: [] })),
    );
  }

  async #row(row: ReadRow, former: FormerKeys): Promise<void> {
    const asOf = row.asOf ?? this.#asOf;
    this.#options.earlier?.count(row.record, row.place, asOf);
    if (row.record === null) {
      const fault = row.fault;
      assert(fault !== null, 'a row without a record has no fault');
      this.#reject({
        key: null,
        code: fault.code,
        reason: fault.message,
        column: fault.place?.key ?? null,
        place: row.place,
        saysTerminated: false,
      });
      this.#count(this.#marks.numberOf('', '', []), row.digest);
      return;
    }
    const read = this.#mapping.toEmployment(row.record, row.place, asOf);
    const mapped = this.#notAhead(
      former.size === 0 ? read : await this.#underKeysOfToday(read, row.place, former),
      later(asOf, this.#plan.rules.now),
    );
    const mark = markOf(this.#marks, this.#mapping.readColumns, row.record, mapped);
    if (this.#dated !== null) {
      this.#datedRow(this.#dated, mapped, row, mark);
      return;
    }
    if (mapped.kind === 'rejected') {
      this.#count(mark, row.digest);
      await this.#rejectedRecord(mapped, row, asOf);
      return;
    }
    const { employment } = mapped;
    if (!this.#wanted(employment.personId)) {
      this.#passBy(employment.id, row.digest, mark);
      return;
    }
    if (this.#seen.has(employment.id)) {
      if (this.#seen.isSame(employment.id, row.digest)) return;
      this.#count(mark, row.digest);
      await this.#contradict(employment, this.#seen.placeOf(employment.id, row.place), row);
      return;
    }
    this.#count(mark, row.digest);
    this.#saw(employment.id, row, employment.personId);
    if (this.#unchangedTwin(employment.id, row.digest)) {
      await this.#contradict(employment, null, row);
      return;
    }
    const fingerprint = { employmentId: employment.id, digests: [row.digest], marks: [mark] };
    await this.#observe(employment.personId, [employment], [fingerprint]);
  }

  /** A source time that lies ahead, of another zone or another clock, would outrank what HR says next. */
  #notAhead(mapped: MappedRecord, latest: Instant): MappedRecord {
    if (mapped.kind === 'rejected' || mapped.employment.asOf <= latest) return mapped;
    return { ...mapped, employment: { ...mapped.employment, asOf: latest } };
  }

  /** HR may go on sending a key that it gave up; a person whom it gives that key to anew is somebody else, and rejected. */
  async #underKeysOfToday(read: MappedRecord, place: ReadRow['place'], former: FormerKeys): Promise<MappedRecord> {
    if (read.kind === 'rejected') {
      const key = read.rejection.key === null ? undefined : former.get(read.rejection.key);
      // Whose termination it would be is not certain enough to act on.
      return key === undefined ? read : { ...read, rejection: { ...read.rejection, key, saysTerminated: false } };
    }
    const employment = underKeysOfToday(read.employment, former);
    const { id, personId, startDate } = employment;
    if (id === read.employment.id && personId === read.employment.personId) return { ...read, employment };
    const known = await this.#onFile(id);
    if (known === null || samePerson({ ...known, personId, startDate }, employment)) return { ...read, employment };
    const reason = `the key ${read.employment.id} was given up for ${id}, and the row names somebody else`;
    return {
      kind: 'rejected',
      rejection: { key: id, code: 'former-key', reason, column: null, place, saysTerminated: false },
      timeZone: employment.timeZone,
    };
  }

  #datedRow(dated: DatedUnits, mapped: MappedRecord, row: ReadRow, mark: number): void {
    if (mapped.kind === 'employment') {
      const { id, personId } = mapped.employment;
      if (!this.#wanted(personId)) {
        this.#passBy(`${id} ${row.digest}`, row.digest, mark);
        this.#passBy(id, row.digest, null);
        return;
      }
      this.#saw(id, row, personId);
      dated.add(mapped, row.digest, row.place, mark);
      return;
    }
    this.#reject(mapped.rejection);
    const { key } = mapped.rejection;
    if (key === null) {
      this.#count(mark, row.digest);
      return;
    }
    if (!this.#seen.has(key)) this.#saw(key, row, key);
    dated.addRejected(mapped, row.digest, mark);
  }

  /** Somebody else's row in a pilot: it counts, identical ones once, and they are there. */
  #passBy(key: string, digest: string, mark: number | null): void {
    const text = digestText(digest);
    const before = this.#others.get(key);
    this.#others.set(key, text);
    if (mark !== null && before !== text) this.#count(mark, digest);
  }

  /** Known rows are counted by the scan, whether they are read again or not. */
  #count(mark: number, digest: string): void {
    if (this.#known.size > 0 && this.#known.indexOf(Buffer.from(digest, 'hex')) >= 0) return;
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  /** What the whole delivery looks like, recognised rows and all. */
  shape(): FeedShape {
    const counts = new Map(this.#counts);
    for (const [mark, rows] of recognisedMarks(this.#known, this.#scan)) {
      counts.set(mark, (counts.get(mark) ?? 0) + rows);
    }
    return this.#marks.shape(this.#scan.rows, counts, this.#mapping.readColumns);
  }

  /** What it would look like under the mapping of the last good delivery; null where that is today's, or cannot be told. */
  earlierShape(): FeedShape | null {
    return this.#options.earlier?.shape(this.#scan.rows) ?? null;
  }

  /** Whether this employment was planned from a row of its own that can be read from end to end. */
  parsed(employmentId: string): boolean {
    return this.#seen.has(employmentId) && !this.#unparsed.has(employmentId);
  }

  /** Once every row has been read: those of one key become one employment. */
  async #joinDatedRows(): Promise<void> {
    if (this.#dated === null) return;
    let index = 0;
    for (const unit of this.#dated.units(this.#plan.rules.now)) {
      const { id, employment, digests, marks, rows, contradictions, leave } = unit;
      for (const { digest, mark } of rows) this.#count(mark, digest);
      for (const { place, reason } of contradictions) {
        this.#reject({ key: id, code: 'dated-rows', reason, column: null, place, saysTerminated: leave !== null });
      }
      if (employment !== null) {
        await this.#observe(employment.personId, [employment], [{ employmentId: id, digests, marks }]);
        if (this.#waiting.length >= BATCH) await this.#flush();
      } else if (leave !== null) await this.#leaveOnFile(id, leave.endDate, this.#asOf);
      else await this.#forget(id);
      index += 1;
      if (index % MAPPED_AT_ONCE === 0) await breathe();
    }
  }

  /** The rows of this key are judged again at every read; what is on file stays. */
  async #forget(employmentId: string): Promise<void> {
    const worker = await this.#ownerOf(employmentId);
    if (worker === null || !this.#wanted(worker)) return;
    this.#workers.set(employmentId, worker);
    await this.#observe(worker, [], [{ employmentId, digests: [] }]);
  }

  #saw(employmentId: string, row: ReadRow, worker: string): void {
    this.#seen.note(employmentId, row.digest, row.place);
    if (worker !== employmentId) this.#workers.set(employmentId, worker);
  }

  #wanted(key: string): boolean {
    return this.#options.onlyWorker === undefined || this.#options.onlyWorker === key;
  }

  /** Another row of the same key was recognised in this delivery: together they say two different things. */
  #unchangedTwin(employmentId: string, digest: string): boolean {
    return this.#known.indexesOf(employmentId).some((index) => {
      const seen = ((this.#scan.knownSeen[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
      return seen && this.#known.indexOf(Buffer.from(digest, 'hex')) !== index;
    });
  }

  /** Rows that differ under one key: all of them are rejected, the worker counts as present and keeps what is on file. */
  async #contradict(employment: Employment, first: ReadRow['place'] | null, row: ReadRow): Promise<void> {
    const employmentId = employment.id;
    const reason = `several rows with different content share the key ${employmentId}`;
    const rejection = (place: ReadRow['place']): Rejection => ({
      key: employmentId,
      code: 'duplicate-key',
      reason,
      column: null,
      place,
      saysTerminated: employment.status === 'terminated',
    });
    this.#reject(rejection(row.place));
    const said = this.#conflicted.get(employmentId);
    if (said !== undefined) {
      this.#conflicted.set(employmentId, bothSay(said, leaveIn(employment)));
      return;
    }
    if (first !== null) this.#reject(rejection(first));
    const worker = this.#workers.get(employmentId) ?? employmentId;
    await this.#flush();
    const planned = this.#plan.get(worker);
    const others = planned?.observed.employments.filter(({ id }) => id !== employmentId) ?? [];
    const earlier = planned?.observed.employments.find(({ id }) => id === employmentId);
    // Without a place the other row was recognised: it says what is on file.
    const other = first === null ? await this.#onFile(employmentId) : (earlier ?? null);
    this.#conflicted.set(employmentId, bothSay(other === null ? null : leaveIn(other), leaveIn(employment)));
    this.#plan.drop(worker);
    const knownAlready = (await this.#house.store.workerKeysOf(this.#mapping.connection, [employmentId])).size > 0;
    const forget: readonly FingerprintChange[] = knownAlready ? [{ employmentId, digests: [] }] : [];
    const kept = planned?.observed.fingerprints.filter((one) => one.employmentId !== employmentId) ?? [];
    if (others.length > 0 || forget.length > 0) {
      await planWorkers(this.#house, this.#plan, [
        { key: worker, employments: others, fingerprints: [...kept, ...forget] },
      ]);
    }
  }

  /** Counts as present and changes nothing, unless id and termination are readable: then the leave is acted on as explicit. */
  async #rejectedRecord(
    { rejection, endDate, leavesLater }: RejectedRecord,
    row: ReadRow,
    asOf: Instant,
  ): Promise<void> {
    this.#reject(rejection);
    if (rejection.key === null) return;
    if (leavesLater === true) this.#leavesAhead += 1;
    const twice = this.#seen.has(rejection.key);
    this.#saw(rejection.key, row, rejection.key);
    // Of two rows that say different things neither is acted on.
    if (!rejection.saysTerminated || twice || this.#unchangedTwin(rejection.key, row.digest)) return;
    await this.#leaveOnFile(rejection.key, endDate, asOf);
  }

  /** A leave that is readable although the record as a whole is not: the facts on file, terminated. */
  async #leaveOnFile(key: string, endDate: CalendarDate | null | undefined, asOf: Instant): Promise<void> {
    this.#unparsed.add(key);
    const worker = await this.#ownerOf(key);
    if (worker === null || !this.#wanted(worker)) return;
    this.#workers.set(key, worker);
    const onFile = await this.#onFile(key);
    if (onFile === null) return;
    // A later last day that an earlier record gave is no longer true; where none can be read the one on file stays.
    const ended = endDate === undefined ? {} : { endDate };
    const terminated: Employment = { ...onFile, ...ended, status: 'terminated', asOf };
    await this.#observe(worker, [terminated], [{ employmentId: onFile.id, digests: [] }]);
  }

  async #ownerOf(employmentId: string): Promise<string | null> {
    const owners = await this.#house.store.workerKeysOf(this.#mapping.connection, [employmentId]);
    return owners.get(employmentId) ?? null;
  }

  async #onFile(employmentId: string): Promise<Employment | null> {
    const worker = await this.#ownerOf(employmentId);
    if (worker === null) return null;
    const situation = (await this.#house.store.situations(this.#mapping.connection, [worker])).get(worker);
    const known = situation?.employments.find(({ id }) => id === employmentId);
    return known === undefined ? null : inForceAt(known, this.#plan.rules.now);
  }

  /** A person whose employments stand in several rows is planned once, with all of them. */
  async #observe(key: string, employments: readonly Employment[], read: readonly FingerprintChange[]): Promise<void> {
    if (this.#waitingKeys.has(key)) await this.#flush();
    const planned = this.#plan.get(key);
    const { beside } = this.#options;
    const fingerprints = beside === undefined ? read : besideFingerprints(employments, beside.feedLags);
    this.#waitingKeys.add(key);
    this.#waiting.push({
      key,
      employments: [...(planned?.observed.employments ?? []), ...employments],
      fingerprints: [...(planned?.observed.fingerprints ?? []), ...fingerprints],
    });
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingKeys = new Set();
    await planWorkers(
      this.#house,
      this.#plan,
      (await this.#anybodyOnFile()) ? await this.#underTheirKeys(waiting) : waiting,
    );
  }

  /** On a first load nobody can belong to somebody else: then no key need be looked up. */
  async #anybodyOnFile(): Promise<boolean> {
    this.#populated ??= (await this.#house.store.population(this.#mapping.connection)).workers > 0;
    return this.#populated;
  }

  /**
   * Keys are immutable: an employment on file stays with its worker, whatever person id its row carries now. Such a row counts
   * as present and changes nothing but that its termination is acted on; else the account would be left behind for good, and a
   * column of equal person ids would make one worker of everybody.
   *
   * Rows that would join two workers who each own an account are refused here, not held: a person's word cannot undo a merge,
   * for one of both accounts would stand without its worker, and no approval says which. Joining them is an act of its own.
   */
  async #underTheirKeys(waiting: readonly Observed[]): Promise<readonly Observed[]> {
    const ids = waiting.flatMap(({ employments }) => employments.map(({ id }) => id));
    const owners = await this.#house.store.workerKeysOf(this.#mapping.connection, ids);
    const result = new Map<string, Observed>();
    const moved: { readonly owner: string; readonly employment: Employment }[] = [];
    for (const one of waiting) {
      const own = one.employments.filter(({ id }) => (owners.get(id) ?? one.key) === one.key);
      for (const employment of one.employments) {
        const owner = owners.get(employment.id) ?? one.key;
        if (owner !== one.key) moved.push({ owner, employment });
      }
      if (own.length === one.employments.length) result.set(one.key, one);
      else if (own.length > 0) {
        const kept = new Set(own.map(({ id }) => id));
        const fingerprints = one.fingerprints.filter(({ employmentId }) => kept.has(employmentId));
        result.set(one.key, { ...one, employments: own, fingerprints });
      }
    }
    for (const { owner, employment } of moved) {
      const { id, status } = employment;
      this.#workers.set(id, owner);
      this.#unparsed.add(id);
      this.#reject({
        key: id,
        code: 'rekeyed',
        reason: 'the row names another person than the one this key belongs to on file',
        column: null,
        place: this.#seen.placeOf(id, {}),
        saysTerminated: status === 'terminated',
      });
      if (status !== 'terminated' || !this.#wanted(owner)) continue;
      const planned = result.get(owner) ?? this.#plan.get(owner)?.observed;
      result.set(owner, {
        key: owner,
        employments: [...(planned?.employments ?? []), { ...employment, personId: owner }],
        fingerprints: [...(planned?.fingerprints ?? []), { employmentId: id, digests: [] }],
      });
    }
    return [...result.values()];
  }

  #reject(rejection: Rejection): void {
    this.#rejected += 1;
    if (rejection.key === null) this.#nameless += 1;
    if (this.rejections.length < REJECTIONS_KEPT_MAX) this.rejections.push(rejection);
  }

  /** The pilot: the first so many workers for whom anything would change. */
  keepOnly(limit: number): void {
    let kept = 0;
    for (const key of [...this.#plan.keys()]) {
      const changes = (this.#plan.get(key)?.plan.transitions.length ?? 0) > 0;
      if (changes && kept < limit) kept += 1;
      else this.#plan.drop(key);
    }
  }

  /** Employments on file that this snapshot does not hold. Only shown, never acted on here. */
  absent(): Promise<readonly string[]> {
    this.#absent ??= this.#findAbsent();
    return this.#absent;
  }

  async #findAbsent(): Promise<readonly string[]> {
    const absent: string[] = [];
    const { store } = this.#house;
    for await (const ids of store.unseenEmployments(this.#mapping.connection, this.#known, this.#scan.knownSeen)) {
      for (const id of ids) if (!this.#seen.has(id) && !this.#others.has(id)) absent.push(id);
      await breathe();
    }
    return absent;
  }

  /** Rejected rows without a readable key. */
  get nameless(): number {
    return this.#nameless;
  }

  /** Rejected rows that say terminated as of a day to come: nothing is stored of them, so only another look at the row can act on it. */
  get leavesAhead(): number {
    return this.#leavesAhead;
  }

  get rejected(): number {
    return this.#rejected;
  }
}
