// What `validate --probe` finds out of a source by reading it once, as a cycle would, and storing nothing.
import { type Finding, findingsOf, type Verdict } from '../base/finding.ts';
import type { Instant } from '../base/instant.ts';
import type { KnownRows } from '../base/known-rows.ts';
import { Problem } from '../base/problem.ts';
import type { BoundMapping, MappedRecord } from '../mapping/bound-mapping.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { Delivery, Source } from '../sources/source.ts';
import { breathe } from './house.ts';

/** Rows after which enough is known of what is in a feed. */
const ROWS_MAX = 100_000;
/** Reasons of rejections that are told. */
const REASONS_MAX = 5;

const NOTHING_KNOWN: KnownRows = { size: 0, indexOf: () => -1 };

export async function probeSource(
  source: Source,
  connection: Connection,
  now: Instant,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const say: Say = (code, verdict, message, hint) => {
    findings.push({ code: `source.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) });
  };
  await told(findings, async () => {
    findings.push(...((await source.probe?.(now, signal)) ?? []));
    const look = await source.look(now, signal);
    if (look.kind === 'nothing') {
      say(
        'nothing',
        'warning',
        look.reason,
        'check the path and the schedule of the export; until something is there nothing happens',
      );
      return;
    }
    if (look.kind === 'notYet') {
      say('not-yet', 'note', look.reason, 'look again when it has been written');
      return;
    }
    await using delivery = look.delivery;
    say(
      'reachable',
      'good',
      `${delivery.name} can be read, ${delivery.columns.length} columns, as of ${delivery.asOf}`,
    );
    const bound = connection.bind(delivery.columns);
    if ('faults' in bound) {
      for (const fault of findingsOf(new Problem(bound.faults)))
        findings.push({
          ...fault,
          message: `${fault.message}: it is not exported, or these credentials do not see it`,
        });
      return;
    }
    await probeDelivery(delivery, bound.mapping, wantedOf(connection), say, signal);
  });
  return findings;
}

type Say = (code: string, verdict: Verdict, message: string, hint?: string) => void;

/** A Problem ends the look and is told with what was found before it. */
async function told(findings: Finding[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    findings.push(...findingsOf(error));
  }
}

async function probeDelivery(
  delivery: Delivery,
  mapping: BoundMapping,
  wanted: readonly string[],
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  const scan = await delivery.scan(NOTHING_KNOWN, signal);
  const { strength, proof } = scan.completeness;
  if (strength === 'strong') say('whole', 'good', `${scan.rows} records, proven whole: ${proof}`);
  else {
    const hint =
      'who is missing from it is only suspected, never taken for a leaver; a marker, trailer or count would prove it';
    say('whole', 'note', `${scan.rows} records, weak proof that they are all: ${proof}`, hint);
  }
  const tally = new Tally();
  let read = 0;
  reading: for await (const rows of delivery.read(new Set(), signal)) {
    for (const { record, place, fault, digest } of rows) {
      read += 1;
      if (record === null) tally.reject(fault?.message ?? 'cannot be parsed');
      else tally.take(mapping.toEmployment(record, place, delivery.asOf), digest);
      if (read >= ROWS_MAX) break reading;
    }
    await breathe();
  }
  tally.tell(read, wanted, mapping.datedRows, say);
}

/** How far each value that the mapping makes is filled, and why records are rejected. */
class Tally {
  readonly #reasons = new Map<string, number>();
  readonly #filled = new Map<string, number>();
  readonly #statuses = new Map<string, number>();
  /** Digest of the first row by employment id. */
  readonly #rows = new Map<string, string>();
  readonly #repeated = new Set<string>();
  #accepted = 0;

  reject(reason: string): void {
    count(this.#reasons, reason);
  }

  take(mapped: MappedRecord, digest: string): void {
    if (mapped.kind === 'rejected') {
      this.reject(mapped.rejection.reason);
      return;
    }
    const { employment } = mapped;
    const twin = this.#rows.get(employment.id);
    if (twin === undefined) this.#rows.set(employment.id, digest);
    else if (twin !== digest) this.#repeated.add(employment.id);
    this.#accepted += 1;
    count(this.#statuses, employment.status);
    for (const name of Object.keys(employment.attributes)) count(this.#filled, name);
    if (employment.endDate !== null) count(this.#filled, 'endDate');
    if (employment.managerId !== '') count(this.#filled, 'managerId');
  }

  /** @param wanted values that the connection file maps. */
  tell(read: number, wanted: readonly string[], datedRows: boolean, say: Say): void {
    const words = [...this.#statuses].map(([status, records]) => `${records} ${status}`).join(', ');
    const rejected = read - this.#accepted;
    if (this.#accepted === 0) {
      const hint = 'correct worker: in the connection file; rollcall plan shows each rejected row';
      say('records', 'configuration', `none of the ${read} records looked at becomes a worker`, hint);
    } else say('records', 'good', `${this.#accepted} of the ${read} records looked at become workers (${words})`);
    const reasons = [...this.#reasons].toSorted((a, b) => b[1] - a[1]).slice(0, REASONS_MAX);
    for (const [reason, records] of rejected === 0 ? [] : reasons)
      say('rejected', 'warning', `${records} rejected: ${reason}`, 'they count as present and change nothing');
    if (!datedRows && this.#repeated.size > 0) {
      const hint = 'such rows are rejected: ask HR which counts, or say by source.effective how they follow each other';
      say('repeated', 'warning', `${this.#repeated.size} keys stand on several records that differ`, hint);
    }
    if (this.#accepted < BLANK_MIN) return;
    for (const name of wanted.filter((one) => !this.#filled.has(one))) {
      const hint =
        'if HR has it, these credentials may not see it: a value that vanishes for everybody breaks the feed seal';
      say('blank', 'warning', `${name} is blank in every record`, hint);
    }
  }
}

/** Of fewer workers nothing follows from what all of them lack. */
const BLANK_MIN = 5;

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** What the file asks of a record beside what every record must have. */
function wantedOf({ text }: Connection): readonly string[] {
  const { worker } = JSON.parse(text) as { readonly worker: Readonly<Record<string, unknown>> };
  const attributes = Object.keys((worker.attributes ?? {}) as object);
  const end = 'endDate' in worker || 'lastDay' in worker ? ['endDate'] : [];
  return [...end, ...('managerId' in worker ? ['managerId'] : []), ...attributes];
}
