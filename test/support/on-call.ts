// Somebody on call who knows one command, `rollcall status`, and types nothing else but what the tool itself has printed. Words to fill
// in are a reason ("…") and values that were printed too; what is done by hand (a file, a secret, the target's own console) is done
// only where a printed sentence asks for it.
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Instant } from '../../src/base/instant.ts';
import { type CliRun, runCli } from './cli.ts';
import { type FakeIdp, type FakeIdpOptions, startFakeIdp } from './fake-idp.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { feed, mappingText, NOON, type Person } from './house.ts';
import { commandsIn, faultOf, type PrintedCommand } from './printed-commands.ts';

const REASON = 'a drill';
/** Turns of the event loop, and real time, in which nothing reaches the target before the clock goes on to whoever waits for it. */
const QUIET_TURNS = 40;
const QUIET_MS = 3;
/** Somebody who waits for a daemon looks this often, and so many times. */
const LOOK_EVERY_MS = 5_000;
const LOOKS_MAX = 40;
/** A clock that is carried on while a daemon runs moves in steps of this. */
const STEP_MS = 10 * 60_000;

/** The system reads a file or reaches for an address: whatever waits for it must not see hours go by. */
const isAtWork = (resource: string): boolean => /^(FSReq|TCPConnect|GetAddrInfo)/.test(resource);

export interface Drill {
  readonly idp: FakeIdp;
  readonly clock: HeldClock;
  readonly dir: string;
  /** For the daemon and commands; may be changed as an operator changes the environment of a container. */
  readonly env: Record<string, string>;
  /** The secret by which the target knows us now. */
  readonly target: { token: string };
  readonly write: (path: string, text: string) => void;
  /** HR delivers; what it says of people is what must be true in the end. */
  readonly hrDelivers: (people: readonly Person[]) => void;
  /** A delivery that is not what HR means: cut, of another system … */
  readonly arrives: (content: string) => void;
  /** What the schedule does: one cycle, and delivery. Its output is read like any other. */
  readonly passes: () => Promise<CliRun>;
  /** Somebody calls and asks about a worker: `rollcall explain ID` is on the first page of the runbook. */
  readonly callsAbout: (worker: string) => Promise<CliRun>;
  readonly status: () => Promise<CliRun>;
  /** Looks at the status, as somebody does who was called, until it says so: a daemon takes its time. */
  readonly statusSays: (text: string) => Promise<void>;
  /** Types the command that was printed last among those that fit. */
  readonly types: (fits: RegExp, fill?: Fill) => Promise<CliRun>;
  /** Does something by hand because a printed sentence says so. */
  readonly byHand: (says: RegExp, what: () => void) => void;
  /** What another process has printed. */
  readonly reads: (text: string) => void;
  /** Everything that was printed so far. */
  readonly printed: () => string;
  /** Carries the clock on while a daemon runs. */
  readonly hours: (count: number) => Promise<void>;
  /** Starts `rollcall run` in this process; it stops with the test at the latest. */
  readonly daemon: () => Promise<DrilledDaemon>;
  /** Lets time pass for something else that waits for it. */
  readonly within: <T>(work: Promise<T>) => Promise<T>;
  /** Everybody is where HR says, nothing asks for a person any more, and the audit is whole. */
  readonly isOver: (besides?: {
    readonly emergency?: readonly string[];
    /** Where a key was replaced. */
    readonly publicKeys?: readonly string[];
  }) => Promise<void>;
}

/** What stands in place of a word to fill in; a list where it occurs several times. */
export type Fill = Readonly<Record<string, string | readonly string[]>>;

export interface DrilledDaemon {
  readonly url: string;
  readonly stop: () => Promise<number | null>;
}

export async function drill(
  options: {
    readonly people: readonly Person[];
    /** `$DIR` in it is the folder of the drill. */
    readonly mapping?: string;
    readonly idp?: FakeIdpOptions;
    readonly now?: Instant;
    readonly env?: Readonly<Record<string, string>>;
    /** Whether everybody gets their account before the drill begins. */
    readonly begun?: boolean;
  } = { people: [] },
): Promise<Drill> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-drill-'));
  mkdirSync(join(dir, 'mappings'));
  const clock = { ...heldClock(options.now ?? NOON), doubted: true as const };
  const target = { token: 'let-me-in' };
  const idp = await startFakeIdp(askedFor(target, { time: clock.nowMs, ...options.idp }));
  const before = new Map([...idp.users].map(([id, user]) => [id, JSON.stringify(user)]));
  onTestFinished(async () => {
    await idp.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const write = (path: string, text: string): void => writeFileSync(join(dir, path), text.replaceAll('$DIR', dir));
  write('mappings/acme.yaml', options.mapping ?? mappingText());
  write('token', target.token);
  const env: Record<string, string> = {
    IDP_URL: idp.url,
    IDP_TOKEN: target.token,
    IDP_TOKEN_FILE: join(dir, 'token'),
    ROLLCALL_MAPPINGS: join(dir, 'mappings'),
    ROLLCALL_STATE: join(dir, 'state'),
    ROLLCALL_OPERATOR: 'Olga',
    ...options.env,
  };
  const paper: string[] = [];
  let truth: readonly Person[] = [];

  const quiet = async (isOver: () => boolean): Promise<void> => {
    let heard = -1;
    let turns = 0;
    let since = performance.now();
    while (!isOver()) {
      await new Promise((done) => setImmediate(done));
      const asked = idp.log.length + idp.discoveryLog.length;
      const unanswered = [...idp.log.slice(-64), ...idp.discoveryLog.slice(-8)].some(({ endedAt }) => endedAt === null);
      if (asked !== heard || unanswered) {
        [heard, turns, since] = [asked, 0, performance.now()];
        continue;
      }
      turns += 1;
      if (
        turns >= QUIET_TURNS &&
        performance.now() - since >= QUIET_MS &&
        !process.getActiveResourcesInfo().some(isAtWork)
      )
        return;
    }
  };
  const within: Drill['within'] = async (work) => {
    let over = false;
    const ending = work.finally(() => {
      over = true;
    });
    ending.catch(() => undefined);
    while (!over) {
      await quiet(() => over);
      if (!over) clock.toNext(STEP_MS);
    }
    return ending;
  };
  const run = async (...args: readonly string[]): Promise<CliRun> => {
    const ran = await within(runCli(args, env, { clock }));
    paper.push(`$ rollcall ${args.join(' ')}\n${ran.stdout}${ran.stderr}`);
    for (const command of await commandsIn(ran.stdout + ran.stderr))
      expect(await faultOf(command), `${command.text}\n\n${ran.stdout}${ran.stderr}`).toBeNull();
    return ran;
  };
  const printed = (): string => paper.join('\n');
  const arrives: Drill['arrives'] = (content) => {
    clock.advance(1_000);
    // As HR should: written under another name, so that a daemon never finds half of it.
    write('mappings/workers.part', content);
    const at = clock.nowMs() / 1_000;
    utimesSync(join(dir, 'mappings', 'workers.part'), at, at);
    renameSync(join(dir, 'mappings', 'workers.part'), join(dir, 'mappings', 'workers.csv'));
    clock.advance(1_000);
  };
  const passes = () => run('sync');

  const drilled: Drill = {
    idp,
    clock,
    dir,
    env,
    target,
    write,
    hrDelivers: (people) => {
      truth = people;
      arrives(feed(people));
    },
    arrives,
    passes,
    callsAbout: (worker) => run('explain', worker),
    status: () => run('status'),
    statusSays: async (text) => {
      let said = '';
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        said = (await run('status')).stdout;
        if (said.includes(text)) return;
        await quiet(() => false);
        clock.advance(LOOK_EVERY_MS);
      }
      expect(said).toContain(text);
    },
    types: async (fits, fill = {}) => {
      const all = await commandsIn(printed().replace(/^\$ .*$/gm, ''));
      const chosen = all.findLast(({ text }) => fits.test(text));
      if (chosen === undefined)
        throw new Error(
          `nothing was printed that fits ${fits}; printed was\n${all.map(({ text }) => text).join('\n')}\n\n${printed()}`,
        );
      return run(...filled(chosen, fill, printed()));
    },
    byHand: (says, what) => {
      expect(printed()).toMatch(says);
      what();
    },
    printed,
    reads: (text) => void paper.push(text),
    within,
    hours: async (count) => {
      for (let left = count * 3_600_000; left > 0; left -= STEP_MS) {
        await quiet(() => false);
        clock.advance(Math.min(left, STEP_MS));
      }
      await quiet(() => false);
    },
    daemon: async () => {
      const port = await freePort();
      let stop = (): void => undefined;
      const once = (_: string, end: () => void): void => {
        stop = end;
      };
      const around = { clock, once };
      const ended = runCli(['run', '--port', String(port)], { ...env, ROLLCALL_LOG_LEVEL: 'silent' }, around);
      let code: number | null | undefined;
      const settled = ended.then((ran) => {
        code = ran.code;
        return ran;
      });
      settled.catch(() => undefined);
      const halt = async (): Promise<number | null> => {
        stop();
        return (await within(settled)).code;
      };
      onTestFinished(async () => void (await halt()));
      const url = `http://127.0.0.1:${port}`;
      const isUp = (): Promise<boolean> =>
        fetch(`${url}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        );
      while (!(await isUp())) {
        if (code !== undefined) throw new Error(`the daemon ended with ${code}: ${(await settled).stderr}`);
        clock.toNext(STEP_MS);
      }
      return { url, stop: halt };
    },
    isOver: async ({ emergency = [], publicKeys = [] } = {}) => {
      await passes();
      expect(whereabouts(idp, truth, emergency, new Date(clock.nowMs()).toISOString().slice(0, 10))).toEqual([]);
      expect(touched(idp, truth, before), 'nobody else was touched').toEqual([]);
      const status = await within(runCli(['status', '--json'], env, { clock }));
      expect(asksFor(status.json), printed().slice(-4_000)).toEqual({});
      const verified = await within(
        runCli(['audit', 'verify', ...(publicKeys.length === 0 ? [] : ['--public-key', ...publicKeys])], env, {
          clock,
        }),
      );
      expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    },
  };
  if (options.people.length > 0) {
    drilled.hrDelivers(options.people);
    if (options.begun !== false) expect((await passes()).code, printed()).toBe(0);
  }
  return drilled;
}

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** A PATCH that takes access away. */
export const DISABLES = /"path":"active","value":false|"active":false/;

export const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((one) => (one.id === id ? { ...one, ...change } : one));

/** An answer of the target, in its own words. */
export const refusalOf = (status: number, detail: string) => ({
  kind: 'answer' as const,
  status,
  body: JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    scimType: 'invalidValue',
    detail,
  }),
});

/** The fake asks for whatever token stands here now. */
const askedFor = (target: { readonly token: string }, options: FakeIdpOptions): FakeIdpOptions =>
  Object.defineProperty({ ...options }, 'token', { get: () => target.token });

/** `"…"` is a reason; any other word to fill in is given a value that was printed. */
function filled({ words }: PrintedCommand, fill: Fill, printed: string): readonly string[] {
  const used = new Map<string, number>();
  return words.map((word) => {
    if (word === '"…"') return REASON;
    const nth = used.get(word) ?? 0;
    used.set(word, nth + 1);
    const values = fill[word];
    const value = typeof values === 'string' ? values : values?.[nth];
    if (value === undefined) return word.replace(/^"(.*)"$/, '$1');
    expect(printed, `${word} is filled in with something that was printed`).toContain(value);
    return value;
  });
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** What is not as HR says, told from the target's own accounts. */
function whereabouts(
  idp: FakeIdp,
  people: readonly Person[],
  emergency: readonly string[],
  today: string,
): readonly string[] {
  const accounts = new Map<unknown, Record<string, unknown>[]>();
  for (const user of idp.users.values()) {
    const key = user.externalId;
    accounts.set(key, [...(accounts.get(key) ?? []), user]);
  }
  const everybody = new Set(idp.members('All staff'));
  return people.flatMap(({ id, status = 'A', start = '2020-01-01', end = '', title, dept }) => {
    const [account, second] = accounts.get(id) ?? [];
    const gone =
      emergency.includes(id) || (status === 'T' && (end === '' || end < today)) || (end !== '' && end < today);
    const works = !gone && start <= today;
    const wrong: string[] = [];
    if (second !== undefined) wrong.push('two accounts');
    if ((account?.active === true) !== works) wrong.push(works ? 'locked out' : 'still has access');
    if (everybody.has(String(account?.id)) !== works) wrong.push(works ? 'not in the group' : 'still in the group');
    if (works && account?.title !== (title ?? 'Clerk')) wrong.push(`title ${account?.title}`);
    const enterprise = account?.[ENTERPRISE] as { department?: string } | undefined;
    if (works && enterprise?.department !== (dept ?? 'Sales')) wrong.push(`department ${enterprise?.department}`);
    return wrong.length === 0 ? [] : [`${id}: ${wrong.join(', ')}`];
  });
}

/** Accounts of nobody whom HR knows that are not as they were. */
const touched = (idp: FakeIdp, people: readonly Person[], before: ReadonlyMap<string, string>): readonly string[] => {
  const ours = new Set<unknown>(people.map(({ id }) => id));
  return [...idp.users.values()]
    .filter(({ externalId }) => !ours.has(externalId))
    .filter((user) => before.get(String(user.id)) !== JSON.stringify(user))
    .map(({ userName }) => String(userName));
};

/** What `status` asks a person for, by kind; nothing where it is quiet. */
function asksFor(status: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const { failed, unconfirmedLeavers, openSessions, alarms, stops, unmetTargets, clockDoubt, dispatch, connections } =
    status as Record<string, object[]> & { connections: { lastCycle: { state: string } | null }[] };
  const holds = (status.holds as { discardedBy: string | null }[]).filter(({ discardedBy }) => discardedBy === null);
  const down = Object.values(dispatch as unknown as Record<string, { state: string; nextTryAt: string | null }>).filter(
    ({ state, nextTryAt }) => state !== 'closed' && !(state === 'paused' && (nextTryAt ?? '') <= String(status.at)),
  );
  const refused = connections.filter(({ lastCycle }) => lastCycle?.state === 'refused');
  const all = {
    failed,
    unconfirmedLeavers,
    openSessions,
    alarms,
    stops,
    unmetTargets,
    clockDoubt,
    down,
    holds,
    refused,
  };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== null && Object.keys(one ?? {}).length > 0));
}
