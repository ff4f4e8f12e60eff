// What `validate --probe` finds out of a source by reading it once, as a cycle would, and storing nothing.
import { type Finding, findingsOf } from '../base/finding.ts';
import type { Instant } from '../base/instant.ts';
import type { KnownRows } from '../base/known-rows.ts';
import { type Fault, type Place, Problem } from '../base/problem.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import type { AlsoSource, Connection } from '../mapping/connection-file.ts';
import type { Delivery, Source } from '../sources/source.ts';
import { breathe } from './house.ts';
import { ProbeTally, type Say, sayInto, type Taken } from './probe-tally.ts';

/** How the records of one source are looked at. */
export interface ProbeLens {
  /** Values that the connection file maps. */
  readonly wanted: readonly string[];
  readonly bind: (
    columns: readonly string[],
  ) => { readonly reading: ProbeReading } | { readonly faults: readonly Fault[] };
}

interface ProbeReading {
  readonly datedRows: boolean;
  readonly take: (record: RawRecord, place: Place, asOf: Instant) => Taken;
}

/** Rows after which enough is known of what is in a feed. */
const ROWS_MAX = 100_000;

const NOTHING_KNOWN: KnownRows = { size: 0, indexOf: () => -1 };

export async function probeSource(
  source: Source,
  lens: ProbeLens,
  now: Instant,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    findings.push(...((await source.probe?.(now, signal)) ?? []));
    await look(source, lens, now, signal, findings);
  } catch (error) {
    // It ends the look and is told with what was found before it.
    if (!(error instanceof Problem)) throw error;
    findings.push(...findingsOf(error));
  }
  return findings;
}

async function look(source: Source, lens: ProbeLens, now: Instant, signal: AbortSignal, findings: Finding[]) {
  const say = sayInto(findings, 'source');
  const found = await source.look(now, signal);
  if (found.kind === 'nothing') {
    const hint = 'check the path and the schedule of the export; until something is there nothing happens';
    say('nothing', 'warning', found.reason, hint);
    return;
  }
  if (found.kind === 'notYet') {
    say('not-yet', 'note', found.reason, 'look again later');
    return;
  }
  await using delivery = found.delivery;
  const { name, columns, asOf } = delivery;
  say('reachable', 'good', `${name} can be read, ${columns.length} columns, as of ${asOf}`);
  const bound = lens.bind(columns);
  if ('reading' in bound) await read(delivery, lens.wanted, bound.reading, say, signal);
  else {
    for (const fault of findingsOf(new Problem(bound.faults)))
      findings.push({ ...fault, message: `${fault.message}: it is not exported, or these credentials do not see it` });
  }
}

async function read(
  delivery: Delivery,
  wanted: readonly string[],
  { take, datedRows }: ProbeReading,
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
  const tally = new ProbeTally();
  reading: for await (const rows of delivery.read(new Set(), signal)) {
    for (const { record, place, fault, digest } of rows) {
      const cannot = { reason: fault?.message ?? 'it cannot be parsed' };
      tally.take(record === null ? cannot : take(record, place, delivery.asOf), digest);
      if (tally.read >= ROWS_MAX) break reading;
    }
    await breathe();
  }
  tally.tell(wanted, datedRows, say);
}

/** The source that says who is employed. */
export function firstLens(connection: Connection): ProbeLens {
  const { worker } = JSON.parse(connection.text) as { readonly worker: Readonly<Record<string, unknown>> };
  const end = 'endDate' in worker || 'lastDay' in worker ? ['endDate'] : [];
  const manager = 'managerId' in worker ? ['managerId'] : [];
  return {
    wanted: [...end, ...manager, ...Object.keys((worker.attributes ?? {}) as object)],
    bind: (columns) => {
      const bound = connection.bind(columns);
      if ('faults' in bound) return bound;
      const { toEmployment, datedRows } = bound.mapping;
      return {
        reading: {
          datedRows,
          take: (record, place, asOf) => {
            const mapped = toEmployment(record, place, asOf);
            if (mapped.kind === 'rejected') return { reason: mapped.rejection.reason };
            const { id, status, endDate, managerId, attributes } = mapped.employment;
            const filled = Object.keys(attributes);
            if (endDate !== null) filled.push('endDate');
            if (managerId !== '') filled.push('managerId');
            return { key: id, status, filled };
          },
        },
      };
    },
  };
}

/** A source that adds attributes to workers of the first one. */
export function furtherLens(connection: Connection, { name, bind }: AlsoSource): ProbeLens {
  const { also = [] } = JSON.parse(connection.text) as {
    readonly also?: readonly { readonly name?: string; readonly attributes?: object }[];
  };
  return {
    wanted: Object.keys(also.find((one) => one.name === name)?.attributes ?? {}),
    bind: (columns) => {
      const bound = bind(columns);
      if ('faults' in bound) return bound;
      const { toFact } = bound.mapping;
      return {
        reading: {
          datedRows: false,
          take: (record, place) => {
            const mapped = toFact(record, place);
            if (mapped.kind === 'rejected') return { reason: mapped.rejection.reason };
            return { key: mapped.key, status: null, filled: Object.keys(mapped.attributes) };
          },
        },
      };
    },
  };
}
