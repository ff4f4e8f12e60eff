// The report of leavers against the endpoint's own memory, over random worlds: feeds that say, unsay and garble leaves, an endpoint that
// refuses, throttles, loses replies and pretends, operators who release, set aside, order and stop. Three worlds are part of every run;
// `npm run campaign:report` plays a hundred.
import { expect, test } from 'vitest';
import { type Instant, instantOf, msOf, plusMs } from '../../src/base/instant.ts';
import { latenessReport } from '../../src/pipeline/lateness-report.ts';
import type { LedgerLine } from '../../src/pipeline/ledger.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import type { Act } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const WORLDS = Number(process.env.ROLLCALL_REPORT_WORLDS ?? 3);
const FIRST_SEED = Number(process.env.ROLLCALL_REPORT_SEED ?? 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AGREES_MS = 1_000;

/** What a world came to, for the sum over all of them. */
interface Tale {
  readonly leavers: number;
  readonly compared: number;
  readonly ends: Readonly<Record<string, number>>;
}

const dice = (seed: number) => {
  let state = (seed * 7_919 + 17) % 2_147_483_647;
  return (most: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  };
};

/** Arrivals of questions about an account that was inactive at that moment, by number of the request. */
interface Asked {
  readonly atMs: number;
  readonly path: string;
}

const FAULTS: readonly Act[] = [
  { kind: 'answer', status: 503, headers: { 'retry-after': '3' } },
  { kind: 'answer', status: 429, headers: { 'retry-after': '2' } },
  { kind: 'answer', status: 500 },
  { kind: 'loseReply' },
  { kind: 'reset' },
  { kind: 'answer', status: 400, body: JSON.stringify({ detail: 'not now' }) },
];

async function world(seed: number): Promise<Tale> {
  const roll = dice(seed);
  const asked = new Map<number, Asked>();
  let watch = (_path: string): { atMs: number; inactive: boolean } => ({ atMs: 0, inactive: false });
  const raised = roll(3) > 0;
  const test = await openTestHouse({
    idp: {
      liar: async ({ n, method, path }) => {
        const { atMs, inactive } = watch(path);
        if (method === 'GET' && inactive) asked.set(n, { atMs, path });
        return null;
      },
    },
    mapping: raised ? `${mappingText()}guards: { explicitLeaver: 100% }\n` : mappingText(),
  });
  watch = (path) => ({
    atMs: test.clock.nowMs(),
    inactive: test.idp.users.get(/^\/Users\/([^/?]+)$/.exec(path)?.[1] ?? '')?.active === false,
  });
  const size = 50 + roll(30);
  const people = new Map<string, Person>(crowd(size).map((one) => [one.id, one]));
  await test.sync(feed([...people.values()]));
  if (raised) await test.act('approve', { digest: test.live.connection.digest });
  const from = nowOf(test.clock);

  // Some accounts the endpoint never lets anybody change.
  for (let stubborn = 0; stubborn < 5; stubborn += 1)
    test.idp.behaviours.add({
      method: 'PATCH',
      path: `/Users/${test.idp.user(String(1_000 + roll(size)))?.id}`,
      act: { kind: 'answer', status: 400, body: '{}' },
    });
  for (let day = 0; day < 4; day += 1) {
    for (let change = 0; change < 6 + roll(6); change += 1) alter(people, roll, test);
    const undo = roll(2) === 0 ? null : test.idp.behaviours.add(faultOf(roll));
    test.deliver(feed([...people.values()]));
    await test.cycle();
    for (let look = 0; look < 2; look += 1) {
      await operate(test, roll, people);
      await test.cycle();
      await test.settle(5 * 60_000);
    }
    undo?.();
    await test.act('resume-writes');
    await test.settle(30 * 60_000);
    test.clock.advance(DAY - 2 * HOUR);
    await test.settle(5 * 60_000);
  }
  return judged(
    test,
    people,
    asked,
    { from: instantOf('2026-11-01T00:00:00Z'), to: plusMs(nowOf(test.clock), 1) },
    seed,
    from,
  );
}

function alter(people: Map<string, Person>, roll: (most: number) => number, test: TestHouse): void {
  const ids = [...people.keys()];
  const gone = [...people.values()].filter(({ status }) => status === 'T');
  // Leaves are taken back as well.
  const back = gone.length > 0 && roll(4) === 0;
  const id = (back ? gone[roll(gone.length)]?.id : ids[roll(ids.length)]) ?? '';
  const one = people.get(id) ?? { id };
  const today = nowOf(test.clock).slice(0, 10);
  const ahead = new Date(test.clock.nowMs() + (1 + roll(2)) * DAY).toISOString().slice(0, 10);
  const { end: _, start: __, status: ___, ...plain } = one;
  const changes: readonly (() => Person)[] = [
    () => ({ ...plain, status: 'T' }),
    () => ({ ...plain, status: 'T' }),
    () => ({ ...plain, status: 'T', end: '2026-11-10' }),
    () => ({ ...plain, end: today }),
    () => ({ ...plain, end: ahead }),
    () => ({ ...plain }),
    () => ({ ...plain, start: 'soon' }),
    () => ({ ...plain, status: 'T', start: 'soon' }),
    () => ({ ...plain, title: `Clerk ${roll(9)}` }),
    () => ({ ...plain, status: 'L' }),
  ];
  people.set(id, (back ? plain : changes[roll(changes.length)]?.()) ?? one);
  if (roll(4) === 0) people.set(`n${people.size}`, { id: `n${people.size}` });
}

const faultOf = (roll: (most: number) => number) => ({
  method: roll(2) === 0 ? 'PATCH' : 'GET',
  path: '/Users/',
  times: 1 + roll(6),
  act: FAULTS[roll(FAULTS.length)] as Act,
});

async function operate(test: TestHouse, roll: (most: number) => number, people: Map<string, Person>): Promise<void> {
  const ids = [...people.keys()];
  const worker = ids[roll(ids.length)] ?? '';
  const what = roll(10);
  if (what < 4) await test.approveAll();
  else if (what < 7) {
    for (const { digest } of await test.house.store.holds('acme')) await test.act('discard', { digest });
  } else if (what === 7) await test.act('leave', { worker });
  else if (what === 8) await test.act('lift', { worker });
  else await test.act('stop-writes', { exceptLeavers: roll(2) === 0 });
}

async function judged(
  test: TestHouse,
  people: ReadonlyMap<string, Person>,
  asked: ReadonlyMap<number, Asked>,
  period: { readonly from: Instant; readonly to: Instant },
  seed: number,
  from: Instant,
): Promise<Tale> {
  const report = await latenessReport('leavers', test.house.store, period);
  const { totals, lines } = report;
  const say = (what: string, line?: LedgerLine): string =>
    `seed ${seed}, ${line?.worker ?? ''} ${line?.entry ?? ''}: ${what}`;
  expect(totals.people, say('people')).toBe(lines.length);
  expect(totals.decided + totals.undecided + totals.carried, say('totals')).toBe(totals.people);
  expect(
    Object.values(totals.ends).reduce((sum, count) => sum + count, 0),
    say('ends'),
  ).toBe(totals.people);
  const logged = new Map(test.idp.log.map((one) => [one.n, one]));
  let compared = 0;
  for (const line of lines.filter(({ end }) => end === 'confirmed')) {
    const path = `/Users/${test.idp.user(line.worker)?.id}`;
    const seen = [...asked]
      .filter(([n, one]) => one.path === path && logged.get(n)?.status === 200)
      .map(([, { atMs }]) => atMs)
      .find((atMs) => atMs >= msOf(line.decidedAt as Instant));
    expect(seen, say('the endpoint never said inactive', line)).toBeDefined();
    expect(Math.abs(msOf(line.confirmedAt as Instant) - (seen ?? 0)), say('confirmed', line)).toBeLessThanOrEqual(
      AGREES_MS,
    );
    expect(line.seenAt <= (line.decidedAt as Instant), say('seen after it was decided', line)).toBe(true);
    compared += 1;
  }
  // Whoever cannot sign in any more because HR said so is in the report, and so is whoever still can.
  const inside = new Set(lines.map(({ worker }) => worker));
  const unread = new Set((await test.house.store.rejections('acme', 1_000)).map(({ key }) => key));
  const whole = (await test.house.store.holds('acme', 0)).some(({ kind }) => kind === 'feed');
  for (const { id, status, start } of people.values()) {
    const had = test.idp.user(id) !== undefined;
    if (status === 'T' && start === undefined && had && !whole && !unread.has(id))
      expect(inside.has(id), say(`${id} left and is not in the report`)).toBe(true);
  }
  for (const user of test.idp.users.values()) {
    const id = String(user.externalId);
    if (user.active === false && msOf(from) > 0 && people.get(id)?.status !== 'P')
      expect(inside.has(id), say(`${id} is inactive and is not in the report`)).toBe(true);
  }
  await test.restart();
  expect(JSON.stringify(await latenessReport('leavers', test.house.store, period)), say('another reading')).toBe(
    JSON.stringify(report),
  );
  return { leavers: lines.length, compared, ends: totals.ends };
}

test(
  'the report of leavers agrees with the endpoint to a second, and its totals add up, in every random world',
  async () => {
    const tales: Tale[] = [];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed += 1) tales.push(await world(seed));
    const ends: Record<string, number> = {};
    for (const tale of tales)
      for (const [end, count] of Object.entries(tale.ends)) ends[end] = (ends[end] ?? 0) + count;
    const leavers = tales.reduce((sum, one) => sum + one.leavers, 0);
    const compared = tales.reduce((sum, one) => sum + one.compared, 0);
    if (process.env.ROLLCALL_CASE_MIX === '1')
      process.stderr.write(`${JSON.stringify({ worlds: tales.length, leavers, compared, ends })}\n`);
    expect(compared).toBeGreaterThan(5 * WORLDS);
    expect(leavers - compared).toBeGreaterThan(0);
  },
  WORLDS * 60_000,
);
