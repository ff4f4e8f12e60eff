// The whole house as production opens it, on a folder of its own, against a real fake identity provider, under a held clock.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import { readConfig } from '../../src/config.ts';
import { type OpenHouse, openHouse } from '../../src/daemon.ts';
import { tickCalendar } from '../../src/pipeline/calendar.ts';
import { payDebts } from '../../src/pipeline/debts.ts';
import { type Dispatch, startDispatch } from '../../src/pipeline/dispatch.ts';
import type { LiveConnection } from '../../src/pipeline/house.ts';
import { type CycleOptions, type CycleReport, runCycle } from '../../src/pipeline/intake.ts';
import { type ActResult, performAct } from '../../src/pipeline/operator.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { type Logger, silentLog } from '../../src/runtime/log.ts';
import { type FakeIdp, type FakeIdpOptions, startFakeIdp } from './fake-idp.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { mappingText } from './mapping-text.ts';

export { mappingText };

export const HEADER = 'ID,First,Last,Status,Start,End,Manager,Dept,Title';

export interface Person {
  readonly id: string;
  readonly first?: string;
  readonly last?: string;
  readonly status?: string;
  readonly start?: string;
  readonly end?: string;
  readonly manager?: string;
  readonly dept?: string;
  readonly title?: string;
}

export const row = (person: Person): string =>
  [
    person.id,
    person.first ?? `First${person.id}`,
    person.last ?? `Last${person.id}`,
    person.status ?? 'A',
    person.start ?? '2020-01-01',
    person.end ?? '',
    person.manager ?? '',
    person.dept ?? 'Sales',
    person.title ?? 'Clerk',
  ].join(',');

export const feed = (people: readonly Person[]): string => `${[HEADER, ...people.map(row)].join('\n')}\n`;

/** A row as a record with members, as a webhook carries it. */
export const recordOf = (person: Person): Record<string, string> => ({
  ID: person.id,
  First: person.first ?? `First${person.id}`,
  Last: person.last ?? `Last${person.id}`,
  Status: person.status ?? 'A',
  Start: person.start ?? '2020-01-01',
  End: person.end ?? '',
  Manager: person.manager ?? '',
  Dept: person.dept ?? 'Sales',
  Title: person.title ?? 'Clerk',
});

/** `count` people with ids `1000…`, all alike but for their names. */
export const crowd = (count: number, change: (index: number) => Partial<Person> = () => ({})): readonly Person[] =>
  Array.from({ length: count }, (_, index) => ({ id: String(1000 + index), ...change(index) }));

/** Turns of the event loop without anybody at work or waiting. */
const STUCK_MAX = 200;
/** Turns of the event loop that a look at the outbox takes: a claim is a commit. */
const AWAKE_TURNS = 12;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Turns of the event loop in which nothing arrives at the target although something is in flight. */
const SILENT_MAX = 60;

export interface Traffic {
  /** Requests so far. */
  readonly arrived: number;
  /** Requests without an answer yet. */
  readonly open: number;
}

export interface Shift extends AsyncDisposable {
  readonly dispatch: Dispatch;
  /** As `settle`, with the dispatch that runs. */
  readonly pass: (virtualMs: number) => Promise<void>;
}

export interface TestHouse {
  readonly idp: FakeIdp;
  readonly clock: HeldClock;
  readonly house: OpenHouse;
  readonly live: LiveConnection;
  readonly stateDir: string;
  readonly mappingsDir: string;
  /** Writes the feed as it stands from now on. */
  readonly deliver: (content: string, name?: string) => void;
  readonly cycle: (options?: Partial<CycleOptions>) => Promise<CycleReport>;
  /** Runs calendar, debts and dispatch until nothing more happens within `virtualMs`. */
  readonly settle: (virtualMs?: number) => Promise<void>;
  /** Dispatch that goes on while a test does something else. */
  readonly shift: () => Promise<Shift>;
  /** One cycle, then settle. */
  readonly sync: (content?: string) => Promise<CycleReport>;
  readonly act: (kind: string, args?: Record<string, string | number | boolean>) => Promise<ActResult>;
  /** Approves every open hold as it stands. */
  readonly approveAll: () => Promise<number>;
  /** Closes and opens the house again, as a restart does. */
  readonly restart: (mapping?: string) => Promise<void>;
  readonly stage: (key: string) => Promise<string>;
}

export const NOON: Instant = instantOf('2026-11-23T11:00:00Z');

export async function openTestHouse(
  options: {
    readonly mapping?: string;
    readonly idp?: FakeIdpOptions;
    readonly now?: Instant;
    /** What else the mapping refers to. */
    readonly environment?: Readonly<Record<string, string>>;
    readonly log?: Logger;
    /** Whether a jump of the held clock needs the target's agreement, as it does in production. */
    readonly watchClock?: boolean;
    readonly clock?: HeldClock;
    /** Free bytes under the state folder. */
    readonly diskRoom?: () => Promise<number | null>;
    /** Requests at targets other than the fake identity provider. */
    readonly traffic?: () => Traffic;
  } = {},
): Promise<TestHouse> {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-house-'));
  const mappingsDir = join(root, 'mappings');
  const stateDir = join(root, 'state');
  mkdirSync(mappingsDir);
  writeFileSync(join(mappingsDir, 'acme.yaml'), options.mapping ?? mappingText());
  const idp = await startFakeIdp({ token: 'let-me-in', ...options.idp });
  const clock = options.clock ?? heldClock(options.now ?? NOON);
  const elsewhere = options.traffic ?? (() => ({ arrived: 0, open: 0 }));
  const isAsked = (): boolean => elsewhere().open > 0 || idp.log.some(({ endedAt }) => endedAt === null);
  const config = readConfig(
    { IDP_URL: idp.url, IDP_TOKEN: 'let-me-in', ...options.environment },
    { mappings: mappingsDir, state: stateDir, logLevel: 'silent' },
  );
  let seed = 7;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const open = () =>
    openHouse({
      config,
      clock,
      random,
      log: options.log ?? silentLog,
      mode: 'write',
      watchClock: options.watchClock ?? false,
      ...(options.diskRoom === undefined ? {} : { diskRoom: options.diskRoom }),
      command: 'test',
    });
  let house = await open();
  const liveOf = (): LiveConnection => {
    const [live] = house.connections.values();
    if (live === undefined) throw new Error('the test house has no connection');
    return live;
  };
  onTestFinished(async () => {
    await house.close();
    await idp.close();
    rmSync(root, { recursive: true, force: true });
  });
  const never = new AbortController().signal;

  /** Whether anything is on its way, or can be claimed now or ever. */
  const workToCome = async (): Promise<boolean> => {
    const open = (await house.store.queueDepths()).filter(({ state }) =>
      ['queued', 'sending', 'accepted'].includes(state),
    );
    if (open.some(({ state }) => state === 'sending' || state === 'accepted')) return true;
    for (const target of new Set(open.map((depth) => depth.target))) {
      if ((await house.store.nextAttempt(target, nowOf(clock))) !== null) return true;
    }
    return false;
  };

  /** Until nothing more happens, or the clock has come so far. */
  const pass = async (dispatch: Dispatch, virtualMs: number, broken: () => boolean): Promise<void> => {
    const until = clock.nowMs() + virtualMs;
    let silent = 0;
    let heard = 0;
    for (let quiet = 0, stuck = 0; quiet < 3 && stuck < STUCK_MAX && !broken(); ) {
      await nextTurn();
      if (dispatch.inFlight() > 0) {
        quiet = 0;
        const arrived = idp.log.length + elsewhere().arrived;
        silent = heard === arrived ? silent + 1 : 0;
        heard = arrived;
        // In flight without a request at the target: it waits for the clock, as a rate makes it.
        if (silent < SILENT_MAX || isAsked()) continue;
        silent = 0;
        if (!clock.toNext(Math.max(0, until - clock.nowMs()))) break;
        continue;
      }
      silent = 0;
      const tick = await tickCalendar(house, liveOf());
      const more = await payDebts(house, liveOf());
      const idle = !tick.more && !more && dispatch.inFlight() === 0 && !(await workToCome());
      quiet = idle ? quiet + 1 : 0;
      // The clock moves only once everybody whom it woke has done what they woke for.
      for (let turn = 0; turn < AWAKE_TURNS && !idle && dispatch.inFlight() === 0; turn += 1) await nextTurn();
      // A question beside the deliveries: what became of what was accepted.
      if (isAsked()) continue;
      // Nobody waits for the clock while they work: only somebody who never does for so many turns has nothing left to do.
      const moved = idle || dispatch.inFlight() > 0 || clock.toNext(Math.max(0, until - clock.nowMs()));
      stuck = moved ? 0 : stuck + 1;
    }
  };

  const test: TestHouse = {
    idp,
    clock,
    get house() {
      return house;
    },
    get live() {
      return liveOf();
    },
    stateDir,
    mappingsDir,
    deliver: (content, name = 'workers.csv') => {
      const path = join(mappingsDir, name);
      writeFileSync(path, content);
      const seconds = clock.nowMs() / 1000;
      utimesSync(path, seconds, seconds);
    },
    cycle: async (more = {}) => {
      clock.advance(1_000);
      return runCycle(house, liveOf(), { actor: 'feed', mode: 'commit', signal: never, ...more });
    },
    settle: async (virtualMs = 20 * 60_000) => {
      await using shift = await test.shift();
      await shift.pass(virtualMs);
    },
    shift: async () => {
      const stop = new AbortController();
      const dispatch = startDispatch(house, stop.signal);
      let broken: unknown = null;
      dispatch.stopped.catch((error: unknown) => {
        broken = error;
      });
      return {
        dispatch,
        pass: (virtualMs) => pass(dispatch, virtualMs, () => broken !== null),
        [Symbol.asyncDispose]: async () => {
          stop.abort();
          await dispatch.stopped;
        },
      };
    },
    sync: async (content) => {
      if (content !== undefined) test.deliver(content);
      const report = await test.cycle();
      await test.settle();
      return report;
    },
    act: (kind, args = {}) =>
      performAct(house, { kind, args, reason: 'a story', by: 'tester', osUser: 'tester', channel: 'test' }),
    approveAll: async () => {
      const holds = await house.store.holds(null);
      for (const hold of holds) {
        const result = await test.act('approve', { digest: hold.digest });
        if (!result.ok) throw new Error(result.message);
      }
      return holds.length;
    },
    restart: async (mapping) => {
      await house.close();
      if (mapping !== undefined) writeFileSync(join(mappingsDir, 'acme.yaml'), mapping);
      house = await open();
    },
    stage: async (key) => {
      const situation = (await house.store.situations('acme', [key])).get(key);
      return situation === undefined ? 'unknown' : `${situation.standing.stage}/${situation.standing.delivery}`;
    },
  };
  return test;
}

/** A delivery that brings more people at once than the guards let through unasked: a person releases it. */
export async function comes({ deliver, cycle, approveAll }: TestHouse, content: string): Promise<void> {
  deliver(content);
  if ((await cycle()).kind !== 'held') return;
  await approveAll();
  await cycle();
}
