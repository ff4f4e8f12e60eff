// Why a worker stands where they stand, and why nothing happens: put together from the store alone, without connection files or a
// source, so that a copy of the database is enough. The mapping is the one that was accepted and archived.
import { DAY_MS, type Instant, msOf, plusMs } from '../base/instant.ts';
import { forecast } from '../lifecycle/forecast.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../lifecycle/policy.ts';
import { type Truth, truthOf } from '../lifecycle/truth.ts';
import type { BoundMapping, Rejection, Trace } from '../mapping/bound-mapping.ts';
import { type Connection, readConnection } from '../mapping/connection-file.ts';
import type { Situation } from '../planning/changeset.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Entry, Hold, Store } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import { readClockDoubt } from './clock-watch.ts';
import { readDispatchStates } from './dispatch-state.ts';
import { type Failure, readFailures } from './failures.ts';
import { readUnmet } from './first-contact.ts';
import { acceptedMapping } from './limits-in-force.ts';
import { ALL_TARGETS, readStops } from './stop-writes.ts';

/** One reason why nothing happens, or why what happens is not what somebody expected. */
export interface Because {
  /** Stable, for scripts and the docs. */
  readonly code: string;
  readonly sentence: string;
  /** The command that shows more, or mends it; '' where none does. */
  readonly command: string;
}

export interface TracedTarget {
  readonly target: string;
  readonly trace: Trace;
}

export interface Explanation {
  readonly worker: string;
  readonly connection: string;
  readonly situation: Situation;
  readonly truth: Truth;
  readonly policy: LifecyclePolicy;
  /** The facts that count today; null where no employment is known. */
  readonly facts: Employment | null;
  /** By attribute, in the order of the file: the expression and what it gave. */
  readonly attributes: readonly { readonly name: string; readonly expression: string; readonly value: string }[];
  readonly targets: readonly TracedTarget[];
  readonly because: readonly Because[];
  readonly entries: readonly Entry[];
  /** Digest of the mapping that was read from the archive; '' where none was accepted yet. */
  readonly mapping: string;
}

export interface Unknown {
  readonly worker: string;
  readonly because: readonly Because[];
}

const HOLD_ITEMS = Number.MAX_SAFE_INTEGER;
const REJECTIONS = 10_000;
/** A feed that has not been read for so long may be why nobody has heard. */
const READ_WITHIN_MS = DAY_MS;

export async function explain(
  store: Store,
  connection: string,
  situation: Situation,
  now: Instant,
): Promise<Explanation> {
  const archived = await archivedConnection(store, connection);
  const policy = archived?.connection.policy ?? DEFAULT_POLICY;
  const truth = truthOf(situation.standing, situation.employments, now, policy);
  const primary = truth.primary ?? situation.employments[0] ?? null;
  const facts = primary === null ? null : { ...primary, ...inForceAt(primary, now) };
  const mapping = archived?.mapping ?? null;
  const worker = { key: situation.key, employments: situation.employments };
  const targets =
    mapping === null || primary === null
      ? []
      : mapping.targets.map((target) => {
          const userName = situation.accounts.find((account) => account.target === target.name)?.userName ?? '';
          return { target: target.name, trace: target.trace(worker, primary, userName) };
        });
  return {
    worker: situation.key,
    connection,
    situation,
    truth,
    policy,
    facts,
    attributes: facts === null || archived === null ? [] : attributesOf(archived.connection, facts),
    targets,
    because: await reasons(store, connection, situation, truth, policy, targets, now),
    entries: await store.audit.entriesOf(connection, situation.key),
    mapping: archived?.connection.digest ?? '',
  };
}

/** Somebody of whom nothing is on file, in any connection that is asked about. */
export async function explainUnknown(
  store: Store,
  worker: string,
  connections: readonly string[],
  now: Instant,
): Promise<Unknown> {
  const because: Because[] = [];
  for (const connection of connections) {
    const rejections = await rejectionsOf(store, connection, [worker]);
    because.push(...rejections.map((rejection) => rejected(connection, rejection)));
    if ((await store.pendingKeys(connection)).includes(worker)) because.push(pending(connection));
    because.push(...(await feedReasons(store, connection, now)));
  }
  if (because.length === 0 || because.every(({ code }) => code === 'unread')) {
    because.unshift({
      code: 'unknown',
      sentence: `no record of worker ${worker} was ever accepted: the key is HR’s, byte for byte; leading zeros count`,
      command: 'rollcall status',
    });
  }
  return { worker, because };
}

interface Archived {
  readonly connection: Connection;
  readonly mapping: BoundMapping | null;
}

async function archivedConnection(store: Store, name: string): Promise<Archived | null> {
  const [digest = ''] = (await acceptedMapping(store, name)).split('@');
  const text = digest === '' ? null : await store.mapping(digest);
  if (text === null) return null;
  const read = readConnection(`${name}.yaml`, text, { sha256 });
  if ('faults' in read) return null;
  const bound = read.connection.bind(await store.lastGoodColumns(name));
  return { connection: read.connection, mapping: 'faults' in bound ? null : bound.mapping };
}

/** The archive is canonical JSON: members of `worker` and of `worker.attributes` with their expressions. */
function attributesOf(connection: Connection, facts: Employment): Explanation['attributes'] {
  const { worker } = JSON.parse(connection.text) as { worker: Record<string, unknown> };
  const { attributes = {}, ...members } = worker;
  const own: Record<string, unknown> = { ...facts, id: facts.id };
  const shown = (value: unknown): string =>
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return [
    ...Object.entries(members).map(([name, expression]) => ({
      name,
      expression: shown(expression),
      value: shown(own[name]),
    })),
    ...Object.entries(attributes as Record<string, unknown>).map(([name, expression]) => ({
      name,
      expression: shown(expression),
      value: shown(facts.attributes[name]),
    })),
  ];
}

// ── why nothing happens ─────────────────────────────────────────────────────────────────────────────────────────────

async function reasons(
  store: Store,
  connection: string,
  situation: Situation,
  truth: Truth,
  policy: LifecyclePolicy,
  targets: readonly TracedTarget[],
  now: Instant,
): Promise<readonly Because[]> {
  const { key, employments } = situation;
  const found: Because[] = [];
  const ids = [key, ...employments.map(({ id }) => id)];
  for (const rejection of await rejectionsOf(store, connection, ids)) found.push(rejected(connection, rejection));
  found.push(...(await heldReasons(store, connection, key, now)));
  if ((await store.pendingKeys(connection)).includes(key)) found.push(pending(connection));
  found.push(...standingReasons(situation, truth, policy, now));
  found.push(...(await deliveryReasons(store, connection, situation, now)));
  for (const { target, trace } of targets) {
    for (const { group, because, name, applies } of trace.groups)
      if (applies && group === '' && because !== '')
        found.push({ code: 'group-blank', sentence: `no group at ${target} from ${name}: ${because}`, command: '' });
  }
  found.push(...(await feedReasons(store, connection, now)));
  const doubt = await readClockDoubt(store);
  if (doubt !== null) {
    found.push({
      code: 'clock',
      sentence: `the clock jumped from ${doubt.lastSeen} by more than a day: what is due by date waits until a target agrees`,
      command: 'rollcall approve clock --reason "…"',
    });
  }
  if (found.length === 0) {
    found.push({
      code: 'as-it-shall-be',
      sentence: 'nothing is to be done: every account is as the facts on file want it',
      command: `rollcall worker ${key}`,
    });
  }
  return found;
}

const rejected = (connection: string, { reason, code, place }: Rejection): Because => ({
  code: 'rejected',
  sentence: `HR’s record of ${connection} was rejected (${code}${place.line === undefined ? '' : `, line ${place.line}`}): ${reason}. What was known before stays`,
  command: 'rollcall status --rejections',
});

const pending = (connection: string): Because => ({
  code: 'pending',
  sentence: `what the last delta of ${connection} said of this worker waits to be judged again`,
  command: 'rollcall holds',
});

async function rejectionsOf(store: Store, connection: string, ids: readonly string[]): Promise<readonly Rejection[]> {
  const rejections = await store.rejections(connection, REJECTIONS);
  return rejections.filter(({ key }) => key !== null && ids.includes(key));
}

async function heldReasons(store: Store, connection: string, key: string, now: Instant): Promise<readonly Because[]> {
  const found: Because[] = [];
  const [holds, discards] = await Promise.all([store.holds(connection, HOLD_ITEMS), store.discards(connection, now)]);
  for (const hold of holds) {
    if (hold.kind === 'feed') found.push(feedHeld(hold));
    const item = hold.items.find(({ harm }) => harm.workerKey === key);
    if (item === undefined) continue;
    const aside = discards.has(item.digest) || hold.discardedBy !== null;
    found.push({
      code: aside ? 'discarded' : 'held',
      sentence: aside
        ? `“${item.harm.operation}” was set aside${hold.discardedBy === null ? '' : ` by ${hold.discardedBy}`}: it stays undone until it is released or comes back`
        : `a guard holds “${item.harm.operation}” (${hold.kind}): ${hold.reason}`,
      command: `rollcall approve ${hold.digest.slice(0, 12)} --reason "…"`,
    });
  }
  return found;
}

const feedHeld = (hold: Hold): Because => ({
  code: 'feed-held',
  sentence: `the whole delivery is held: ${hold.reason}. Only leavers whose own row is beyond doubt go on`,
  command: `rollcall approve ${hold.digest.slice(0, 12)} --reason "…"`,
});

/** The command that mends it, or shows more. */
const blockedBy = (gate: string, key: string): string =>
  gate === 'sticky'
    ? `rollcall lift ${key} --reason "…"`
    : gate === 'protected'
      ? 'rollcall holds'
      : `rollcall worker ${key}`;

function standingReasons(
  situation: Situation,
  truth: Truth,
  policy: LifecyclePolicy,
  now: Instant,
): readonly Because[] {
  const { key, standing, employments, suspicion } = situation;
  const found: Because[] = [];
  const say = (code: string, sentence: string, command = ''): void => void found.push({ code, sentence, command });
  for (const alert of truth.alerts) {
    const gate = truth.blocked;
    say(gate === null ? 'alert' : `blocked-${gate}`, alert, gate === null ? '' : blockedBy(gate, key));
  }
  const outside = employments.length > 0 && employments.every((one) => !inForceAt(one, now).inScope);
  if (outside) {
    say('out-of-scope', `the record is out of scope of the connection (scope); scopeExit is ${policy.scopeExit}`);
  }
  if (suspicion !== null) {
    const leaves =
      suspicion.latestStrong !== null
        ? 'a second complete delivery at least 20 hours later proves it'
        : 'nothing follows from it without approval, because the deliveries do not prove that they are complete';
    say('absent', `absent from deliveries since ${suspicion.since}: ${leaves}`, 'rollcall holds');
  }
  const [next] = forecast(standing, employments, now, policy);
  if (next !== undefined && !outside) {
    const code =
      standing.stage === 'expected' || standing.stage === 'preboarding' ? 'waits-for-start' : 'waits-for-date';
    say(
      code,
      `the next moment at which something happens by itself is ${next.at}: ${next.from} → ${next.to}`,
      `rollcall worker ${key}`,
    );
  }
  if (standing.stage === 'onLeave' && policy.onLeave === 'keep')
    say('on-leave', 'on leave of absence: the account stays active, because lifecycle.onLeave is keep');
  return found;
}

async function deliveryReasons(
  store: Store,
  connection: string,
  situation: Situation,
  now: Instant,
): Promise<readonly Because[]> {
  const { key, accounts } = situation;
  const found: Because[] = [];
  for (const { target, managerOwed } of accounts) {
    if (managerOwed !== '')
      found.push({
        code: 'waits-for-manager',
        sentence: `at ${target} the reference to manager ${managerOwed} waits until that worker has an account there`,
        command: `rollcall explain ${managerOwed}`,
      });
  }
  const open = await store.operations({ connection, workerKey: key, limit: 200 });
  const failures = await readFailures(store, { connection, worker: key }, now);
  for (const failure of failures) found.push(failed(failure));
  const [stops, states, unmet] = await Promise.all([
    readStops(store),
    readDispatchStates(store),
    readUnmet(store, connection),
  ]);
  for (const { kind, target, state, notBefore } of open)
    if (state === 'accepted')
      found.push({
        code: 'accepted',
        sentence: `${kind} at ${target} was taken in, and what became of it is not known yet; from ${notBefore} on it is sent again`,
        command: `rollcall worker ${key}`,
      });
  const waiting = open.filter(({ state }) => state === 'queued' || state === 'sending');
  for (const target of new Set(waiting.map((one) => one.target))) {
    const kinds = [...new Set(waiting.filter((one) => one.target === target).map(({ kind }) => kind))].join(', ');
    const stop = stops[ALL_TARGETS] ?? stops[target];
    const state = states[target];
    if (stop !== undefined)
      found.push({
        code: 'stopped',
        sentence: `writes to ${target} were stopped by ${stop.by} (${stop.reason}): ${kinds} waits`,
        command: `rollcall resume-writes${stops[ALL_TARGETS] === undefined ? ` --target ${target}` : ''} --reason "…"`,
      });
    else if (state !== undefined && state.state !== 'closed')
      found.push({
        code: 'target-down',
        sentence: `${target} cannot be used since ${state.since} (${state.why}): ${kinds} waits${state.nextTryAt === null ? '' : `, next try ${state.nextTryAt}`}`,
        command: 'rollcall status',
      });
    else
      found.push({
        code: 'queued',
        sentence: `${kinds} at ${target} is on its way`,
        command: `rollcall worker ${key}`,
      });
  }
  for (const { target, reason } of unmet)
    found.push({
      code: 'target-unmet',
      sentence: `${target} has never been listed, so nobody is planned there: ${reason}`,
      command: 'rollcall status',
    });
  return found;
}

function failed({ operation, cause, skip, leaver }: Failure): Because {
  const words = operation.lastOutcome?.detail ?? '';
  const said = `${operation.kind} at ${operation.target} ${leaver ? 'is refused' : 'failed'}: ${[cause.status, cause.code, words].filter((part) => part !== null && part !== '').join(' ')}`;
  if (skip !== null)
    return {
      code: 'skipped',
      sentence: `${said}; set aside by ${skip.by} until ${skip.until}: ${skip.reason}`,
      command: 'rollcall failed',
    };
  const code =
    cause.code === 'protected-account'
      ? 'protected-account'
      : cause.code === 'ambiguous-match'
        ? 'ambiguous-match'
        : 'failed';
  if (code === 'ambiguous-match' || cause.code === 'weak-match')
    return {
      code,
      sentence: `${said}. In place of ACCOUNT give the id of the right one`,
      command: `rollcall pair ${operation.workerKey} ACCOUNT --target ${operation.target} --connection ${operation.connection} --reason "…"`,
    };
  return {
    code,
    sentence: said,
    command: `rollcall replay --cause ${cause.id} --connection ${operation.connection} --reason "…"`,
  };
}

async function feedReasons(store: Store, connection: string, now: Instant): Promise<readonly Because[]> {
  const [[cycle], checkpoint] = await Promise.all([store.cycles(connection, 1), store.checkpoint(connection)]);
  const found: Because[] = [];
  if (cycle?.state === 'refused')
    found.push({
      code: 'feed-refused',
      sentence: `the last delivery of ${connection} had no effect: ${String(cycle.summary.reason ?? '')}`,
      command: 'rollcall status',
    });
  if (checkpoint === null)
    found.push({ code: 'unread', sentence: `no delivery of ${connection} was accepted yet`, command: 'rollcall sync' });
  else if (checkpoint.readAt < plusMs(now, -READ_WITHIN_MS))
    found.push({
      code: 'unread',
      sentence: `the feed of ${connection} was read last ${Math.floor((msOf(now) - msOf(checkpoint.readAt)) / DAY_MS)} day(s) ago, at ${checkpoint.readAt}: what HR has said since is not known`,
      command: `rollcall sync ${connection}`,
    });
  return found;
}
