// One pass over a delivery: rows become observations or rejections, rows of one key and of one person meet.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { BoundMapping, Rejection } from '../mapping/bound-mapping.ts';
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

/** Rows read and mapped at once. */
const BATCH = 500;
/** Rejections kept in one delivery; beyond this the count still rises, and the guard holds long before. */
export const REJECTIONS_KEPT_MAX = 10_000;

function placeOf(seen: string, like: ReadRow['place']): ReadRow['place'] {
  const [, record, line] = seen.split(' ');
  return { ...(like.file === undefined ? {} : { file: like.file }), record: Number(record), line: Number(line) };
}

/** What one pass over a delivery found: employments to judge, rejections, and who was there. */
export class Reading {
  readonly rejections: Rejection[] = [];
  /** Employment id → `digest record line`: one text a row, since there may be a million. */
  readonly #seen = new Map<string, string>();
  /** Only where the worker key is not the employment id. */
  readonly #workers = new Map<string, string>();
  readonly #conflicted = new Set<string>();
  #waiting: Observed[] = [];
  #waitingKeys = new Set<string>();
  #rejected = 0;
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
    for (const row of rows) await this.#row(row);
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
      await this.#rejectedRecord(mapped.rejection, row);
      return;
    }
    const { employment } = mapped;
    if (!this.#wanted(employment.personId)) return;
    const earlier = this.#seen.get(employment.id);
    if (earlier !== undefined) {
      if (!earlier.startsWith(row.digest)) await this.#contradict(employment.id, placeOf(earlier, row.place), row);
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
    this.#seen.set(employmentId, `${row.digest} ${row.place.record ?? 0} ${row.place.line ?? 0}`);
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
  async #rejectedRecord(rejection: Rejection, row: ReadRow): Promise<void> {
    this.#reject(rejection);
    if (rejection.key === null) return;
    const twice = this.#seen.has(rejection.key);
    this.#saw(rejection.key, row, rejection.key);
    if (!rejection.saysTerminated || twice) return;
    const { store } = this.#house;
    const worker = (await store.workerKeysOf(this.#mapping.connection, [rejection.key])).get(rejection.key);
    if (worker === undefined || !this.#wanted(worker)) return;
    const situation = (await store.situations(this.#mapping.connection, [worker])).get(worker);
    const onFile = situation?.employments.find(({ id }) => id === rejection.key);
    if (onFile === undefined) return;
    const terminated: Employment = { ...onFile, status: 'terminated', asOf: this.#asOf };
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
    await planWorkers(this.#house, this.#plan, waiting);
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
