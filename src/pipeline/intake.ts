// One cycle of a connection: look, recognise, read, map, plan, guard, commit, checkpoint. A delivery that is not proven
// whole, is older than what was accepted, or lacks a mapped column has no effect at all.
import { assert } from '../base/assert.ts';
import { type Instant, msOf } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { type Fault, Problem } from '../base/problem.ts';
import { type BoundMapping, MAPPING_CODE_VERSION, type Rejection } from '../mapping/bound-mapping.ts';
import type { Checkpoint, CycleRecord, FingerprintChange, WorkerChange } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Delivery, ReadRow, Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import type { Employment } from '../worker/worker.ts';
import { type Contacts, meetTargets } from './first-contact.ts';
import { breathe, count, type House, type LiveConnection, type Tally, tallyJson } from './house.ts';
import {
  type Committed,
  commitPlan,
  guardPlan,
  type JudgeOptions,
  type Observed,
  openPlan,
  type Plan,
  planWorkers,
} from './judge.ts';
import { acceptMapping, limitsOf } from './limits-in-force.ts';

export interface CycleOptions {
  readonly actor: string;
  /** `plan`: everything up to the guard, nothing stored. */
  readonly mode: 'commit' | 'plan';
  /** Judges as if it were this moment (plan --as-of). */
  readonly asIf?: Instant;
  /** Pilot: only this worker, or at most so many workers whose standing or account would change. */
  readonly onlyWorker?: string;
  readonly limit?: number;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
  /** Sees the whole plan before it is disposed: `plan` prints from it. */
  readonly inspect?: (plan: Plan, verdict: Verdict) => Promise<void> | void;
}

export interface CycleReport {
  readonly connection: string;
  readonly kind: 'done' | 'held' | 'refused' | 'nothing' | 'notYet' | 'unchanged';
  readonly delivery: string | null;
  readonly reason: string;
  readonly rows: number;
  readonly recognised: number;
  readonly rejections: readonly Rejection[];
  readonly suspected: number;
  readonly tally: Tally;
  readonly holds: readonly { readonly kind: string; readonly reason: string; readonly items: number }[];
  readonly faults: readonly Fault[];
  readonly retryAfterMs: number | null;
}

/** Rows read and mapped at once. */
const BATCH = 500;
/** Rejections kept in one delivery; beyond this the count still rises, and the guard holds long before. */
const REJECTIONS_KEPT_MAX = 10_000;

export async function runCycle(house: House, live: LiveConnection, options: CycleOptions): Promise<CycleReport> {
  const { connection } = live;
  const startedAt = nowOf(house.clock);
  const now = options.asIf ?? startedAt;
  const refused = (delivery: string | null, faults: readonly Fault[]): CycleReport => ({
    ...EMPTY_REPORT,
    connection: connection.name,
    kind: 'refused',
    delivery,
    reason: faults.map(({ message }) => message).join('; '),
    faults,
  });
  let name: string | null = null;
  let report: CycleReport;
  try {
    const look = await live.source.look(startedAt, options.signal);
    if (look.kind !== 'delivery') {
      const retryAfterMs = look.kind === 'notYet' ? look.retryAfterMs : null;
      return { ...EMPTY_REPORT, connection: connection.name, kind: look.kind, reason: look.reason, retryAfterMs };
    }
    await using delivery = look.delivery;
    name = delivery.name;
    report = await judgeDelivery(house, live, delivery, now, options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    report = refused(name, error.faults);
  }
  if (options.mode === 'commit') await recordCycle(house, report, startedAt, options.actor);
  return report;
}

const EMPTY_REPORT: CycleReport = {
  connection: '',
  kind: 'nothing',
  delivery: null,
  reason: '',
  rows: 0,
  recognised: 0,
  rejections: [],
  suspected: 0,
  tally: {},
  holds: [],
  faults: [],
  retryAfterMs: null,
};

async function judgeDelivery(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  now: Instant,
  options: CycleOptions,
): Promise<CycleReport> {
  const { connection } = live;
  const { store } = house;
  const bound = connection.bind(delivery.columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping;
  const before = await store.checkpoint(connection.name);
  if (delivery.content === 'snapshot' && before !== null && delivery.asOf < before.asOf) {
    throw new Problem({
      code: 'feed.older',
      message: `${delivery.name} speaks of ${delivery.asOf}, but ${before.name} of ${before.asOf} was accepted already`,
      hint: 'an older export never undoes a newer one; remove it, or deliver a newer one',
    });
  }
  const context = sha256(
    canonicalJson([MAPPING_CODE_VERSION, mapping.digest, delivery.format, process.versions.tz ?? '']),
  );
  const pilot = options.onlyWorker !== undefined || options.limit !== undefined;
  const contacts = await meetTargets(house, live, options);

  if (
    !pilot &&
    options.mode === 'commit' &&
    before !== null &&
    (await isRecognised(house, live, delivery, before, context, options))
  ) {
    const checkpoint: Checkpoint = {
      ...before,
      deliveryId: delivery.id,
      name: delivery.name,
      asOf: later(before.asOf, delivery.asOf),
      readAt: now,
    };
    await store.commit({ connection: connection.name, at: now, checkpoint });
    live.accepted.name = delivery.name;
    return {
      ...EMPTY_REPORT,
      connection: connection.name,
      kind: 'unchanged',
      delivery: delivery.name,
      reason: 'the very same file',
      rows: before.rows,
      recognised: before.rows,
      rejections: await store.rejections(connection.name, REJECTIONS_KEPT_MAX),
    };
  }

  const known = await store.knownRows(connection.name, context);
  const scan = await delivery.scan(known, options.signal);
  using plan = openPlan(house, mapping, live, now, options.actor);
  const reading = new Reading(house, plan, mapping, known, scan, delivery.asOf, options);
  for await (const rows of delivery.read(await heldRows(house, connection.name, known), options.signal)) {
    await reading.take(rows);
  }
  await reading.finish();

  const { workers } = await store.population(connection.name);
  const firstLoad = before === null;
  const judgeOptions: JudgeOptions = {
    now,
    actor: options.actor,
    limits: await limitsOf(house, live, before === null),
    fingerprintContext: context,
    covers: delivery.content === 'snapshot' && !pilot ? 'everyone' : 'judged',
    rows: {
      total: scan.rows,
      rejected: reading.rejections.length,
      newlyRejected: await newlyRejected(house, connection.name, reading),
    },
    firstLoad,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  if (options.limit !== undefined) reading.keepOnly(options.limit);
  const verdict = await guardPlan(house, plan, judgeOptions);
  await options.inspect?.(plan, verdict);

  const absent = delivery.content === 'snapshot' && !pilot && workers > 0 ? await reading.absent() : [];
  const base = {
    ...EMPTY_REPORT,
    connection: connection.name,
    delivery: delivery.name,
    rows: scan.rows,
    recognised: scan.rows - scan.unknownRows,
    rejections: reading.rejections,
    suspected: absent.length,
  };
  const holds = verdict.holds.filter(({ items }) => items.length > 0);
  const shown = holds.map(({ kind, reason, items }) => ({ kind, reason, items: items.length }));
  if (options.mode === 'plan') {
    return {
      ...base,
      kind: holds.length > 0 ? 'held' : 'done',
      reason: scan.completeness.proof,
      tally: plannedTally(plan, verdict),
      holds: shown,
    };
  }
  const committed: Committed = await commitPlan(house, plan, verdict, judgeOptions);
  await suspect(house, mapping, absent, now, options.actor);
  // A delta is read once: while something of it is held it stays the one to be read, or those facts would be lost.
  const unfinished = delivery.content === 'delta' && (committed.held.length > 0 || committed.postponed.length > 0);
  if (!pilot && !unfinished) {
    const open = committed.held.length + committed.postponed.length + absent.length + plan.blocked.size;
    const checkpoint: Checkpoint = {
      deliveryId: delivery.id,
      name: delivery.name,
      contentDigest: scan.contentDigest,
      contextDigest: context,
      asOf: delivery.asOf,
      readAt: now,
      rows: scan.rows,
      complete: open === 0,
      columns: delivery.columns,
    };
    const suspicious = committed.held.some(({ kind }) => kind === 'newlyRejected');
    await store.commit({
      connection: connection.name,
      at: now,
      checkpoint,
      rejections: reading.rejections,
      ...(suspicious ? {} : { settings: { [baselineKey(connection.name)]: reading.rejections.map(rejectionName) } }),
    });
    live.accepted.name = delivery.name;
    if (committed.held.length === 0) await acceptMapping(house, live);
  }
  if (contacts.met.length > 0) count(committed.tally, 'targets met for the first time', contacts.met.length);
  return {
    ...base,
    kind: committed.held.length > 0 ? 'held' : 'done',
    reason: scan.completeness.proof,
    tally: committed.tally,
    holds: shown,
  };
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** The very same bytes under the same mapping, everybody settled, nothing held and no release waiting: no second look is needed. */
async function isRecognised(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  before: Checkpoint,
  context: string,
  options: CycleOptions,
): Promise<boolean> {
  if (!before.complete || before.contextDigest !== context || before.rows === 0) return false;
  if ((await house.store.unsettled(live.connection.name)) > 0) return false;
  if ((await house.store.holds(live.connection.name, 0)).length > 0) return false;
  return (await delivery.contentDigest(options.signal)) === before.contentDigest;
}

/** Known rows of workers of whom something is held: they are read again, so that what changed since falls out of the hold. */
async function heldRows(house: House, connection: string, known: KnownFingerprints): Promise<ReadonlySet<number>> {
  const indexes = new Set<number>();
  const holds = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
  for (const { items } of holds) {
    for (const { harm } of items) for (const index of known.indexesOf(harm.workerKey)) indexes.add(index);
  }
  return indexes;
}

function placeOf(seen: string, like: ReadRow['place']): ReadRow['place'] {
  const [, record, line] = seen.split(' ');
  return { ...(like.file === undefined ? {} : { file: like.file }), record: Number(record), line: Number(line) };
}

/** What one pass over a delivery found: employments to judge, rejections, and who was there. */
class Reading {
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
  readonly #options: CycleOptions;

  constructor(
    house: House,
    plan: Plan,
    mapping: BoundMapping,
    known: KnownFingerprints,
    scan: Scan,
    asOf: Instant,
    options: CycleOptions,
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

/** Marks workers none of whose employments the snapshot holds as suspected, with the moment it was first noticed. */
async function suspect(
  house: House,
  mapping: BoundMapping,
  absent: readonly string[],
  now: Instant,
  actor: string,
): Promise<void> {
  const gone = new Set(absent);
  for (let from = 0; from < absent.length; from += BATCH) {
    const slice = absent.slice(from, from + BATCH);
    const keys = await house.store.workerKeysOf(mapping.connection, slice);
    const situations = await house.store.situations(mapping.connection, [...new Set(keys.values())]);
    const changes: WorkerChange[] = [];
    for (const situation of situations.values()) {
      if (
        situation.suspectedSince !== null ||
        situation.standing.stage === 'left' ||
        situation.standing.stage === 'purged'
      )
        continue;
      if (!situation.employments.every(({ id }) => gone.has(id))) continue;
      changes.push({
        key: situation.key,
        revision: situation.revision,
        standing: situation.standing,
        dueAt: situation.dueAt,
        accounts: [],
        operations: [],
        supersedes: [],
        suspectedSince: now,
        entries: [
          {
            kind: 'suspected',
            connection: mapping.connection,
            workerKey: situation.key,
            actor,
            body: { reason: 'absent from a complete snapshot' },
          },
        ],
      });
    }
    // Their rows are judged again at the next read: that is how the suspicion heals when they reappear.
    const marked = new Set(changes.map(({ key }) => key));
    const fingerprints = [...keys].flatMap(([employmentId, key]) =>
      marked.has(key) ? [{ employmentId, digests: [] }] : [],
    );
    if (changes.length > 0)
      await house.store.commit({ connection: mapping.connection, at: now, workers: changes, fingerprints });
    await breathe();
  }
}

const baselineKey = (connection: string): string => `rejections-accepted:${connection}`;
const rejectionName = ({ key, code }: Rejection): string => `${key ?? ''} ${code}`;

/**
 * Rejections that were not there in the last delivery that passed this limit. Compared with one that did not pass, a bad
 * feed would pass at its second reading.
 */
async function newlyRejected(house: House, connection: string, reading: Reading): Promise<number> {
  const before = ((await house.store.setting(baselineKey(connection))) ?? []) as readonly string[];
  const left = new Map<string, number>();
  for (const name of before) left.set(name, (left.get(name) ?? 0) + 1);
  let fresh = Math.max(0, reading.rejected - reading.rejections.length);
  for (const rejection of reading.rejections) {
    const name = rejectionName(rejection);
    const known = left.get(name) ?? 0;
    if (known > 0) left.set(name, known - 1);
    else fresh += 1;
  }
  return fresh;
}

function plannedTally(plan: Plan, verdict: Verdict): Tally {
  const tally: Tally = {};
  for (const key of plan.keys()) {
    const planned = plan.get(key);
    if (planned === null) continue;
    if (plan.candidates.has(key) && !verdict.passes.has(key) && !verdict.disableOnly.has(key)) count(tally, 'held');
    for (const transition of planned.plan.transitions) count(tally, transition);
    for (const refusal of planned.plan.refusals) count(tally, `refused:${refusal.code}`);
    for (const { kind } of planned.plan.change?.operations ?? []) count(tally, `operation:${kind}`);
    if (planned.plan.transitions.length === 0) count(tally, 'unchanged');
  }
  return tally;
}

async function recordCycle(house: House, report: CycleReport, startedAt: Instant, actor: string): Promise<void> {
  const finishedAt = nowOf(house.clock);
  const state: CycleRecord['state'] = report.kind === 'refused' ? 'refused' : report.kind === 'held' ? 'held' : 'done';
  const summary: JsonObject = {
    delivery: report.delivery,
    result: report.kind,
    reason: report.reason,
    rows: report.rows,
    recognised: report.recognised,
    rejected: report.rejections.length,
    suspected: report.suspected,
    tally: tallyJson(report.tally),
    codes: report.faults.map(({ code }) => code),
    holds: report.holds as unknown as readonly JsonObject[],
    durationMs: msOf(finishedAt) - msOf(startedAt),
  };
  const id = await house.store.newCycleId();
  await house.store.commit({
    connection: report.connection,
    at: finishedAt,
    cycle: { id, connection: report.connection, startedAt, finishedAt, state, summary },
    entries:
      report.kind === 'unchanged'
        ? []
        : [
            {
              kind: 'cycle',
              connection: report.connection,
              workerKey: null,
              actor,
              body: {
                cycle: id,
                state,
                rows: report.rows,
                rejected: report.rejections.length,
                suspected: report.suspected,
                tally: tallyJson(report.tally),
                codes: report.faults.map(({ code }) => code),
              },
            },
          ],
  });
  house.log.info(
    {
      connection: report.connection,
      result: report.kind,
      rows: report.rows,
      recognised: report.recognised,
      rejected: report.rejections.length,
      holds: report.holds.length,
      codes: report.faults.map(({ code }) => code),
    },
    'cycle finished',
  );
}

export type { Contacts };
