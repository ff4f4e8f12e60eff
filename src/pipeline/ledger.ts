// The lateness ledger: who was to lose access, or to have it, and when they really did. Put together from the audit alone, so that a
// copy of the database is enough and a closed period reads the same for ever. Nothing after the period's end counts.
import { type Instant, MINUTE_MS, msOf } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { Entry } from '../store/store.ts';

export interface Period {
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

/**
 * `taken back`: HR said the opposite before every target had confirmed. `held`: a guard holds the leave, and nobody has decided;
 * `discarded`: a person has set that hold aside.
 */
export const LEDGER_ENDS = ['confirmed', 'open', 'no account', 'taken back', 'held', 'discarded'] as const;
export type LedgerEnd = (typeof LEDGER_ENDS)[number];

export interface LedgerTarget {
  readonly target: string;
  readonly sentAt: Instant | null;
  readonly confirmedAt: Instant | null;
  readonly sessionsEndedAt: Instant | null;
}

export interface LedgerLine {
  readonly connection: string;
  readonly worker: string;
  /** Number of the entry of the decision; without one that of the hold. */
  readonly entry: number;
  readonly by: string;
  /** From when on HR says so; null where it named no moment. */
  readonly effectiveAt: Instant | null;
  /** Source time of the facts that say so. */
  readonly saidAt: Instant | null;
  /** When Rollcall first knew of it. */
  readonly seenAt: Instant;
  /** Null where a guard held it to the end. */
  readonly decidedAt: Instant | null;
  readonly targets: readonly LedgerTarget[];
  /** When the last target had confirmed; null before. */
  readonly confirmedAt: Instant | null;
  readonly end: LedgerEnd;
  /** Decided, or held, before the period began and still open then. */
  readonly carried: boolean;
  /** From when it was to be, or was known to, to the last confirmation. */
  readonly latenessMs: number | null;
  /** Who lost the time: HR told it after it had come true, or we took longer than the objective. */
  readonly late: 'nobody' | 'HR' | 'us' | 'both';
  readonly breach: boolean;
}

export interface LedgerException {
  readonly kind: 'approval' | 'discard' | 'skip' | 'stop-writes' | 'lift';
  readonly at: Instant;
  readonly by: string;
  readonly reason: string;
  readonly what: string;
}

interface Open {
  readonly decided: Entry;
  readonly effectiveAt: Instant | null;
  readonly seenAt: Instant;
  readonly wanted: ReadonlySet<string>;
  readonly sent: Map<string, Instant>;
  readonly confirmed: Map<string, Instant>;
  readonly sessions: Map<string, Instant>;
  takenBackAt: Instant | null;
}

/** A leave that a guard holds, or held. */
interface Held {
  readonly entry: Entry;
  readonly worker: string;
  readonly hold: string;
  /** When it was held no longer, without a decision. */
  freedAt: Instant | null;
}

/** An operation is a worker's at one target; its first intent is when it was sent. */
interface Known {
  readonly first: Instant;
  readonly target: string;
}

/** From letting go of a hold to the decision that its release led to; a conflict has it planned again. */
const SAME_LEAVE_MS = 10 * MINUTE_MS;

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');
const list = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** What a ledger is about. */
interface Subject {
  readonly begins: (transitions: readonly string[], to: string) => boolean;
  readonly undone: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
  /** Whether people whose leave a guard holds belong to it. */
  readonly held: boolean;
}

export const SUBJECTS = {
  leavers: {
    begins: (transitions) => transitions.includes('leaver'),
    undone: new Set(['rehire', 'rescind', 'start', 'joiner']),
    kinds: new Set(['disable']),
    held: true,
  },
  /** Whoever is to work from a day on: hires, starts after preboarding, rehires. */
  joiners: {
    begins: (transitions, to) => to === 'active' && transitions.some((one) => STARTS.has(one)),
    undone: new Set(['leaver', 'withdraw']),
    kinds: new Set(['create', 'enable']),
    held: false,
  },
} as const satisfies Record<string, Subject>;
export type LedgerSubject = keyof typeof SUBJECTS;

const STARTS: ReadonlySet<string> = new Set(['joiner', 'start', 'rehire']);
const EXCEPTIONS: ReadonlySet<string> = new Set(['skip', 'stop-writes', 'lift']);

/** Feed it every entry up to the period's end in order, then ask. */
export class Ledger {
  readonly #subject: Subject;
  readonly #period: Period;
  readonly #objectiveMs: number;
  /** Newest leave of each worker, and those that are over. */
  readonly #current = new Map<string, Open>();
  readonly #past: Open[] = [];
  /** When the end that is to come was first seen, by worker. */
  readonly #seen = new Map<string, { readonly at: Instant; readonly effective: string }>();
  readonly #operations = new Map<number, Known>();
  /** Leaves that wait for a person, by worker. */
  readonly #held = new Map<string, Held>();
  readonly #freed: Held[] = [];
  /** Connection and kind of the holds that a person set aside, as they stand. */
  readonly #discarded = new Set<string>();
  readonly exceptions: LedgerException[] = [];

  constructor(subject: LedgerSubject, period: Period, objectiveMs: number) {
    this.#subject = SUBJECTS[subject];
    this.#period = period;
    this.#objectiveMs = objectiveMs;
  }

  take(entry: Entry): void {
    if (entry.at >= this.#period.to) return;
    const key = `${entry.connection} ${entry.workerKey}`;
    const { body } = entry;
    if (entry.kind === 'decision') this.#decision(key, entry);
    else if (entry.kind === 'held' || entry.kind === 'freed') this.#hold(entry);
    else if (entry.kind === 'discard') this.#discarded.add(`${entry.connection} ${text(body.hold)}`);
    // An approval, or another content, and the word of the person is over.
    else if (entry.kind === 'approval' || entry.kind === 'hold')
      this.#discarded.delete(`${entry.connection} ${text(body.hold)}`);
    else if (entry.kind === 'intent') {
      for (const id of Array.isArray(body.operations) ? body.operations : [body.operation]) {
        if (typeof id === 'number' && !this.#operations.has(id))
          this.#operations.set(id, { first: entry.at, target: text(body.target) });
      }
    } else if (body.state === 'done' && (body.what === 'revokeSessions' || this.#subject.kinds.has(text(body.what)))) {
      this.#done(key, entry);
    }
    if (entry.at >= this.#period.from) this.#exception(entry);
  }

  #decision(key: string, entry: Entry): void {
    const transitions = list(entry.body.transitions);
    const effective = text(entry.body.effective);
    const begins = this.#subject.begins(transitions, text(entry.body.to));
    if (begins) {
      const seen = this.#seen.get(key);
      const held = this.#sameLeave(key, entry.at);
      const before = this.#current.get(key);
      if (before !== undefined) this.#past.push(before);
      this.#current.set(key, {
        decided: entry,
        // A word without a moment of its own is effective when it is decided: what a guard held was true before.
        effectiveAt: effective === '' || (held !== undefined && effective === entry.at) ? null : (effective as Instant),
        seenAt: held?.entry.at ?? (seen !== undefined && seen.effective === effective ? seen.at : entry.at),
        wanted: this.#wanted(list(entry.body.operations)),
        sent: new Map(),
        confirmed: new Map(),
        sessions: new Map(),
        takenBackAt: null,
      });
      this.#seen.delete(key);
      this.#held.delete(key);
    } else if (list(entry.body.events).includes('endDateSeen')) this.#seen.set(key, { at: entry.at, effective });
    if (!begins && transitions.some((one) => this.#subject.undone.has(one))) {
      const current = this.#current.get(key);
      if (current !== undefined && !isConfirmed(current)) current.takenBackAt ??= entry.at;
      this.#seen.delete(key);
    }
  }

  #hold(entry: Entry): void {
    if (!this.#subject.held) return;
    const { body, connection, at } = entry;
    for (const worker of list(body.workers)) {
      const key = `${connection} ${worker}`;
      const known = this.#held.get(key);
      if (entry.kind === 'held') {
        const since = this.#sameLeave(key, at)?.entry ?? entry;
        this.#held.set(key, { entry: since, worker, hold: text(body.hold), freedAt: null });
      } else if (known?.hold === text(body.hold)) {
        this.#held.delete(key);
        known.freedAt = at;
        this.#freed.push(known);
      }
    }
  }

  /** What is held of a worker, or was until a moment ago: a released hold lets go before the decision is stored, another takes over. */
  #sameLeave(key: string, at: Instant): Held | undefined {
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const index = this.#freed.findLastIndex(
      ({ entry, worker, freedAt }) =>
        `${entry.connection} ${worker}` === key && freedAt !== null && msOf(at) - msOf(freedAt) <= SAME_LEAVE_MS,
    );
    return index < 0 ? undefined : this.#freed.splice(index, 1)[0];
  }

  /** Operations are written `target:kind`. */
  #wanted(operations: readonly string[]): ReadonlySet<string> {
    const parts = operations.map(
      (one) => [one.slice(0, one.lastIndexOf(':')), one.slice(one.lastIndexOf(':') + 1)] as const,
    );
    return new Set(parts.filter(([, kind]) => this.#subject.kinds.has(kind)).map(([target]) => target));
  }

  #done(key: string, { at, body }: Entry): void {
    const current = this.#current.get(key);
    if (current === undefined) return;
    const target = text(body.target);
    if (body.what === 'revokeSessions') {
      if (!current.sessions.has(target)) current.sessions.set(target, at);
      return;
    }
    if (current.confirmed.has(target)) return;
    current.confirmed.set(target, at);
    const known = typeof body.operation === 'number' ? this.#operations.get(body.operation) : undefined;
    if (known !== undefined) current.sent.set(target, known.first);
  }

  #exception({ kind, at, actor, body }: Entry): void {
    const by = actor.replace(/^operator:/, '');
    const reason = text(body.reason);
    if (kind === 'act' && body.act === 'approve') {
      const what = text(body.mapping) === '' ? 'the clock' : `mapping ${text(body.mapping)}`;
      // A hold that is approved has an entry of its own.
      if (text(body.hold) === '') this.exceptions.push({ kind: 'approval', at, by, reason, what });
    } else if (kind === 'approval' || kind === 'discard') {
      this.exceptions.push({ kind, at, by, reason, what: `${text(body.hold)}, ${body.items ?? 0} item(s)` });
    } else if (kind === 'act' && EXCEPTIONS.has(text(body.act))) {
      const what = text(body.what) || text(body.target);
      this.exceptions.push({ kind: text(body.act) as LedgerException['kind'], at, by, reason, what });
    }
  }

  /** In the order of their decisions. Those that were over before the period began are left out. */
  lines(): readonly LedgerLine[] {
    const { from } = this.#period;
    const decided = [...this.#past, ...this.#current.values()].map((one) => this.#line(one));
    const held = [...this.#held.values(), ...this.#freed].map((one) => this.#heldLine(one));
    return [...decided, ...held]
      .sort((a, b) => a.entry - b.entry || (a.worker < b.worker ? -1 : 1))
      .filter((line) => !line.carried || this.#openAt(line, from));
  }

  /** Of whom HR, or the feed, says that they left, and nobody has decided it. */
  #heldLine({ entry, worker, hold, freedAt }: Held): LedgerLine {
    const { connection, at, actor, seq } = entry;
    const discarded = this.#discarded.has(`${connection} ${hold}`);
    const breach = freedAt === null && msOf(this.#period.to) - msOf(at) > this.#objectiveMs;
    return {
      connection: connection ?? '',
      worker,
      entry: seq,
      by: actor,
      effectiveAt: null,
      saidAt: null,
      seenAt: at,
      decidedAt: null,
      targets: [],
      confirmedAt: null,
      end: freedAt !== null ? 'taken back' : discarded ? 'discarded' : 'held',
      carried: at < this.#period.from,
      latenessMs: null,
      late: breach ? 'us' : 'nobody',
      breach,
    };
  }

  #openAt(line: LedgerLine, at: Instant): boolean {
    return (
      ['open', 'held', 'discarded'].includes(line.end) || (line.end === 'confirmed' && (line.confirmedAt ?? at) >= at)
    );
  }

  #line(open: Open): LedgerLine {
    const { decided, effectiveAt, seenAt, wanted, sent, confirmed, sessions, takenBackAt } = open;
    const targets = [...wanted].sort().map((target) => ({
      target,
      sentAt: sent.get(target) ?? null,
      confirmedAt: confirmed.get(target) ?? null,
      sessionsEndedAt: sessions.get(target) ?? null,
    }));
    const confirmedAt = isConfirmed(open) ? (latest([...confirmed.values()]) ?? null) : null;
    const end = endOf(open, takenBackAt);
    const due = effectiveAt !== null && effectiveAt > seenAt ? effectiveAt : seenAt;
    const until = confirmedAt ?? (end === 'open' ? this.#period.to : null);
    const ours = until === null ? null : Math.max(0, msOf(until) - msOf(due));
    const breach = ours !== null && ours > this.#objectiveMs;
    const hrLate = effectiveAt !== null && msOf(seenAt) - msOf(effectiveAt) > this.#objectiveMs;
    return {
      connection: decided.connection ?? '',
      worker: decided.workerKey ?? '',
      entry: decided.seq,
      by: decided.actor,
      effectiveAt,
      saidAt: text(decided.body.asOf) === '' ? null : (text(decided.body.asOf) as Instant),
      seenAt,
      decidedAt: decided.at,
      targets,
      confirmedAt,
      end,
      carried: decided.at < this.#period.from,
      latenessMs: end === 'confirmed' ? ours : null,
      late: breach ? (hrLate ? 'both' : 'us') : hrLate ? 'HR' : 'nobody',
      breach,
    };
  }
}

const latest = (instants: readonly Instant[]): Instant | undefined => instants.toSorted().at(-1);

const isConfirmed = ({ wanted, confirmed }: Open): boolean =>
  wanted.size > 0 && [...wanted].every((target) => confirmed.has(target));

function endOf(open: Open, takenBackAt: Instant | null): LedgerEnd {
  if (open.wanted.size === 0) return 'no account';
  if (isConfirmed(open)) return 'confirmed';
  return takenBackAt === null ? 'open' : 'taken back';
}
