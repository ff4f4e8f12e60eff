// Whether a target may be asked now. Closed: everything goes, from the moment on that the target asked to wait for. Open: the
// target is down, and one probe at a time finds out whether it is back, leavers first. Pure: answers in, the next gate out.
import type { Outcome } from '../lifecycle/outcome.ts';
import type { OperationKind } from '../planning/changeset.ts';
import { NOT_VISIBLE_YET } from '../targets/target.ts';

export interface Gate {
  /** As of an electric breaker: nothing flows through an open one. */
  readonly state: 'closed' | 'open';
  /** Since when it is in this state, in milliseconds. */
  readonly sinceMs: number;
  /** Why it is open, or what it waits for: the code of the answer. '' while nothing is wrong. */
  readonly why: string;
  /** Nothing of this kind leaves earlier; while open, no probe does. */
  readonly notBeforeMs: { readonly urgent: number; readonly ordinary: number };
  /** The operation that is the probe now; 0 while one is being chosen. */
  readonly probe: number | null;
  /** Who met faults in a row, each once: a record that always fails is one, however often it is tried. */
  readonly struck: readonly string[];
  /** Who was answered 403 in a row, each once. */
  readonly forbidden: readonly Forbidden[];
  /** Openings, failed probes and pauses since the last good answer: the next wait is longer. */
  readonly rounds: number;
  /** Operations whose 403 was taken for the target's once. The next one is their own. */
  readonly excused: ReadonlySet<number>;
}

export interface Forbidden {
  readonly who: string;
  readonly operation: number;
}

/** One answer, and to whom it was given. */
export interface Heard {
  readonly operation: number;
  /** Whom a fault would be blamed on: a worker, or a group for its memberships. */
  readonly who: string;
  readonly kind: OperationKind;
  readonly outcome: Outcome;
}

export interface Verdict {
  readonly gate: Gate;
  /** Operations whose 403 says something of the target and nothing of them: they are to be tried again. */
  readonly excused: readonly number[];
}

/** So many different workers in a row without an answer, or with a 5xx: it is not one record's fault. */
export const FAULTS_MAX = 5;
/** So many different workers in a row answered 403: we may do nothing there any more (design section 6). */
export const FORBIDDEN_MAX = 3;
/** Probes of a target that is down, and repetitions at one that is overrun, at first and at most so far apart. */
const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = { urgent: 15_000, ordinary: 60_000 } as const;
/** What a target asks for by Retry-After is granted so far; a leaver is never kept longer than a minute. */
export const PATIENCE_MAX_MS = { urgent: 60_000, ordinary: 3_600_000 } as const;
/** Beyond so many the oldest is forgotten, and would be excused once more. */
const EXCUSED_MAX = 1_000;

export const closedGate = (nowMs: number): Gate => ({
  state: 'closed',
  sinceMs: nowMs,
  why: '',
  notBeforeMs: { urgent: 0, ordinary: 0 },
  probe: null,
  struck: [],
  forbidden: [],
  rounds: 0,
  excused: new Set(),
});

/** A wait longer than any that is ever set was set by a clock that has been put right since: it is over. */
export function afterStepBack(gate: Gate, nowMs: number): Gate {
  const until = (who: 'urgent' | 'ordinary'): number =>
    gate.notBeforeMs[who] - nowMs > PATIENCE_MAX_MS[who] ? 0 : gate.notBeforeMs[who];
  const notBeforeMs = { urgent: until('urgent'), ordinary: until('ordinary') };
  const stands = notBeforeMs.urgent === gate.notBeforeMs.urgent && notBeforeMs.ordinary === gate.notBeforeMs.ordinary;
  return stands ? gate : { ...gate, notBeforeMs };
}

/** How many operations may be taken up now. */
export function admits(gate: Gate, who: 'urgent' | 'ordinary', nowMs: number): 'all' | 'one' | 'none' {
  if (gate.notBeforeMs[who] > nowMs || gate.probe !== null) return 'none';
  return gate.state === 'closed' ? 'all' : 'one';
}

/** Whether a request may still leave: what was taken up before the gate opened stays here. */
export const letsPass = (gate: Gate, who: 'urgent' | 'ordinary', operation: number, nowMs: number): boolean =>
  gate.state === 'closed' ? gate.notBeforeMs[who] <= nowMs : gate.probe === operation;

/** The place of the probe is taken before anybody looks for one (0), so that there are never two. */
export const withProbe = (gate: Gate, operation: number | null): Gate => ({ ...gate, probe: operation });

/** What one answer says of the target as a whole. */
export type Sign =
  /** Nothing was asked, or we cut it off ourselves. */
  | 'nothing'
  /** It answers about what it was asked. */
  | 'alive'
  | 'forbidden'
  /** It wants fewer requests. */
  | 'overrun'
  /** No answer, or one that says it could not. */
  | 'faulty'
  /** Nobody can use it now: not reached, or our credentials do not count. */
  | 'down';

const NOTHING_ASKED: ReadonlySet<string> = new Set(['not-sent', 'stopped', 'nothing-to-send']);
/** Our own conclusions from good answers. */
const CONCLUDED: ReadonlySet<string> = new Set(['not-applied', NOT_VISIBLE_YET]);

export function signOf({ kind, outcome }: Pick<Heard, 'kind' | 'outcome'>): Sign {
  const { class: answer, status, code } = outcome;
  if (NOTHING_ASKED.has(code)) return 'nothing';
  if (answer === 'refreshCredentials') return 'down';
  // 404 where the endpoint itself should be may be one odd question; it takes several workers to believe it.
  if (answer === 'targetDown') return status === 404 ? 'faulty' : 'down';
  if (status === 429) return 'overrun';
  // A group that may not be changed is no account that may not be.
  if (status === 403 && answer === 'permanent') return isMembership(kind) ? 'alive' : 'forbidden';
  if (answer !== 'retry' && answer !== 'ambiguous') return 'alive';
  if (CONCLUDED.has(code)) return 'alive';
  return status === null || status === 408 || status >= 500 ? 'faulty' : 'alive';
}

const isMembership = (kind: OperationKind): boolean => kind === 'addMember' || kind === 'removeMember';

/** `random` in [0, 1) spreads the waits of several daemons. */
export function heard(before: Gate, { operation, who, kind, outcome }: Heard, nowMs: number, random: number): Verdict {
  const probing = before.state === 'open' && before.probe === operation;
  const gate = probing ? withProbe(before, null) : before;
  const sign = signOf({ kind, outcome });
  const { code } = outcome;
  const patient = (one: Gate): Gate => patientAfter(one, outcome, nowMs);
  const only = (one: Gate): Verdict => ({ gate: one, excused: [] });
  const late = before.state === 'open' && !probing;
  switch (sign) {
    case 'nothing':
      return only(gate);
    case 'alive':
      // While open only the probe is proof: other answers may be older than what opened the gate.
      return only(late ? gate : recovered(gate, nowMs));
    case 'overrun':
      if (late) return only(patient(gate));
      return only(patient(paused(probing ? recovered(gate, nowMs, before.rounds) : gate, code, nowMs, random)));
    case 'faulty': {
      if (late) return only(patient(gate));
      const struck = gate.struck.includes(who) ? gate.struck : [...gate.struck, who];
      const faulty = patient({ ...gate, struck });
      return only(probing || struck.length >= FAULTS_MAX ? opened(faulty, code, nowMs, random) : faulty);
    }
    case 'down':
      return only(patient(late ? gate : opened(gate, code, nowMs, random)));
    case 'forbidden': {
      if (probing) return excusing(opened(gate, code, nowMs, random), [operation]);
      if (late) return excusing(gate, [operation]);
      // It answers; and who was excused before is refused for what they are.
      if (gate.excused.has(operation)) return only({ ...gate, struck: [] });
      const others = gate.forbidden.filter((one) => one.who !== who);
      const forbidden = [...others, { who, operation }];
      if (forbidden.length < FORBIDDEN_MAX) return only({ ...gate, forbidden, struck: [] });
      return excusing(
        opened({ ...gate, forbidden: [], struck: [] }, code, nowMs, random),
        forbidden.map((one) => one.operation),
      );
    }
  }
}

function recovered(gate: Gate, nowMs: number, rounds = 0): Gate {
  // Most answers change nothing.
  if (gate.state === 'closed' && gate.why === '' && gate.struck.length + gate.forbidden.length === 0) return gate;
  const paused = gate.state === 'closed' && gate.notBeforeMs.ordinary > nowMs;
  // An answer from before a pause does not end it.
  if (paused) return { ...gate, struck: [], forbidden: [] };
  return { ...closedGate(gate.state === 'closed' ? gate.sinceMs : nowMs), rounds, excused: gate.excused };
}

function opened(gate: Gate, code: string, nowMs: number, random: number): Gate {
  const again = gate.state === 'open';
  const rounds = gate.rounds + 1;
  return {
    ...gate,
    state: 'open',
    sinceMs: again ? gate.sinceMs : nowMs,
    why: code,
    notBeforeMs: {
      urgent: nowMs + waitMs(rounds, WAIT_MAX_MS.urgent, random),
      ordinary: nowMs + waitMs(rounds, WAIT_MAX_MS.ordinary, random),
    },
    struck: [],
    rounds,
  };
}

/** Without a Retry-After an overrun target is left alone for a while, longer each time; all answers of one wave are one time. */
function paused(gate: Gate, code: string, nowMs: number, random: number): Gate {
  if (gate.notBeforeMs.ordinary > nowMs) return gate;
  const rounds = gate.rounds + 1;
  return {
    ...gate,
    why: code,
    rounds,
    notBeforeMs: {
      urgent: nowMs + waitMs(rounds, WAIT_MAX_MS.urgent, random),
      ordinary: nowMs + waitMs(rounds, WAIT_MAX_MS.ordinary, random),
    },
  };
}

/** Retry-After of a target that is overrun or not available is for the whole target (RFC 9110 section 10.2.3). */
function patientAfter(gate: Gate, { retryAfterMs, code }: Outcome, nowMs: number): Gate {
  if (retryAfterMs === null) return gate;
  const until = (who: 'urgent' | 'ordinary'): number =>
    Math.max(gate.notBeforeMs[who], nowMs + Math.min(retryAfterMs, PATIENCE_MAX_MS[who]));
  return { ...gate, why: gate.why || code, notBeforeMs: { urgent: until('urgent'), ordinary: until('ordinary') } };
}

function excusing(gate: Gate, operations: readonly number[]): Verdict {
  const excused = new Set([...gate.excused, ...operations]);
  for (const oldest of excused) {
    if (excused.size <= EXCUSED_MAX) break;
    excused.delete(oldest);
  }
  return { gate: { ...gate, excused }, excused: operations };
}

/** Doubles with every round; between half and all of it. */
function waitMs(rounds: number, maxMs: number, random: number): number {
  const ceiling = Math.min(maxMs, FIRST_WAIT_MS * 2 ** Math.min(rounds - 1, 20));
  return Math.ceil((ceiling * (1 + random)) / 2);
}
