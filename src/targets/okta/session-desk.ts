// The one import session that may be under way, over restarts. Okta lets one live at a time and refuses another within five minutes;
// what it took in is applied only once the session is started, and a session that fails has to be loaded anew [O1] [O2]. Never two of
// ours, and never one that is not ours: what is ours stands in the room's memory before it is loaded.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import type { Answer } from '../scim/exchange.ts';
import { isRefusal } from '../scim/halving.ts';
import { concluded } from '../scim/outcome-table.ts';
import type { Stalled } from '../target.ts';
import type { Room } from './room.ts';

export interface OpenSession {
  readonly id: string;
  loads: number;
  lastLoadMs: number;
  readonly holds: Set<string>;
}

/** `wait`: nothing is wrong, and it is not the moment. */
export type Ready =
  | { readonly kind: 'open'; readonly session: OpenSession }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'refused'; readonly outcome: Outcome };

/** `failed`: nothing of it was applied, as far as Okta says; `unknown`: it did not answer. */
export type SessionEnd = 'live' | 'completed' | 'failed' | 'unknown';

export interface SessionDesk {
  readonly ready: (signal: AbortSignal) => Promise<Ready>;
  /** The session that takes records in now; null where there is none. */
  readonly current: () => OpenSession | null;
  /** Told after every load that was taken in, or whose answer leaves that open. */
  readonly loaded: (session: OpenSession, keys: readonly string[]) => void;
  /** Starts the import of what was loaded. Does nothing where nothing was, and while writes are stopped. */
  readonly start: (signal: AbortSignal) => Promise<void>;
  /** Whether the session still takes records, after it refused some; `no`: another one is needed. */
  readonly takes: (session: OpenSession, signal: AbortSignal) => Promise<'yes' | 'no' | 'unknown'>;
  /** Reads what is remembered: before that nobody knows what an earlier process left. Asks nothing of Okta. */
  readonly recall: () => Promise<void>;
  readonly endOf: (id: string, signal: AbortSignal) => Promise<SessionEnd>;
  /** Id of a session that is not over and may still apply something to this key; null where none may. */
  readonly mayHold: (key: string) => string | null;
  /** Takes up what an earlier process left. */
  readonly resume: (signal: AbortSignal) => Promise<void>;
  /** Set where somebody else's session, or one of ours that does not end, has kept everything waiting for long, or each one fails. */
  readonly blocked: () => Stalled | null;
}

/** [O1] */
export const LOADS_MAX = 50;
/** Left behind longer ago, a session is cancelled instead of started: what it holds is out of date. */
const CONTINUED_WITHIN_MS = 10 * 60_000;
/** Refused although it seemed to be time: somebody else may have opened one. */
const REFUSED_WAIT_MS = 60_000;
/** As many sessions that failed one after the other are no accident: one record may be what each of them fails by. */
const FAILED_TOLD_FROM = 3;
/** Longer than this nobody is kept waiting without being told why. */
const BLOCKED_AFTER_MS = 30 * 60_000;
const ENDED_KEPT_MAX = 1_000;
const LIVE = ['CREATED', 'IN_PROGRESS', 'TRIGGERED'];

type Everybody = 'everybody';

interface Remembered {
  /** '' for none. */
  readonly session: string;
  /** Whether one was being opened. */
  readonly opening: boolean;
  /** The last moment at which one of ours was opened, started, or seen to end. */
  readonly lastMs: number;
}

export function sessionDesk(room: Room): SessionDesk {
  const { paths, now, memory, settings } = room;
  let remembered: Remembered | null = null;
  let recalling: Promise<void> | null = null;
  let current: OpenSession | null = null;
  /** Started, and not seen to end. */
  let started: { readonly id: string; readonly holds: ReadonlySet<string> | Everybody } | null = null;
  let blockedSince: { readonly atMs: number; readonly what: string } | null = null;
  /** Sessions that were started and failed since the last one that did not. */
  let failures = { count: 0, lastMs: 0 };
  let refusedUntilMs = Number.NEGATIVE_INFINITY;
  const ended = new Map<string, 'completed' | 'failed'>();
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: two that both find no session would open two. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  const ask = (method: 'GET' | 'POST' | 'DELETE', path: string, signal: AbortSignal): Promise<Answer> =>
    room.exchange(
      null,
      false,
      signal,
    )({ kind: method === 'GET' ? 'read' : method === 'DELETE' ? 'delete' : 'write', method, path, body: '' });

  async function remember(change: Partial<Remembered>): Promise<void> {
    remembered = { session: '', opening: false, lastMs: 0, ...remembered, ...change };
    await memory.write({ ...remembered });
  }

  const block = (what: string): void => {
    if (blockedSince?.what !== what) blockedSince = { atMs: now(), what };
  };

  /** Milliseconds until another session may be opened; a clock that was set back makes nobody wait longer than the gap. */
  function gapMs(): number {
    const last = remembered?.lastMs ?? 0;
    const passedMs = now() - last;
    const gap = last === 0 || passedMs < 0 ? 0 : settings.gapMs - passedMs;
    const refusedMs = refusedUntilMs - now();
    return Math.max(gap, refusedMs > REFUSED_WAIT_MS ? 0 : refusedMs, 0);
  }

  async function over(id: string, how: 'completed' | 'failed'): Promise<void> {
    ended.set(id, how);
    for (const oldest of ended.keys()) {
      if (ended.size <= ENDED_KEPT_MAX) break;
      ended.delete(oldest);
    }
    if (started?.id === id) started = null;
    if (current?.id === id) current = null;
    if (blockedSince !== null) blockedSince = null;
    if (remembered?.session === id) await remember({ session: '', lastMs: now() });
  }

  async function stateOf(id: string, signal: AbortSignal): Promise<string | null> {
    const answer = await ask('GET', paths.session(id), signal);
    // Whatever was cancelled, or is too old to be known, applies nothing any more.
    if (answer.outcome.class === 'gone') return 'GONE';
    return answer.outcome.class === 'done' ? textOf(sessionIn(answer.body), 'status') : null;
  }

  async function endOf(id: string, signal: AbortSignal): Promise<SessionEnd> {
    const known = ended.get(id);
    if (known !== undefined) return known;
    const state = await stateOf(id, signal);
    if (state === null) return 'unknown';
    if (LIVE.includes(state)) {
      if (state === 'TRIGGERED') block(`session ${id} is being imported`);
      return 'live';
    }
    const how = state === 'COMPLETED' || state === 'CLOSED' ? 'completed' : 'failed';
    if (how === 'completed') failures = { count: 0, lastMs: 0 };
    else if (state !== 'GONE') failures = { count: failures.count + 1, lastMs: now() };
    await over(id, how);
    return how;
  }

  function recall(): Promise<void> {
    recalling ??= memory.read().then((value) => {
      remembered ??= rememberedIn(value) ?? { session: '', opening: false, lastMs: 0 };
    });
    return recalling;
  }

  async function resumeNow(signal: AbortSignal): Promise<boolean> {
    await recall();
    const id = remembered?.session ?? '';
    if (id === '' || current?.id === id || started?.id === id) return true;
    const state = await stateOf(id, signal);
    if (state === null) return false;
    if (state === 'TRIGGERED') started = { id, holds: 'everybody' };
    else if (state === 'IN_PROGRESS' && Math.abs(now() - (remembered?.lastMs ?? 0)) < CONTINUED_WITHIN_MS) {
      // Not started is asked for again at the next look: until then it would only wait to expire, and everybody behind it.
      if (!(await startNow(id, signal))) return ended.has(id);
      started = { id, holds: 'everybody' };
    } else if (state === 'CREATED' || state === 'IN_PROGRESS') {
      if (!(await room.mayWrite())) return false;
      const { outcome } = await ask('DELETE', paths.session(id), signal);
      if (outcome.class !== 'done') return false;
      await over(id, 'failed');
    } else await over(id, state === 'COMPLETED' || state === 'CLOSED' ? 'completed' : 'failed');
    return true;
  }

  /** What became of a request whose answer was lost is asked of the session itself. */
  async function startNow(id: string, signal: AbortSignal): Promise<boolean> {
    if (!(await room.mayWrite())) return false;
    const { outcome } = await ask('POST', paths.start(id), signal);
    const state = outcome.class === 'done' ? 'TRIGGERED' : await stateOf(id, signal);
    if (state === 'TRIGGERED' || state === 'COMPLETED' || state === 'CLOSED') {
      await remember({ lastMs: now() });
      return true;
    }
    // Nothing that it took in counts: starting it would be an error for ever.
    if (state === 'CREATED') {
      await ask('DELETE', paths.session(id), signal);
      await over(id, 'failed');
    } else if (state !== null && !LIVE.includes(state)) await over(id, 'failed');
    return false;
  }

  async function open(signal: AbortSignal): Promise<Ready> {
    const listing = await ask('GET', paths.sessions, signal);
    if (listing.outcome.class !== 'done') return { kind: 'refused', outcome: ofOkta(listing.outcome) };
    const live = sessionsIn(listing.body).filter((one) => LIVE.includes(textOf(one, 'status') ?? ''));
    const [foreign] = live;
    if (foreign !== undefined) {
      const left = remembered?.opening === true && live.length === 1 && textOf(foreign, 'status') === 'CREATED';
      // An earlier process asked for it and was gone before the answer: nothing was loaded into it.
      if (left) return taken(textOf(foreign, 'id') ?? '');
      block(`session ${textOf(foreign, 'id') ?? ''} of somebody else is ${textOf(foreign, 'status') ?? ''}`);
      return { kind: 'wait', ms: settings.pollMs };
    }
    if (!(await room.mayWrite())) return { kind: 'wait', ms: settings.pollMs };
    await remember({ opening: true });
    const { outcome, body } = await ask('POST', paths.sessions, signal);
    const id = textOf(sessionIn(body), 'id');
    if (outcome.class === 'done' && id !== null) return taken(id);
    if (outcome.status === 400) {
      refusedUntilMs = now() + REFUSED_WAIT_MS;
      await remember({ opening: false });
      block(`no session may be opened: ${outcome.detail}`);
      return { kind: 'wait', ms: REFUSED_WAIT_MS };
    }
    // The answer was lost, or none of our reading: the list tells at the next look whether there is one now.
    return outcome.class === 'ambiguous' || outcome.class === 'done'
      ? { kind: 'wait', ms: settings.pollMs }
      : { kind: 'refused', outcome: ofOkta(outcome) };
  }

  async function taken(id: string): Promise<Ready> {
    await remember({ session: id, opening: false, lastMs: now() });
    blockedSince = null;
    current = { id, loads: 0, lastLoadMs: now(), holds: new Set() };
    return { kind: 'open', session: current };
  }

  return {
    current: () => current,
    ready: (signal) =>
      alone(async () => {
        if (current !== null && current.loads < LOADS_MAX) return { kind: 'open', session: current };
        if (!(await resumeNow(signal))) return { kind: 'wait', ms: settings.pollMs };
        const under = started?.id ?? current?.id;
        if (under !== undefined && (await endOf(under, signal)) !== 'completed' && !ended.has(under))
          return { kind: 'wait', ms: settings.pollMs };
        const ms = gapMs();
        return ms > 0 ? { kind: 'wait', ms } : open(signal);
      }),
    loaded: (session, keys) => {
      session.loads += 1;
      session.lastLoadMs = now();
      for (const key of keys) session.holds.add(key);
    },
    start: (signal) =>
      alone(async () => {
        const session = current;
        if (session === null || session.loads === 0) return;
        if (!(await startNow(session.id, signal))) return;
        started = { id: session.id, holds: session.holds };
        current = null;
      }),
    takes: (session, signal) =>
      alone(async () => {
        if (current?.id !== session.id) return 'no';
        const state = await stateOf(session.id, signal);
        if (state === null) return 'unknown';
        if (state === 'CREATED' || state === 'IN_PROGRESS') return 'yes';
        if (state === 'TRIGGERED') {
          started = { id: session.id, holds: session.holds };
          current = null;
        } else await over(session.id, state === 'COMPLETED' || state === 'CLOSED' ? 'completed' : 'failed');
        return 'no';
      }),
    recall,
    endOf,
    mayHold: (key) => {
      if (current?.holds.has(key) === true) return current.id;
      if (started !== null && (started.holds === 'everybody' || started.holds.has(key))) return started.id;
      // Before it was looked at, what an earlier process left may hold anybody.
      const left = remembered?.session ?? '';
      return left !== '' && left !== current?.id && left !== started?.id ? left : null;
    },
    resume: (signal) =>
      alone(async () => {
        await resumeNow(signal);
      }),
    blocked: () => {
      if (failures.count >= FAILED_TOLD_FROM && now() - failures.lastMs < BLOCKED_AFTER_MS)
        return {
          code: 'sessions-fail',
          leavers: false,
          detail: `${failures.count} import sessions in a row failed and are loaded anew; Okta says why on its Import Monitoring page only`,
        };
      if (blockedSince === null || now() - blockedSince.atMs < BLOCKED_AFTER_MS) return null;
      const minutes = Math.round((now() - blockedSince.atMs) / 60_000);
      return { code: 'import-waits', leavers: false, detail: `${blockedSince.what}, for ${minutes} minutes` };
    },
  };
}

/** Whoever may not have sessions may not upload anybody: it is nobody's own failure. */
export const ofOkta = (outcome: Outcome): Outcome =>
  isRefusal(outcome) ? concluded(outcome, { class: 'targetDown', countsAsAttempt: false }) : outcome;

/** A session, or a list of one: versions differ [O3]. */
function sessionIn(body: JsonObject | null): JsonObject | null {
  const [first] = Array.isArray(body?.list) ? (body.list as readonly JsonValue[]) : [];
  return isObject(first) ? first : body;
}

const sessionsIn = (body: JsonObject | null): readonly JsonObject[] =>
  Array.isArray(body?.list) ? (body.list as readonly JsonValue[]).filter(isObject) : [];

function rememberedIn(value: JsonValue | null): Remembered | null {
  if (value === null || !isObject(value)) return null;
  const { session, opening, lastMs } = value;
  return {
    session: typeof session === 'string' ? session : '',
    opening: opening === true,
    lastMs: typeof lastMs === 'number' ? lastMs : 0,
  };
}
