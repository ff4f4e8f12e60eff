// Further sources: read before the first one, kept as facts under their own keys, and joined to workers wherever one is planned. They
// never make, start or end anybody, and what they do not say never blanks what they said: a missing row, a lost column, a file that
// cannot be read leave everything as it is.
import { canonicalJson } from '../base/json.ts';
import { type Fault, Problem } from '../base/problem.ts';
import { type AlsoMapping, MAPPING_CODE_VERSION, type Rejection } from '../mapping/bound-mapping.ts';
import type { FurtherRead, GivenValues } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import { Spool } from '../runtime/spool.ts';
import type { Delivery, ReadRow } from '../sources/source.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { FactsOverlay } from './facts-overlay.ts';
import { breathe, type House, type LiveConnection, type LiveFurther } from './house.ts';
import { letGo } from './let-go.ts';

/** What one look at a further source found. */
export interface FurtherReport {
  readonly name: string;
  readonly kind: 'read' | 'unchanged' | 'nothing' | 'notYet' | 'refused';
  readonly delivery: string | null;
  readonly reason: string;
  readonly rows: number;
  /** Rows that are new or differ from what is on file. */
  readonly changed: number;
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
  readonly faults: readonly Fault[];
  readonly retryAfterMs: number | null;
}

export const FURTHER_REFUSED = 'further.refused';

/** More rows than any directory has. */
const ROWS_MAX = 2_000_000;
/** Rejections kept with their reasons; beyond it they are only counted. */
const REJECTIONS_KEPT_MAX = 200;
/** Facts in one commit. */
const BATCH = 500;
/** Deltas taken in one cycle: the rest comes with the next one. */
const DELTAS_AT_ONCE = 100;

/**
 * Looks at every further source of the connection. With `plan` nothing is stored: what was read comes back as an overlay over what
 * is on file. A source that is at fault is reported and alarmed, and stops nothing else.
 */
export async function readFurther(
  house: House,
  live: LiveConnection,
  { mode, signal }: { readonly mode: 'commit' | 'plan'; readonly signal: AbortSignal },
): Promise<{ readonly reports: readonly FurtherReport[]; readonly overlay: FactsOverlay | null }> {
  if (live.also.length === 0) return { reports: [], overlay: null };
  const overlay = mode === 'plan' ? new FactsOverlay(house.stateDir) : null;
  const reports: FurtherReport[] = [];
  for (const further of live.also) {
    for (let turn = 0; turn < DELTAS_AT_ONCE; turn++) {
      const report = await readOne(house, live, further, overlay, signal);
      reports.push(report);
      if (overlay !== null || report.kind !== 'read' || further.settings.source.content !== 'delta') break;
    }
  }
  return { reports, overlay };
}

const NONE: Omit<FurtherReport, 'name' | 'kind'> = {
  delivery: null,
  reason: '',
  rows: 0,
  changed: 0,
  rejected: 0,
  rejections: [],
  faults: [],
  retryAfterMs: null,
};

async function readOne(
  house: House,
  live: LiveConnection,
  further: LiveFurther,
  overlay: FactsOverlay | null,
  signal: AbortSignal,
): Promise<FurtherReport> {
  const { name: connection } = live.connection;
  const { name } = further.settings;
  let delivered: string | null = null;
  try {
    const look = await further.source.look(nowOf(house.clock), signal);
    if (look.kind !== 'delivery') {
      const retryAfterMs = look.kind === 'notYet' ? look.retryAfterMs : null;
      return { ...NONE, name, kind: look.kind, reason: look.reason, retryAfterMs };
    }
    await using delivery = look.delivery;
    delivered = delivery.name;
    const report = await readDelivery(house, live, further, delivery, overlay, signal);
    if (overlay !== null) return report;
    further.accepted.name = delivery.name;
    await letGo(house, connection, delivery, signal, name);
    await clearAlarm(house, connection, FURTHER_REFUSED, name);
    return report;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const reason = error.faults.map(({ message }) => message).join('; ');
    if (overlay === null) {
      await raiseAlarm(house, connection, {
        code: FURTHER_REFUSED,
        subject: name,
        message: `the source ${name} was refused, what it said before stands: ${reason}`,
        ...(error.faults[0]?.hint === undefined ? {} : { hint: error.faults[0].hint }),
      });
    }
    return { ...NONE, name, kind: 'refused', delivery: delivered, reason, faults: error.faults };
  }
}

async function readDelivery(
  house: House,
  live: LiveConnection,
  { settings }: LiveFurther,
  delivery: Delivery,
  overlay: FactsOverlay | null,
  signal: AbortSignal,
): Promise<FurtherReport> {
  const { store } = house;
  const { name: connection, digest } = live.connection;
  const { name } = settings;
  const now = nowOf(house.clock);
  const bound = settings.bind(delivery.columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const before = await store.furtherRead(connection, name);
  if (delivery.content === 'snapshot' && before !== null && delivery.asOf < before.asOf) {
    throw new Problem({
      code: 'feed.older',
      message: `${delivery.name} speaks of ${delivery.asOf}, but ${before.name} of ${before.asOf} was accepted already`,
      hint: 'an older export never undoes a newer one; remove it, or deliver a newer one',
    });
  }
  const context = sha256(canonicalJson([MAPPING_CODE_VERSION, digest, name, delivery.format]));
  const saved = (found: Pick<FurtherRead, 'contentDigest' | 'rows' | 'rejected' | 'rejections'>): FurtherRead => ({
    ...found,
    deliveryId: delivery.id,
    name: delivery.name,
    context,
    asOf: before === null || delivery.asOf > before.asOf ? delivery.asOf : before.asOf,
    readAt: now,
  });
  if (before?.context === context && (await delivery.contentDigest(signal)) === before.contentDigest) {
    if (overlay === null) await store.commit({ connection, at: now, facts: { source: name, read: saved(before) } });
    const { rows, rejected, rejections } = before;
    return {
      ...NONE,
      name,
      kind: 'unchanged',
      delivery: delivery.name,
      reason: 'the very same content',
      rows,
      rejected,
      rejections,
    };
  }

  const known = await store.knownFacts(connection, name, context);
  const scan = await delivery.scan(known, signal);
  if (scan.rows > ROWS_MAX) {
    throw new Problem({
      code: 'further.too-large',
      message: `${delivery.name} holds ${scan.rows} rows, more than the ${ROWS_MAX} that a further source may have.`,
      hint: 'narrow what it exports',
    });
  }
  /** Whether the row that is on file for a key stands in this delivery too. */
  const standsToo = async (key: string, rowDigest: string): Promise<boolean> => {
    if (known.size === 0) return false;
    const onFile = await store.factDigest(connection, name, key);
    const index = onFile === null || onFile === rowDigest ? -1 : known.indexOf(Buffer.from(onFile, 'hex'));
    return index >= 0 && ((scan.knownSeen[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  };
  using facts = new FactReading(house.stateDir, bound.mapping, standsToo);
  for await (const rows of delivery.read(new Set(), signal)) {
    for (const row of rows) await facts.take(row);
    await breathe();
  }
  const { rejections, rejected } = facts;
  const read = saved({ contentDigest: scan.contentDigest, rows: scan.rows, rejected, rejections });
  if (overlay !== null) for (const { key, attributes } of facts.changed()) overlay.put(name, key, attributes);
  else {
    // Digests of one context must never be taken for those of another, whatever happens in between.
    if (before !== null && before.context !== context)
      await store.commit({ connection, at: now, facts: { source: name, read: { ...before, context: '' } } });
    let batch: FoundFact[] = [];
    for (const fact of facts.changed()) {
      batch.push(fact);
      if (batch.length < BATCH) continue;
      await store.commit({ connection, at: now, facts: { source: name, changed: batch } });
      batch = [];
    }
    await store.commit({ connection, at: now, facts: { source: name, changed: batch, read } });
  }
  const reason = scan.completeness.proof;
  return {
    ...NONE,
    name,
    kind: 'read',
    delivery: delivery.name,
    reason,
    rows: scan.rows,
    changed: facts.size,
    rejected,
    rejections,
  };
}

interface FoundFact {
  readonly key: string;
  readonly digest: string;
  readonly attributes: GivenValues;
}

/** One pass over the rows that are not on file: keys that stand in several rows which differ are nobody's word. */
class FactReading implements Disposable {
  readonly rejections: Rejection[] = [];
  rejected = 0;
  readonly #found = new Map<
    string,
    { readonly digest: string; readonly at: number; readonly place: ReadRow['place'] }
  >();
  readonly #twice = new Set<string>();
  readonly #spool: Spool;
  readonly #mapping: AlsoMapping;
  readonly #standsToo: (key: string, digest: string) => Promise<boolean>;

  constructor(stateDir: string, mapping: AlsoMapping, standsToo: (key: string, digest: string) => Promise<boolean>) {
    this.#spool = new Spool(stateDir);
    this.#mapping = mapping;
    this.#standsToo = standsToo;
  }

  get size(): number {
    return this.#found.size;
  }

  async take({ record, fault, place, digest }: ReadRow): Promise<void> {
    if (record === null) {
      this.#reject({
        key: null,
        code: fault?.code ?? '',
        reason: fault?.message ?? '',
        column: null,
        place,
        saysTerminated: false,
      });
      return;
    }
    const mapped = this.#mapping.toFact(record, place);
    if (mapped.kind === 'rejected') {
      const { key } = mapped.rejection;
      this.#reject(mapped.rejection);
      if (key !== null) this.#drop(key, 'another row of this key cannot be read');
      return;
    }
    const { key, attributes } = mapped;
    const earlier = this.#found.get(key);
    if (earlier?.digest === digest) return;
    if (earlier !== undefined || this.#twice.has(key) || (await this.#standsToo(key, digest))) {
      this.#reject(duplicate(key, place));
      this.#drop(key, null);
      return;
    }
    this.#found.set(key, { digest, place, at: this.#spool.add(JSON.stringify(attributes)) });
  }

  /** What is new or differs; whatever was dropped is left out. */
  *changed(): Iterable<FoundFact> {
    for (const [key, { digest, at }] of this.#found) {
      yield { key, digest, attributes: JSON.parse(this.#spool.get(at)) as GivenValues };
    }
  }

  #drop(key: string, reason: string | null): void {
    const earlier = this.#found.get(key);
    if (earlier !== undefined) {
      this.#reject(reason === null ? duplicate(key, earlier.place) : { ...duplicate(key, earlier.place), reason });
      this.#found.delete(key);
    }
    this.#twice.add(key);
  }

  #reject(rejection: Rejection): void {
    this.rejected += 1;
    if (this.rejections.length < REJECTIONS_KEPT_MAX) this.rejections.push(rejection);
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }
}

const duplicate = (key: string, place: ReadRow['place']): Rejection => ({
  key,
  code: 'duplicate-key',
  reason: `several rows with different content share the key ${key}`,
  column: null,
  place,
  saysTerminated: false,
});
