// One pass over a delivery: rows become observations or rejections, rows of one key and of one person meet.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { BoundMapping, MappedRecord, Rejection } from '../mapping/bound-mapping.ts';
import type { FingerprintChange } from '../planning/changeset.ts';
import type { ReadRow, Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import type { Employment } from '../worker/worker.ts';
import { breathe, type House } from './house.ts';
import { type Observed, type Plan, planWorkers } from './judge.ts';

export interface ReadingOptions {
  /** Pilot: nobody else is looked at. */
  readonly onlyWorker?: string;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
}

type RejectedRecord = Extract<MappedRecord, { kind: 'rejected' }>;

/** Rows mapped without letting the event loop run: some milliseconds. */
const MAPPED_AT_ONCE = 100;
/** Rows planned together. */
const BATCH = 500;
/** Rejections kept in one delivery; beyond this the count still rises, and the guard holds long before. */
export const REJECTIONS_KEPT_MAX = 10_000;

/** A digest as one character a byte: half of its hex, since there may be a million. */
const DIGEST_CHARS = 16;
const digestText = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');

function placeOf(seen: string, like: ReadRow['place']): ReadRow['place'] {
  const [record, line] = seen.slice(DIGEST_CHARS).split(' ');
  return { ...(like.file === undefined ? {} : { file: like.file }), record: Number(record), line: Number(line) };
}

/** What one pass over a delivery found: employments to judge, rejections, and who was there. */
export class Reading {
  readonly rejections: Rejection[] = [];
  /** Employment id → digest, record and line in one text a row, since there may be a million. */
  readonly #seen = new Map<string, string>();
  /** Only where the worker key is not the employment id. */
  readonly #workers = new Map<string, string>();
  readonly #conflicted = new Set<string>();
  #waiting: Observed[] = [];
  #waitingKeys = new Set<string>();
  #rejected = 0;
  #populated: boolean | null = null;
  readonly #house: House;
  readonly #plan: Plan;
  readonly #mapping: BoundMapping;
  readonly #known: KnownFingerprints;
  readonly #scan: Scan;
  readonly #asOf: Instant;
  readonly #options: ReadingOptions;

  constructor(
    house: House,
    plan: Plan,
    mapping: BoundMapping,
    known: KnownFingerprints,
    scan: Scan,
    asOf: Instant,
    options: ReadingOptions,
  ) {
    this.#house = house;
    this.#plan = plan;
    this.#mapping = mapping;
    this.#known = known;
    this.#scan = scan;
    this.#asOf = asOf;
    this.#options = options;
  }

  async take(rows: readonly ReadRow[]): Promise<void> {
    for (const [index, row] of rows.entries()) {
      await this.#row(row);
      if (index % MAPPED_AT_ONCE === MAPPED_AT_ONCE - 1) await breathe();
    }
    if (this.#waiting.length >= BATCH) await this.#flush();
    this.#options.onProgress?.('read', this.#seen.size, this.#scan.unknownRows);
  }

  async finish(): Promise<void> {
    await this.#flush();
    // Persons with open hold items whose rows were recognised are judged on the facts on file.
    const holds = await this.#house.store.holds(this.#mapping.connection, Number.MAX_SAFE_INTEGER);
    const keys = new Set(holds.flatMap(({ items }) => items.map(({ harm }) => harm.workerKey)));
    const missing = [...keys].filter((key) => !this.#plan.has(key) && this.#wanted(key));
    await planWorkers(
      this.#house,
      this.#plan,
      missing.map((key) => ({ key, employments: [], fingerprints: [] })),
    );
  }

  async #row(row: ReadRow): Promise<void> {
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
      return;
    }
    const mapped = this.#mapping.toEmployment(row.record, row.place, this.#asOf);
    if (mapped.kind === 'rejected') {
      await this.#rejectedRecord(mapped, row);
      return;
    }
    const { employment } = mapped;
    if (!this.#wanted(employment.personId)) return;
    const earlier = this.#seen.get(employment.id);
    if (earlier !== undefined) {
      if (!earlier.startsWith(digestText(row.digest)))
        await this.#contradict(employment.id, placeOf(earlier, row.place), row);
      return;
    }
    this.#saw(employment.id, row, employment.personId);
    if (this.#unchangedTwin(employment.id, row.digest)) {
      await this.#contradict(employment.id, null, row);
      return;
    }
    await this.#observe(employment.personId, [employment], [{ employmentId: employment.id, digests: [row.digest] }]);
  }

  #saw(employmentId: string, row: ReadRow, worker: string): void {
    this.#seen.set(employmentId, `${digestText(row.digest)}${row.place.record ?? 0} ${row.place.line ?? 0}`);
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
  async #contradict(employmentId: string, first: ReadRow['place'] | null, row: ReadRow): Promise<void> {
    const reason = `several rows with different content share the key ${employmentId}`;
    const rejection = (place: ReadRow['place']): Rejection => ({
      key: employmentId,
      code: 'duplicate-key',
      reason,
      column: null,
      place,
      saysTerminated: false,
    });
    this.#reject(rejection(row.place));
    if (this.#conflicted.has(employmentId)) return;
    this.#conflicted.add(employmentId);
    if (first !== null) this.#reject(rejection(first));
    const worker = this.#workers.get(employmentId) ?? employmentId;
    await this.#flush();
    const planned = this.#plan.get(worker);
    const others = planned?.observed.employments.filter(({ id }) => id !== employmentId) ?? [];
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
  async #rejectedRecord({ rejection, endDate }: RejectedRecord, row: ReadRow): Promise<void> {
    this.#reject(rejection);
    if (rejection.key === null) return;
    const twice = this.#seen.has(rejection.key);
    this.#saw(rejection.key, row, rejection.key);
    // Of two rows that say different things neither is acted on.
    if (!rejection.saysTerminated || twice || this.#unchangedTwin(rejection.key, row.digest)) return;
    const { store } = this.#house;
    const worker = (await store.workerKeysOf(this.#mapping.connection, [rejection.key])).get(rejection.key);
    if (worker === undefined || !this.#wanted(worker)) return;
    this.#workers.set(rejection.key, worker);
    const situation = (await store.situations(this.#mapping.connection, [worker])).get(worker);
    const onFile = situation?.employments.find(({ id }) => id === rejection.key);
    if (onFile === undefined) return;
    // A later last day that an earlier record gave is no longer true; where none can be read the one on file stays.
    const ended = endDate === undefined ? {} : { endDate };
    const terminated: Employment = { ...onFile, ...ended, status: 'terminated', asOf: this.#asOf };
    await this.#observe(worker, [terminated], [{ employmentId: onFile.id, digests: [] }]);
  }

  /** A person whose employments stand in several rows is planned once, with all of them. */
  async #observe(
    key: string,
    employments: readonly Employment[],
    fingerprints: readonly FingerprintChange[],
  ): Promise<void> {
    if (this.#waitingKeys.has(key)) await this.#flush();
    const planned = this.#plan.get(key);
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
      this.#reject({
        key: id,
        code: 'rekeyed',
        reason: 'the row names another person than the one this key belongs to on file',
        column: null,
        place: placeOf(this.#seen.get(id) ?? '', {}),
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
  async absent(): Promise<readonly string[]> {
    const absent: string[] = [];
    const { store } = this.#house;
    for await (const ids of store.unseenEmployments(this.#mapping.connection, this.#known, this.#scan.knownSeen)) {
      for (const id of ids) if (!this.#seen.has(id)) absent.push(id);
      await breathe();
    }
    return absent;
  }

  get rejected(): number {
    return this.#rejected;
  }
}
