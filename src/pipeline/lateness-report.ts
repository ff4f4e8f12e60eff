// The report of a period: everyone HR says left, or was to start, what became of each, and totals that must add up.
import { assert } from '../base/assert.ts';
import { DAY_MS, type Instant, msOf } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { Entry, Store } from '../store/store.ts';
import {
  LEDGER_ENDS,
  Ledger,
  type LedgerEnd,
  type LedgerException,
  type LedgerLine,
  type LedgerSubject,
  type Period,
} from './ledger.ts';

/** From the moment it was to be (or was known to) to the last target's own confirmation. */
export const OBJECTIVE_MS = 60_000;
/** A connection that has not been read for so long has a gap: Rollcall did not run, or HR's system did not answer. */
export const GAP_MS = DAY_MS;

export interface ReadingEvidence {
  readonly connection: string;
  readonly cycles: number;
  readonly refused: number;
  /** Cycles of which a guard or the seal held something. */
  readonly held: number;
  readonly rejectedRows: number;
  readonly firstAt: Instant | null;
  readonly lastAt: Instant | null;
  /** Longer than GAP_MS without a cycle, the edges of the period included. */
  readonly gaps: readonly { readonly from: Instant; readonly to: Instant }[];
}

export interface LatenessReport {
  readonly about: LedgerSubject;
  readonly period: Period;
  readonly objectiveMs: number;
  readonly lines: readonly LedgerLine[];
  readonly totals: {
    /** Decided in the period, held in it without a decision, and carried over from before it. */
    readonly people: number;
    readonly decided: number;
    readonly undecided: number;
    readonly carried: number;
    readonly ends: Readonly<Record<LedgerEnd, number>>;
    readonly breaches: number;
    readonly lateByHr: number;
    /** Rows of the last readings that could not be read: nobody can say who of them left. */
    readonly rejectedRows: number;
  };
  /** Of the confirmed ones; null where nobody was. */
  readonly lateness: { readonly p50Ms: number; readonly p95Ms: number; readonly worstMs: number } | null;
  readonly exceptions: readonly LedgerException[];
  readonly reading: readonly ReadingEvidence[];
  /** Mappings that decided in the period, with the first entry that names them, and who approved what in them needs a person. */
  readonly mappings: readonly {
    readonly digest: string;
    readonly entry: number;
    readonly at: Instant;
    readonly approvedBy: string | null;
  }[];
  /** The last entry of the period: what the report stands on. */
  readonly head: { readonly seq: number; readonly hash: string } | null;
}

export async function latenessReport(
  subject: LedgerSubject,
  store: Pick<Store, 'audit'>,
  period: Period,
  options: { readonly objectiveMs?: number; readonly connection?: string } = {},
): Promise<LatenessReport> {
  const objectiveMs = options.objectiveMs ?? OBJECTIVE_MS;
  const ledger = new Ledger(subject, period, objectiveMs);
  const evidence = new Evidence(period);
  const mappings = new Map<string, { entry: number; at: Instant }>();
  const approvers = new Map<string, string>();
  let head: LatenessReport['head'] = null;
  for await (const entries of store.audit.export()) {
    for (const entry of entries) {
      if (entry.at >= period.to) continue;
      head = { seq: entry.seq, hash: entry.hash };
      if (options.connection !== undefined && entry.connection !== null && entry.connection !== options.connection)
        continue;
      ledger.take(entry);
      evidence.take(entry);
      const { mapping, act } = entry.body;
      if (entry.kind === 'act' && act === 'approve' && typeof mapping === 'string')
        approvers.set(mapping, entry.actor.replace(/^operator:/, ''));
      if (entry.kind === 'decision' && entry.at >= period.from && typeof mapping === 'string' && !mappings.has(mapping))
        mappings.set(mapping, { entry: entry.seq, at: entry.at });
    }
  }
  const lines = ledger.lines();
  const reading = evidence.list();
  const totals = totalsOf(lines, evidence.rejectedLast());
  return {
    about: subject,
    period,
    objectiveMs,
    lines,
    totals,
    lateness: latenessOf(lines),
    exceptions: ledger.exceptions,
    reading,
    mappings: [...mappings].map(([digest, first]) => ({ digest, ...first, approvedBy: approvers.get(digest) ?? null })),
    head,
  };
}

function totalsOf(lines: readonly LedgerLine[], rejectedRows: number): LatenessReport['totals'] {
  const ends = Object.fromEntries(LEDGER_ENDS.map((end) => [end, 0])) as Record<LedgerEnd, number>;
  for (const { end } of lines) ends[end] += 1;
  const carried = lines.filter((line) => line.carried).length;
  const undecided = lines.filter((line) => !line.carried && line.decidedAt === null).length;
  const totals = {
    people: lines.length,
    decided: lines.filter((line) => !line.carried && line.decidedAt !== null).length,
    undecided,
    carried,
    ends,
    breaches: lines.filter(({ breach }) => breach).length,
    lateByHr: lines.filter(({ late }) => late === 'HR' || late === 'both').length,
    rejectedRows,
  };
  const sum = Object.values(ends).reduce((all, count) => all + count, 0);
  assert(sum === totals.people && totals.decided + undecided + carried === sum, 'the totals of the report add up');
  return totals;
}

/** Nearest rank: the smallest value that so many per cent do not exceed. */
function latenessOf(lines: readonly LedgerLine[]): LatenessReport['lateness'] {
  const times = lines.flatMap(({ latenessMs }) => (latenessMs === null ? [] : [latenessMs])).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0;
  return times.length === 0 ? null : { p50Ms: at(0.5), p95Ms: at(0.95), worstMs: at(1) };
}

interface Read {
  cycles: number;
  refused: number;
  held: number;
  rejectedRows: number;
  rejectedLast: number;
  firstAt: Instant | null;
  lastAt: Instant | null;
  gaps: { from: Instant; to: Instant }[];
}

/** That Rollcall ran and read: cycles, and where there were none. */
class Evidence {
  readonly #period: Period;
  readonly #read = new Map<string, Read>();

  constructor(period: Period) {
    this.#period = period;
  }

  take({ kind, at, connection, body }: Entry): void {
    if (kind !== 'cycle' || connection === null) return;
    const read = this.#of(connection);
    if (at < this.#period.from) return;
    this.#gap(read, read.lastAt ?? this.#period.from, at);
    read.cycles += 1;
    if (body.state === 'refused' || body.state === 'failed') read.refused += 1;
    if (body.state === 'held') read.held += 1;
    read.rejectedRows += numberOf(body.rejected);
    // A look that refused its delivery has read nobody.
    if (body.state === 'done' || body.state === 'held') read.rejectedLast = numberOf(body.rejected);
    read.firstAt ??= at;
    read.lastAt = at;
  }

  #of(connection: string): Read {
    const known = this.#read.get(connection);
    if (known !== undefined) return known;
    const read: Read = {
      cycles: 0,
      refused: 0,
      held: 0,
      rejectedRows: 0,
      rejectedLast: 0,
      firstAt: null,
      lastAt: null,
      gaps: [],
    };
    this.#read.set(connection, read);
    return read;
  }

  #gap(read: Read, from: Instant, to: Instant): void {
    if (msOf(to) - msOf(from) > GAP_MS) read.gaps.push({ from, to });
  }

  list(): readonly ReadingEvidence[] {
    return [...this.#read]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([connection, read]) => {
        const gaps = [...read.gaps];
        const last = read.lastAt ?? this.#period.from;
        if (msOf(this.#period.to) - msOf(last) > GAP_MS) gaps.push({ from: last, to: this.#period.to });
        const { rejectedLast: _, ...told } = read;
        return { ...told, connection, gaps };
      });
  }

  rejectedLast(): number {
    return [...this.#read.values()].reduce((sum, one) => sum + one.rejectedLast, 0);
  }
}

const numberOf = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0);
