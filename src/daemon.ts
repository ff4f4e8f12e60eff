// Opens the house and closes it: the only place where parts are put together. Tests, commands and the daemon open the same one.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createSecureContext } from 'node:tls';
import { type Fault, Problem } from './base/problem.ts';

import type { Config } from './config.ts';
import { fileWatch, loadConnections } from './connections.ts';
import { credentialEnds } from './credential-ends.ts';
import { apiTokens } from './http/api/tokens.ts';
import { hookEndpoints } from './http/hooks/endpoint.ts';
import { buildServer } from './http/server.ts';
import { type AlertSettings, readAlertSettings } from './mapping/alert-settings.ts';
import type { Connection } from './mapping/connection-file.ts';
import { openSource } from './open-source.ts';
import { memoryOf, openTarget } from './open-target.ts';
import { actsLoop } from './pipeline/acts-loop.ts';
import { alertLoop } from './pipeline/alert-loop.ts';
import { tickCalendar } from './pipeline/calendar.ts';
import { ASKED_EVERY_MS } from './pipeline/clock-watch.ts';
import { payDebts } from './pipeline/debts.ts';
import { watchDisk } from './pipeline/disk-watch.ts';
import { type Dispatch, startDispatch } from './pipeline/dispatch.ts';
import { eventLoops } from './pipeline/events.ts';
import { watchFeeds } from './pipeline/feed-watch.ts';
import { movedFaults } from './pipeline/first-contact.ts';
import { Bell, type House, type LiveConnection, type LiveFurther, type Proof } from './pipeline/house.ts';
import { type CycleReport, runCycle } from './pipeline/intake.ts';
import { watchLeft } from './pipeline/left-watch.ts';
import { judgeHeld } from './pipeline/operator.ts';
import { PlansUnderWay } from './pipeline/plans-under-way.ts';
import { proofLoop, writeProof } from './pipeline/proof.ts';
import { readingsOf } from './pipeline/readings.ts';
import { reconcileBySchedule } from './pipeline/reconcile-slots.ts';
import { sealLoop } from './pipeline/seal.ts';
import { watchSeals } from './pipeline/seal-watch.ts';
import { readStops, stopsWrite } from './pipeline/stop-writes.ts';
import { Turn } from './pipeline/turn.ts';
import { watermarkOf } from './pipeline/watermark.ts';
import { openChannels } from './runtime/alert-channels.ts';
import { type Clock, nowOf, systemClock } from './runtime/clock.ts';
import { DiskReserve } from './runtime/disk-reserve.ts';
import { diskRoom } from './runtime/disk-room.ts';
import { type Logger, openLog } from './runtime/log.ts';
import { Meter } from './runtime/meter.ts';
import { ProofLog, readSigningKey } from './runtime/proof.ts';
import { openSchedule } from './runtime/schedule.ts';
import { openSlots, type Slots } from './slots.ts';
import { acquireLock, lockHolder, openStore, type Store, type StoreOptions } from './store/store.ts';
import { VERSION } from './version.ts';

export interface OpenOptions {
  readonly config: Config;
  /** Only this connection; '' means all. */
  readonly connection?: string;
  /** These, instead of reading connection files. */
  readonly connections?: readonly Connection[];
  readonly clock?: Clock;
  /** In [0, 1); spreads waits. */
  readonly random?: () => number;
  readonly log?: Logger;
  /** `write` takes the lock of the state folder; `read` opens what is there; `memory` an empty store for `plan` before the first run. */
  readonly mode: Exclude<StoreOptions['mode'], 'guest'>;
  /** Whether a thread of its own writes the store; default: yes where time is the system's. */
  readonly storeThread?: boolean;
  /** Whether a jump of the clock needs a target that agrees; default: yes where time is the system's. */
  readonly watchClock?: boolean;
  /** Without reading connection files: for acts on the house as a whole, which must work while a file is broken. */
  readonly withoutConnections?: boolean;
  /** Free bytes under the state folder; default: as the system says. */
  readonly diskRoom?: () => Promise<number | null>;
  /** What the lock says of us, e.g. `run`. */
  readonly command: string;
}

export interface OpenHouse extends House, AsyncDisposable {
  readonly close: () => Promise<void>;
}

export async function openHouse(options: OpenOptions): Promise<OpenHouse> {
  const { config } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const log = options.log ?? openLog(config.logLevel);
  const connections =
    options.connections ?? (options.withoutConnections === true ? [] : loadConnections(config, options.connection));
  const room =
    options.mode === 'write' ? (options.diskRoom ?? diskRoom(config.stateDir, clock.nowMs)) : async () => null;
  const disk = new DiskReserve({ dir: config.stateDir, room, log });
  await using stack = new AsyncDisposableStack();
  if (options.mode === 'write') {
    mkdirSync(config.stateDir, { recursive: true });
    await disk.look();
    const since = nowOf(clock);
    stack.use(
      await acquireLock(config.stateDir, { pid: process.pid, host: hostname(), command: options.command, since }),
    );
  }
  const store = stack.use(
    await openStore({
      dir: config.stateDir,
      mode: options.mode,
      thread: options.mode === 'write' && (options.storeThread ?? clock === systemClock),
      now: () => nowOf(clock),
      randomBytes: (length) => randomBytes(length),
    }),
  );
  const live = new Map<string, LiveConnection>();
  for (const connection of connections) {
    const targets = new Map(
      connection.targets.map((settings) => [
        settings.name,
        openTarget(settings, {
          config,
          clock,
          random,
          log,
          memory: memoryOf(store, settings.name),
          mayWrite: async () => !stopsWrite(await readStops(store), settings.name, false),
        }),
      ]),
    );
    for (const target of targets.values()) stack.defer(() => target.close());
    const accepted = {
      name: (await store.checkpoint(connection.name))?.name ?? null,
      watermark: await watermarkOf(store, connection.name),
    };
    const source = openSource(connection.source, { connection, config, clock, random, accepted });
    stack.defer(async () => source.close?.());
    const also: LiveFurther[] = [];
    for (const settings of connection.also) {
      const last = { name: (await store.furtherRead(connection.name, settings.name))?.name ?? null, watermark: null };
      const parts = { config, clock, random, accepted: last };
      const whose = { name: `${connection.name}.${settings.name}`, timeZone: connection.timeZone };
      const further = openSource(settings.source, { ...parts, connection: whose });
      stack.defer(async () => further.close?.());
      also.push({ settings, source: further, accepted: last });
    }
    const contacts = await Promise.all(connection.targets.map(({ name }) => store.contact(name)));
    const unmet = new Set(connection.targets.map(({ name }) => name).filter((_, index) => contacts[index] === null));
    const meetings = new Map<string, Promise<void>>();
    // What still lists a target when the house closes ends before the store does.
    stack.defer(async () => void (await Promise.allSettled(meetings.values())));
    live.set(connection.name, {
      connection,
      accepted,
      source,
      also,
      // Who brings connections of their own has no files that could change.
      edited: options.connections === undefined ? fileWatch(connection) : () => null,
      credentialEnds: () => credentialEnds(connection, config),
      targets,
      turn: new Turn(),
      plans: new PlansUnderWay(),
      beside: new Turn(),
      arrived: new Bell(),
      wake: new Bell(),
      unmet,
      meetings,
    });
  }
  if (options.mode === 'write') {
    const interrupted = await store.recoverSending();
    await store.recoverActs();
    if (interrupted > 0)
      log.warn(
        { operations: interrupted },
        'operations were in flight when the last process ended; they are looked up first',
      );
    if (options.withoutConnections !== true)
      await refuseAltered(store, options.connection === undefined || options.connection === '', live);
  }
  const proof = options.mode === 'write' ? openProof(config) : null;
  if (proof !== null) stack.use(proof.log);
  const parts = stack.move();
  const close = async (): Promise<void> => {
    try {
      await writeProof(house, 'stop');
    } catch (error) {
      // A store that cannot be read any more has said so to whoever wrote; the last checkpoint stands.
      log.error({ code: 'audit.checkpoint', error: (error as Error).name }, 'the last checkpoint was not written');
    } finally {
      await parts.disposeAsync();
    }
  };
  const house: OpenHouse = {
    store,
    meter: new Meter(),
    proof,
    stateDir: config.stateDir,
    disk,
    clock,
    random,
    log,
    connections: live,
    outboxFilled: new Bell(),
    watchesClock: options.mode === 'write' && (options.watchClock ?? (clock === systemClock || clock.doubted === true)),
    close,
    [Symbol.asyncDispose]: close,
  };
  return house;
}

function openProof({ proofDir, segmentsDir, auditKey }: Config): Proof {
  const key = auditKey === null ? null : readSigningKey(auditKey);
  const log = new ProofLog(proofDir, key);
  return { log, segmentsDir, due: new Bell(), why: 'interval', saidSeq: -1, saidAt: null, since: null };
}

/**
 * Removing or renaming a connection or a target in a file does nothing but stop with a message (design section 5). So does another base
 * URL: the ids on file would name nobody there, or somebody else.
 */
async function refuseAltered(
  store: Store,
  everything: boolean,
  live: ReadonlyMap<string, LiveConnection>,
): Promise<void> {
  const overview = await store.overview();
  const faults: Fault[] = overview.connections
    .filter(({ connection, workers }) => everything && workers > 0 && !live.has(connection))
    .map(({ connection, workers }) => ({
      code: 'connection.vanished',
      message: `connection ${connection} has ${workers} worker(s) on file, but no connection file any more`,
      hint: 'bring the file back under its name; nobody is changed until then',
    }));
  for (const one of live.values()) {
    const known = await store.targetsOf(one.connection.name);
    for (const target of known.filter((name) => !one.targets.has(name))) {
      faults.push({
        code: 'target.vanished',
        message: `connection ${one.connection.name} has accounts at target ${target}, which its file does not name any more`,
        hint: 'bring the target back under its name; nobody is changed until then',
      });
    }
    for (const target of one.targets.values()) faults.push(...movedFaults(target, await store.contact(target.name)));
  }
  if (faults.length > 0) throw new Problem(faults);
}

// ── the daemon ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The source is looked at at least this often, whatever the schedule missed (clock changes, a host asleep). */
const LOOK_AT_LEAST_MS = 3_600_000;
/** The calendar never sleeps longer, so that a corrected clock is noticed. */
const CALENDAR_AT_LEAST_MS = 60_000;
const DEBTS_EVERY_MS = 5_000;

export interface RunningDaemon {
  readonly url: string;
  /** Resolves when the daemon has stopped; rejects for a bug or a store in doubt. */
  readonly stopped: Promise<void>;
  /** The report of every cycle, for `demo` and tests. */
  readonly onCycle: (listener: (report: CycleReport) => void) => void;
  readonly dispatch: Dispatch;
}

/** Runs every connection of the house until the signal aborts, then stops gracefully. The house stays open. */
export async function runDaemon(house: House, config: Config, signal: AbortSignal): Promise<RunningDaemon> {
  const fail = new AbortController();
  const inner = AbortSignal.any([signal, fail.signal]);
  const listeners: ((report: CycleReport) => void)[] = [];
  // Whatever a person has to put right is found before anything runs.
  const alerts = alertsOf(config);
  await using opened = new AsyncDisposableStack();
  const channels = alerts === null ? null : opened.use(openChannels(alerts, config.environment));
  const server = buildServer({
    version: VERSION,
    readiness: () => readinessOf(house),
    metrics: async () => ({
      type: house.meter.contentType,
      text: await house.meter.text(await readingsOf(house, VERSION)),
    }),
    hooks: hookEndpoints(house, config.environment),
    diskRoom: async () => (await house.disk.room()) ?? 0,
    tls: tlsOf(config),
    token: config.http.token,
    behindProxy: config.http.behindProxy,
    api: {
      house,
      version: VERSION,
      holder: await lockHolder(house.stateDir),
      tokens: apiTokens(config.http.api, config.environment),
    },
  });
  let url: string;
  try {
    url = await server.listen({ host: config.http.host, port: config.http.port });
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    throw new Problem({
      code: 'http.listen',
      message: `cannot listen on ${config.http.host}:${config.http.port} (${code})`,
      hint: 'choose another port with --port or ROLLCALL_HTTP_PORT; 0 lets the system choose',
    });
  }
  const dispatch = startDispatch(house, inner);
  const loops: Promise<void>[] = [
    dispatch.stopped,
    actsLoop(house, inner),
    proofLoop(house, inner),
    sealLoop(house, config.auditKeepDays, inner),
    watchSeals(house, inner),
    watchFeeds(house, inner),
    watchDisk(house, inner),
  ];
  if (alerts !== null && channels !== null) loops.push(alertLoop(house, alerts, channels, inner));
  const jobs = [];
  for (const live of house.connections.values()) {
    const { connection } = live;
    const slots = slotsOf(live);
    jobs.push(...slots);
    live.source.watch(() => live.wake.ring(), inner);
    for (const { source } of live.also) source.watch(() => live.wake.ring(), inner);
    loops.push(
      intakeLoop(house, live, slots, inner, (report) => {
        for (const listener of listeners) listener(report);
      }),
      calendarLoop(house, live, inner),
      debtsLoop(house, live, dispatch, inner),
      ...(connection.webhooks.length > 0 ? [eventLoops(house, live, inner)] : []),
      watchLeft(house, live, inner),
    );
    const reconciliations = reconcileBySchedule(house, live, inner);
    jobs.push(...reconciliations);
    loops.push(...reconciliations.map(({ stopped }) => stopped));
  }
  const running = opened.move();
  house.log.info({ url, version: VERSION, connections: house.connections.size }, 'rollcall runs');
  const guarded = loops.map((loop) =>
    loop.catch((error: unknown) => {
      fail.abort();
      throw error;
    }),
  );
  const stopped = (async (): Promise<void> => {
    const results = await Promise.allSettled(guarded);
    for (const job of jobs) await job.stop();
    await server.close();
    await running.disposeAsync();
    house.log.info('rollcall stopped');
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  })();
  return { url, stopped, onCycle: (listener) => void listeners.push(listener), dispatch };
}

/** @throws Problem when a file cannot be read. */
function tlsOf({ http: { tls } }: Config): { readonly cert: string; readonly key: string } | null {
  if (tls === null) return null;
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      throw new Problem({
        code: 'config.http-tls',
        message: `the file ${file} of the server's certificate or key cannot be read`,
        hint: 'ROLLCALL_HTTP_TLS_CERT and ROLLCALL_HTTP_TLS_KEY name PEM files',
      });
    }
  };
  const pair = { cert: read(tls.cert), key: read(tls.key) };
  try {
    createSecureContext(pair);
  } catch {
    // The reason may quote the key.
    throw new Problem({
      code: 'config.http-tls',
      message: `${tls.cert} and ${tls.key} are no certificate and its key`,
      hint: 'ROLLCALL_HTTP_TLS_CERT and ROLLCALL_HTTP_TLS_KEY name PEM files that belong together',
    });
  }
  return pair;
}

async function readinessOf(house: House): Promise<{ ready: boolean; reasons: readonly string[] }> {
  try {
    await house.store.queueDepths();
    return { ready: true, reasons: [] };
  } catch {
    return { ready: false, reasons: ['the store does not answer'] };
  }
}

/** When the sources of a connection are looked at. */
const slotsOf = ({ connection, source, also, wake }: LiveConnection): readonly Slots[] => {
  const deps = {
    schedule: (cron: string, come: () => void) => openSchedule(cron, come, { timezone: connection.timeZone }),
    // Schedules go by the system's clock, whatever clock the house goes by.
    nowMs: systemClock.nowMs,
    ring: () => wake.ring(),
  };
  return [
    openSlots(source, connection.source, deps),
    ...also.map((further) => openSlots(further.source, further.settings.source, deps)),
  ];
};

/** Whether behind one delivery the next may wait already. */
const bringsSeveral = ({ source }: Connection): boolean =>
  source.content === 'delta' || (source.kind === 'http' && source.changes !== undefined);

/** @throws Problem with every fault of the file. */
function alertsOf({ alertsFile }: Config): AlertSettings | null {
  if (alertsFile === null) return null;
  let text: string;
  try {
    text = readFileSync(alertsFile, 'utf8');
  } catch {
    throw new Problem({
      code: 'alerts.unreadable',
      message: `the file ${alertsFile} of ROLLCALL_ALERTS cannot be read`,
    });
  }
  const read = readAlertSettings(alertsFile, text);
  if ('faults' in read) throw new Problem(read.faults);
  return read.settings;
}

/** A delta that was read to its end, whatever of it waits. */
const READ: ReadonlySet<CycleReport['kind']> = new Set(['done', 'held', 'unchanged']);

async function intakeLoop(
  house: House,
  live: LiveConnection,
  slots: readonly Slots[],
  signal: AbortSignal,
  tell: (report: CycleReport) => void,
): Promise<void> {
  const { clock } = house;
  const { connection } = live;
  // The first look is at once: a slot that was missed while nobody ran is made up for.
  let known = live.wake.rings;
  let retryAfterMs: number | null = 0;
  while (!signal.aborted) {
    await live.wake.after(known, clock, retryAfterMs ?? LOOK_AT_LEAST_MS, signal);
    if (signal.aborted) return;
    known = live.wake.rings;
    for (const slot of slots) slot.makeUp();
    const report = await live.turn
      .take(async () => {
        const cycle = await runCycle(house, live, { actor: 'feed', mode: 'commit', signal });
        if (cycle.kind !== 'held') await judgeReleased(house, live);
        return cycle;
      })
      .catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
    if (report === null) return;
    // Deltas are done one after the other, without waiting for the next slot.
    const another = bringsSeveral(connection) && report.delivery !== null && READ.has(report.kind);
    retryAfterMs = another ? 0 : report.retryAfterMs;
    // Somebody of this delivery is to be judged again soon, and only a reading of everybody says what of.
    if (report.retryAfterMs !== null && report.delivery !== null) live.source.slot?.('snapshot');
    tell(report);
  }
}

/** Holds that no delivery speaks of are judged on the facts on file when somebody has released them. */
async function judgeReleased(house: House, live: LiveConnection): Promise<void> {
  const released = await house.store.approvals(live.connection.name, nowOf(house.clock));
  if (released.size > 0) await judgeHeld(house, live);
}

async function calendarLoop(house: House, live: LiveConnection, signal: AbortSignal): Promise<void> {
  const { clock, store } = house;
  const quiet = new Bell();
  while (!signal.aborted) {
    const next = await store.nextDue(live.connection.name);
    const wait =
      next === null ? CALENDAR_AT_LEAST_MS : Math.min(CALENDAR_AT_LEAST_MS, Date.parse(next) - clock.nowMs());
    if (wait > 0) {
      // New facts may bring an earlier moment: whatever fills the outbox also rings here.
      await house.outboxFilled.after(house.outboxFilled.rings, clock, Math.min(wait, CALENDAR_AT_LEAST_MS), signal);
      if (signal.aborted) return;
    }
    const tick = await tickCalendar(house, live);
    if (tick.judged > 0)
      house.log.info({ connection: live.connection.name, judged: tick.judged, held: tick.held }, 'calendar judged');
    // In doubt about the clock what is due stays due: looked at again when a target may be asked again.
    if (tick.doubt === true) await quiet.after(quiet.rings, clock, ASKED_EVERY_MS, signal);
    else if (!tick.more) await quiet.after(quiet.rings, clock, 200, signal);
  }
}

async function debtsLoop(house: House, live: LiveConnection, dispatch: Dispatch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const known = dispatch.progress.rings;
    const more = !house.disk.isTight && (await payDebts(house, live));
    if (more) continue;
    await dispatch.progress.after(known, house.clock, DEBTS_EVERY_MS, signal);
    // Many accounts arrive at once: their managers' references then travel in few plans.
    await house.clock.wait(100, signal);
  }
}
