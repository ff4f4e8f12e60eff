// A company, a whole house and a strict stand-in for Entra in held time: days pass in minutes. Judged by what the stand-in saw and
// by what the store and its alarms say.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instantOf, MINUTE_MS, SECOND_MS } from '../../src/base/instant.ts';
import { readConfig } from '../../src/config.ts';
import { openHouse } from '../../src/daemon.ts';
import { tickCalendar } from '../../src/pipeline/calendar.ts';
import { payDebts } from '../../src/pipeline/debts.ts';
import { startDispatch } from '../../src/pipeline/dispatch.ts';
import type { LiveConnection } from '../../src/pipeline/house.ts';
import { runCycle } from '../../src/pipeline/intake.ts';
import { performAct } from '../../src/pipeline/operator.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { type FakeEntra, startFakeEntra } from '../support/fake-entra.ts';
import { heldClock } from '../support/held-clock.ts';
import { mappingText } from '../support/mapping-text.ts';
import { entraYaml } from '../support/stage-entra.ts';

export interface WorldOptions {
  readonly people: number;
  /** Of the tenant, and what the connection file says of them. */
  readonly dailyCalls: number;
  readonly reservedCalls: number;
  /** Those who leave, in waves of equal size, and how far apart the waves are. */
  readonly waves: number;
  readonly leaversInWave: number;
  readonly waveEveryMs: number;
  readonly forMs: number;
  readonly logAfterMs?: number;
  /** What happens at Microsoft, and when. */
  readonly events?: readonly { readonly atMs: number; readonly act: (entra: FakeEntra, nowMs: number) => void }[];
  readonly entra?: string;
  /** Told now and then how far it has come. */
  readonly tell?: (line: string) => void;
}

export interface WorldResult {
  readonly calls: number;
  /** Calls that were not answered 202. */
  readonly refusedCalls: number;
  /** Most calls without any leaver in 24 hours. */
  readonly ordinaryCallsInDay: number;
  readonly leavers: number;
  /** From the decision to the upload, in seconds. */
  readonly leaverUploadSeconds: { readonly p50: number; readonly worst: number };
  /** Codes of alarms that were open at some time, with the first message. */
  readonly alarms: ReadonlyMap<string, string>;
  /** Of those who were alarmed, which are open at the end. */
  readonly openAlarms: readonly string[];
  /** Operations at the end that are not over, such as `3 accepted`. */
  readonly open: readonly string[];
  /** Workers whose account is not as it should be at the end, and for whom nothing is open. */
  readonly lost: readonly string[];
  /** Workers who were uploaded more often than there was something to say. */
  readonly doubled: readonly string[];
  readonly confirmed: number;
  readonly uploadedRecords: number;
  readonly purged: number;
  readonly auditOk: boolean;
  /** Counted in the middle: of everybody, who is confirmed, and who waits where a person sees it. */
  readonly checkpoints: readonly { readonly hour: number; readonly confirmed: number; readonly waiting: number }[];
}

const START = instantOf('2026-11-23T00:00:00Z');
const STEP_MS = { busy: 3 * SECOND_MS, idle: MINUTE_MS } as const;
const QUIET_TURNS = 20;
/** Whoever only asks how the job is waits for the clock. */
const MATTERS = /bulkUpload|auditLogs|users/;
/** Nothing else arrives for so long: time may pass faster. */
const IDLE_MS = 3 * MINUTE_MS;
const DAY_MS = 86_400_000;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function playWorld(options: WorldOptions): Promise<WorldResult> {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-entra-'));
  const mappings = join(root, 'mappings');
  mkdirSync(mappings);
  const clock = heldClock(START);
  const startMs = clock.nowMs();
  const entra = await startFakeEntra({
    now: clock.nowMs,
    dailyCalls: options.dailyCalls,
    ...(options.logAfterMs === undefined ? {} : { logAfterMs: options.logAfterMs }),
  });
  const text = mappingText();
  const own = options.entra ?? `{ dailyCalls: ${options.dailyCalls}, reservedCalls: ${options.reservedCalls} }`;
  writeFileSync(join(mappings, 'acme.yaml'), `${text.slice(0, text.indexOf('  - name: idp'))}${entraYaml(own)}`);
  const config = readConfig(
    { ENTRA_UPLOAD: entra.uploadUrl, ENTRA_TOKEN: entra.tokenUrl, ENTRA_SECRET: 'app-secret' },
    { mappings, state: join(root, 'state'), logLevel: 'silent' },
  );
  let seed = 11;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  try {
    await using house = await openHouse({
      config,
      clock,
      random,
      log: silentLog,
      mode: 'write',
      watchClock: false,
      command: 'campaign',
    });
    const live = [...house.connections.values()][0] as LiveConnection;
    const stop = new AbortController();
    const left = new Map<string, number>();
    const alarms = new Map<string, string>();
    const checkpoints: { hour: number; confirmed: number; waiting: number }[] = [];

    const deliver = async (): Promise<void> => {
      const rows = Array.from({ length: options.people }, (_, index) => {
        const id = String(100_000 + index);
        return `${id},First${id},Last${id},${left.has(id) ? 'T' : 'A'},2020-01-01,${left.has(id) ? '2026-11-01' : ''},,Sales,Clerk`;
      });
      const path = join(mappings, 'workers.csv');
      writeFileSync(path, `ID,First,Last,Status,Start,End,Manager,Dept,Title\n${rows.join('\n')}\n`);
      utimesSync(path, clock.nowMs() / 1_000, clock.nowMs() / 1_000);
      clock.advance(SECOND_MS);
      const cycle = () => runCycle(house, live, { actor: 'feed', mode: 'commit', signal: stop.signal });
      if ((await cycle()).kind === 'done') return;
      // A person looks at it and lets it go on.
      for (const { digest, reason } of await house.store.holds(null)) {
        options.tell?.(`held: ${reason}`);
        const by = { by: 'campaign', osUser: 'campaign', channel: 'campaign', reason: 'meant so' };
        const released = await performAct(house, { kind: 'approve', args: { digest }, ...by });
        if (!released.ok) throw new Error(released.message);
      }
      const again = await cycle();
      if (again.kind !== 'done') throw new Error(`the cycle was ${again.kind}`);
    };
    const quiet = async (): Promise<void> => {
      let arrived = entra.log.length;
      for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
        await nextTurn();
        if (entra.open() > 0 || entra.log.length !== arrived) turns = 0;
        arrived = entra.log.length;
      }
    };
    const counts = async (): Promise<{ confirmed: number; waiting: number; open: readonly string[] }> => {
      const states = new Map<string, number>();
      for (const { state, operations } of await house.store.queueDepths())
        states.set(state, (states.get(state) ?? 0) + operations);
      const open = [...states].filter(([state, count]) => count > 0 && state !== 'done' && state !== 'superseded');
      return {
        confirmed: states.get('done') ?? 0,
        waiting: open.reduce((sum, [, count]) => sum + count, 0),
        open: open.map(([state, count]) => `${count} ${state}`),
      };
    };

    await deliver();
    const dispatch = startDispatch(house, stop.signal);
    let broken: unknown = null;
    dispatch.stopped.catch((error: unknown) => {
      broken = error;
    });
    const events = [...(options.events ?? [])];
    let wave = 0;
    let nextLook = startMs;
    let busyUntilMs = startMs + IDLE_MS;
    let arrived = 0;
    while (clock.nowMs() < startMs + options.forMs) {
      if (broken !== null) throw broken;
      await quiet();
      const nowMs = clock.nowMs();
      if (entra.log.slice(arrived).some(({ path }) => MATTERS.test(path))) busyUntilMs = nowMs + IDLE_MS;
      arrived = entra.log.length;
      const [event] = events;
      if (event !== undefined && startMs + event.atMs <= nowMs) {
        events.shift();
        event.act(entra, nowMs);
      }
      if (wave < options.waves && startMs + (wave + 1) * options.waveEveryMs <= nowMs) {
        wave += 1;
        // Of those who have an account that works.
        for (let index = 0, chosen = 0; index < options.people && chosen < options.leaversInWave; index += 1) {
          const id = String(100_000 + index);
          if (left.has(id) || entra.directory.of(id)?.accountEnabled !== true) continue;
          left.set(id, nowMs);
          chosen += 1;
        }
        await deliver();
        busyUntilMs = nowMs + IDLE_MS;
        continue;
      }
      if (nowMs >= nextLook) {
        nextLook = nowMs + 5 * MINUTE_MS;
        await tickCalendar(house, live);
        await payDebts(house, live);
        for (const { code, message } of await house.store.alarms('acme'))
          if (!alarms.has(code)) alarms.set(code, message);
        const hour = Math.floor((nowMs - startMs) / 3_600_000);
        if (checkpoints.at(-1)?.hour !== hour) {
          const { confirmed, waiting } = await counts();
          checkpoints.push({ hour, confirmed, waiting });
          options.tell?.(`hour ${hour}: ${confirmed} confirmed, ${waiting} waiting, ${entra.uploads().length} calls`);
        }
      }
      clock.advance(nowMs < busyUntilMs ? STEP_MS.busy : STEP_MS.idle);
    }
    await quiet();
    stop.abort();
    await dispatch.stopped;
    const { confirmed, open } = await counts();
    const still = new Set<string>();
    for await (const page of house.store.accepted('idp')) for (const { workerKey } of page) still.add(workerKey);
    for (const { workerKey } of await house.store.operations({
      connection: 'acme',
      states: ['queued', 'sending', 'failed'],
      limit: 1_000_000,
    }))
      still.add(workerKey);
    entra.directory.runUntil(clock.nowMs());
    return {
      ...judge(options, entra, left, still),
      alarms,
      openAlarms: (await house.store.alarms('acme')).map(({ code }) => code),
      open,
      confirmed,
      auditOk: (await house.store.audit.verify()).ok,
      checkpoints,
    };
  } finally {
    await entra.close();
    rmSync(root, { recursive: true, force: true });
  }
}

function judge(
  { people }: WorldOptions,
  { directory, uploads }: FakeEntra,
  left: ReadonlyMap<string, number>,
  still: ReadonlySet<string>,
) {
  const calls = uploads();
  const lost: string[] = [];
  const doubled: string[] = [];
  const taken = Map.groupBy(directory.taken, ({ identity }) => identity);
  const delays: number[] = [];
  for (let index = 0; index < people; index += 1) {
    const id = String(100_000 + index);
    const leftAtMs = left.get(id);
    const user = directory.of(id);
    const right = user !== null && user.accountEnabled === (leftAtMs === undefined);
    if (!right && !still.has(id)) lost.push(id);
    const said = taken.get(id) ?? [];
    if (said.length > (leftAtMs === undefined ? 1 : 2)) doubled.push(id);
    const ended = said.find(({ active }) => active === false);
    if (leftAtMs !== undefined && ended !== undefined) delays.push((ended.at - leftAtMs) / SECOND_MS);
  }
  const ordinary = calls.filter(({ body }) => !body.includes('"active":false')).map(({ at }) => at);
  let most = 0;
  for (let from = 0, to = 0; to < ordinary.length; to += 1) {
    while ((ordinary[to] ?? 0) - (ordinary[from] ?? 0) >= DAY_MS) from += 1;
    most = Math.max(most, to - from + 1);
  }
  delays.sort((a, b) => a - b);
  return {
    calls: calls.length,
    refusedCalls: calls.filter(({ status }) => status !== 202).length,
    ordinaryCallsInDay: most,
    leavers: left.size,
    leaverUploadSeconds: { p50: delays[Math.floor(delays.length / 2)] ?? 0, worst: delays.at(-1) ?? 0 },
    lost,
    doubled,
    uploadedRecords: directory.taken.length,
    purged: directory.purged,
  };
}

export const at = (hours: number): number => hours * 3_600_000;
