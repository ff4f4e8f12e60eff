// What a person asks for, the same for a command and for the daemon that finds the act in the store. Every act carries who
// and why; the audit keeps both.
import { HOUR_MS, type Instant, instantOf, plusMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { EXIT, Problem } from '../base/problem.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { nowOf } from '../runtime/clock.ts';
import { crashText } from '../runtime/crash-text.ts';
import type { NewAct } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import { judgeOnFile } from './calendar.ts';
import { carryOut } from './carry-out.ts';
import { believe, readClockDoubt } from './clock-watch.ts';
import { setAside } from './emergencies-aside.ts';
import { eraseAct } from './erase.ts';
import { type House, type LiveConnection, lookNow } from './house.ts';
import { limitsApprovedKey } from './limits-in-force.ts';
import { pairAct } from './pair.ts';
import { worthProof } from './proof.ts';
import { reconcileAct } from './reconcile-act.ts';
import { carryOutRekey, rekeyAct } from './rekey.ts';
import { replayAct, skipAct } from './replay.ts';
import { sealAct } from './seal.ts';
import { ALL_TARGETS, readStops, STOPS_KEY, withoutStop, withStop } from './stop-writes.ts';
import { unpairAct } from './unpair.ts';

export type { ActResult } from './act-result.ts';

export const ACT_KINDS = [
  'approve',
  'discard',
  'leave',
  'lift',
  'stop-writes',
  'resume-writes',
  'sync',
  'pair',
  'unpair',
  'erase',
  'rekey',
  'seal',
  'reconcile',
  'replay',
  'skip',
] as const;
export type ActKind = (typeof ACT_KINDS)[number];

/** How long an approval lasts unless it says otherwise. */
export const APPROVAL_HOURS = 4;
/** Longer than this nobody remembers what was approved. */
export const APPROVAL_HOURS_MAX = 72;

/**
 * Carries out an act. A Problem becomes a result, since the one who asked may be in another process; so does the end of this one, which
 * cuts off what asks a target.
 */
export async function performAct(
  house: House,
  act: NewAct,
  signal: AbortSignal = new AbortController().signal,
): Promise<ActResult> {
  try {
    return await perform(house, act, signal);
  } catch (error) {
    if (error instanceof Problem)
      return { ok: false, message: error.message, exitCode: error.exitCode, faults: error.faults };
    if (!signal.aborted) throw error;
    const message = `${act.kind} was cut off, for the process that did it ends`;
    house.log.warn({ code: CUT_OFF, what: act.kind, stack: crashText(error) }, 'an act was cut off');
    const faults = [{ code: CUT_OFF, message, hint: 'what was stored stands; ask again' }];
    return { ok: false, message, exitCode: EXIT.failed, faults };
  }
}

const CUT_OFF = 'act.cut-off';

async function perform(house: House, act: NewAct, signal: AbortSignal): Promise<ActResult> {
  if (act.reason.trim() === '' || act.by.trim() === '') {
    throw new Problem({
      code: 'act.unsigned',
      message: `${act.kind} needs to know who asks and why`,
      hint: 'give --as NAME (or ROLLCALL_OPERATOR) and --reason TEXT',
    });
  }
  const now = nowOf(house.clock);
  switch (act.kind as ActKind) {
    case 'approve':
      return approve(house, act, now);
    case 'discard': {
      const hold = await house.store.discard({ ...release(act, now) });
      const open = await house.store.holds(hold.connection, Number.MAX_SAFE_INTEGER);
      await setAside(
        house.store,
        open.filter(({ digest }) => digest === hold.digest),
        hold.connection,
        act.by,
        now,
      );
      await acted(house, act, hold.connection, null, { hold: hold.kind, digest: hold.digest });
      // No feed says again what only a list of ours asked for.
      if (hold.kind === 'rekey') {
        const closed = { kind: hold.kind, reason: 'discarded', items: [] };
        await house.store.commit({ connection: hold.connection, at: now, holds: [closed] });
        return done(`${hold.itemCount} key(s) of ${hold.connection} stay as they are`);
      }
      return done(
        `set aside ${hold.itemCount} item(s) of hold ${hold.kind} of ${hold.connection} for 30 days; they stay visible`,
      );
    }
    case 'leave':
      return order(house, act, (seen) => ({ type: 'emergencyLeaveOrdered', by: 'operator', ...seen }));
    case 'lift':
      return order(house, act, (seen) => ({ type: 'emergencyLeaveLifted', ...seen }));
    case 'stop-writes': {
      const target = await stoppable(house, text(act, 'target'));
      const stop = {
        exceptLeavers: act.args.exceptLeavers === true,
        by: act.by,
        reason: act.reason,
        at: now as string,
      };
      await house.store.saveSetting(STOPS_KEY, withStop(await readStops(house.store), target, stop));
      await acted(house, act, null, null, { target, exceptLeavers: stop.exceptLeavers });
      return done(
        `writes to ${target === ALL_TARGETS ? 'every target' : target} are stopped${stop.exceptLeavers ? ', leavers excepted' : ', LEAVERS TOO'}`,
      );
    }
    case 'resume-writes': {
      const target = await stoppable(house, text(act, 'target'));
      const stops = withoutStop(await readStops(house.store), target);
      await house.store.saveSetting(STOPS_KEY, stops);
      await acted(house, act, null, null, { target });
      house.outboxFilled.ring();
      if (ALL_TARGETS in stops)
        return done(`writes to ${target} wait on: every target is stopped; rollcall resume-writes`);
      return done(`writes to ${target === ALL_TARGETS ? 'every target' : target} go on`);
    }
    case 'pair':
      return pairAct(house, await connectionOf(house, text(act, 'worker'), text(act, 'connection')), act, signal);
    case 'unpair':
      return unpairAct(house, await connectionOf(house, text(act, 'worker'), text(act, 'connection')), act, signal);
    case 'erase':
      return eraseAct(house, await connectionOf(house, text(act, 'worker'), text(act, 'connection')), act, signal);
    case 'rekey':
      return rekeyAct(house, onlyConnection(house, text(act, 'connection')), act);
    case 'seal':
      return sealAct(house, act, signal);
    case 'reconcile':
      return reconcileAct(house, act, signal);
    case 'replay':
      return replayAct(house, act);
    case 'skip':
      return skipAct(house, act);
    case 'sync': {
      const wanted = text(act, 'connection');
      for (const live of connections(house, wanted)) lookNow(live);
      return done('the running daemon was told to look now');
    }
    default:
      throw new Problem({ code: 'act.unknown', message: `there is no act named ${act.kind}` });
  }
}

const done = (message: string, details?: JsonObject): ActResult => ({
  ok: true,
  message,
  exitCode: EXIT.fine,
  ...(details === undefined ? {} : { details }),
});

const text = (act: NewAct, name: string): string => {
  const value = act.args[name];
  return typeof value === 'string' ? value : '';
};

/** @throws Problem for a name that no target bears: a stop that stops nothing would be believed. */
async function stoppable(house: House, wanted: string): Promise<string> {
  if (wanted === '') return ALL_TARGETS;
  const names = new Set(Object.keys(await readStops(house.store)).filter((name) => name !== ALL_TARGETS));
  for (const { targets } of house.connections.values()) for (const name of targets.keys()) names.add(name);
  // A stop works while a connection file is broken: then those count that accounts are known of.
  if (house.connections.size === 0) {
    for (const { connection } of (await house.store.overview()).connections)
      for (const name of await house.store.targetsOf(connection)) names.add(name);
  }
  if (names.has(wanted)) return wanted;
  throw new Problem({
    code: 'target.unknown',
    message: `there is no target named ${wanted}: nothing was changed`,
    hint: names.size === 0 ? 'without a target all of them are meant' : `targets are ${[...names].sort().join(', ')}`,
  });
}

const release = (act: NewAct, at: Instant) => ({
  digest: text(act, 'digest'),
  reason: act.reason,
  by: act.by,
  osUser: act.osUser,
  channel: act.channel,
  at,
});

/** Releases what is held now; what changed since falls out when it is judged again. */
async function approve(house: House, act: NewAct, now: Instant): Promise<ActResult> {
  const hours = Number(act.args.hours ?? APPROVAL_HOURS);
  if (!(hours > 0 && hours <= APPROVAL_HOURS_MAX)) {
    throw new Problem({
      code: 'act.hours',
      message: `an approval lasts more than 0 and at most ${APPROVAL_HOURS_MAX} hours`,
    });
  }
  if (text(act, 'digest') === CLOCK) return approveClock(house, act, now);
  const raised = mappingOf(house, text(act, 'digest'));
  if (raised !== null) return approveLimits(house, act, raised);
  const expiresAt = plusMs(now, hours * HOUR_MS);
  const hold = await house.store.approve({ ...release(act, now), expiresAt });
  worthProof(house, 'release');
  await acted(house, act, hold.connection, null, {
    hold: hold.kind,
    digest: hold.digest,
    items: hold.itemCount,
    expiresAt,
  });
  const live = house.connections.get(hold.connection);
  if (hold.kind === 'rekey') {
    const [asked] = connections(house, hold.connection);
    if (asked !== undefined) return done(await carryOutRekey(house, asked, hold, act), { connection: hold.connection });
  }
  if (live !== undefined) lookNow(live);
  return done(`released ${hold.itemCount} item(s) of hold ${hold.kind} of ${hold.connection} until ${expiresAt}`, {
    connection: hold.connection,
    kind: hold.kind,
    digest: hold.digest,
    expiresAt,
  });
}

/** What is approved in place of a hold where no target can say what time it is. */
const CLOCK = 'clock';

async function approveClock(house: House, act: NewAct, now: Instant): Promise<ActResult> {
  const doubt = await readClockDoubt(house.store);
  if (doubt === null) throw new Problem({ code: 'clock.believed', message: 'nothing is in doubt about the clock' });
  await believe(house);
  await acted(house, act, null, null, { clock: now, lastSeen: doubt.lastSeen });
  for (const live of house.connections.values()) lookNow(live);
  return done(`the clock is right: it is ${now}; what waited for it is judged now`, { clock: now });
}

/** A mapping may lower limits by itself; raising them counts once a person has approved that very file. */
async function approveLimits(house: House, act: NewAct, live: LiveConnection): Promise<ActResult> {
  const { name, digest } = live.connection;
  await house.store.saveSetting(limitsApprovedKey(name), digest);
  await acted(house, act, name, null, { mapping: digest });
  return done(`the limits and the worker.id that connection ${name} sets count from now on, until its file changes`, {
    connection: name,
    digest,
  });
}

/** Shorter beginnings are too easily mistyped. */
const DIGEST_BEGINNING_MIN = 8;

function mappingOf(house: House, beginning: string): LiveConnection | null {
  if (beginning.length < DIGEST_BEGINNING_MIN) return null;
  return [...house.connections.values()].find(({ connection }) => connection.digest.startsWith(beginning)) ?? null;
}

/** After an approval: workers whose hold came from the calendar are judged again without waiting for the feed. */
export async function judgeHeld(house: House, live: LiveConnection): Promise<void> {
  const holds = await house.store.holds(live.connection.name, Number.MAX_SAFE_INTEGER);
  const keys = [...heldWorkers(holds)];
  if (keys.length > 0) await judgeOnFile(house, live, keys, 'operator');
}

async function order(
  house: House,
  act: NewAct,
  event: (seen: { now: Instant; asOf: Instant }) => LifecycleEvent,
): Promise<ActResult> {
  const key = text(act, 'worker');
  const live = await connectionOf(house, key, text(act, 'connection'));
  const { name } = live.connection;
  const result = await carryOut(house, live, key, `operator:${act.by}`, event);
  if (result.kind === 'refused') {
    throw new Problem(
      { code: `act.${result.code}`, message: `${act.kind} of worker ${key} was refused: ${result.reason}` },
      EXIT.failed,
    );
  }
  if (result.kind === 'overtaken') {
    throw new Problem(
      {
        code: 'act.overtaken',
        message: `${act.kind} of worker ${key} was NOT stored: other changes kept overtaking it`,
        hint: 'give the order again',
      },
      EXIT.failed,
    );
  }
  const { from, to, operations } = result;
  await acted(house, act, name, key, { from, to });
  if (result.kind === 'held') {
    return {
      ok: false,
      message: `${act.kind} of worker ${key} is held by a guard: see rollcall holds`,
      exitCode: EXIT.held,
    };
  }
  return done(`worker ${key}: ${from} → ${to}, ${operations} operation(s) on the way`, {
    worker: key,
    connection: name,
  });
}

async function connectionOf(house: House, key: string, wanted: string): Promise<LiveConnection> {
  const found: LiveConnection[] = [];
  for (const live of connections(house, wanted)) {
    if ((await house.store.situations(live.connection.name, [key])).has(key)) found.push(live);
  }
  const [only, other] = found;
  if (only === undefined) await refuseFormer(house, key, wanted);
  if (only === undefined)
    throw new Problem({
      code: 'worker.unknown',
      message: `no worker ${key}${wanted === '' ? '' : ` in ${wanted}`}`,
      hint: `the key is HR’s, byte for byte; leading zeros count; rollcall explain ${key} looks for reasons`,
    });
  if (other !== undefined)
    throw new Problem({
      code: 'worker.ambiguous',
      message: `several connections know a worker ${key}`,
      hint: 'say which one with --connection',
    });
  return only;
}

/** @throws Problem where HR has given the worker another key since. */
async function refuseFormer(house: House, key: string, wanted: string): Promise<void> {
  for (const { connection } of connections(house, wanted)) {
    const now = (await house.store.formerKeys(connection.name)).get(key);
    if (now === undefined) continue;
    throw new Problem({
      code: 'worker.re-keyed',
      message: `worker ${key} of ${connection.name} is ${now} since HR changed the key`,
      hint: `give the order again for ${now}`,
    });
  }
}

function onlyConnection(house: House, wanted: string): LiveConnection {
  const [only, other] = connections(house, wanted);
  if (only !== undefined && other === undefined) return only;
  throw new Problem({
    code: 'connection.which',
    message: 'there are several connections',
    hint: `say which one with --connection: ${[...house.connections.keys()].join(', ')}`,
  });
}

export function connections(house: House, wanted: string): readonly LiveConnection[] {
  if (wanted === '') return [...house.connections.values()];
  const live = house.connections.get(wanted);
  if (live === undefined) {
    throw new Problem({
      code: 'connection.unknown',
      message: `there is no connection named ${wanted}`,
      hint: `connections are ${[...house.connections.keys()].join(', ')}`,
    });
  }
  return [live];
}

async function acted(
  house: House,
  act: NewAct,
  connection: string | null,
  workerKey: string | null,
  body: JsonObject,
): Promise<void> {
  const at = nowOf(house.clock);
  await house.store.commit({
    connection: connection ?? '',
    at,
    entries: [
      {
        kind: 'act',
        connection,
        workerKey,
        actor: `operator:${act.by}`,
        body: { act: act.kind, reason: act.reason, osUser: act.osUser, channel: act.channel, ...body },
      },
    ],
  });
}

/** For commands that give a moment: `2026-12-24` or a full instant. @throws Problem when it is neither. */
export function momentOf(textGiven: string): Instant {
  try {
    return instantOf(textGiven.length === 10 ? `${textGiven}T12:00:00Z` : textGiven);
  } catch {
    throw new Problem({
      code: 'usage.date',
      message: `${textGiven} is no date`,
      hint: 'write YYYY-MM-DD or a full ISO instant',
    });
  }
}
