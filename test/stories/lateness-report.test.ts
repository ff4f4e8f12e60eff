// The report an auditor reads: its times are those the endpoint saw, its totals add up, and it reads the same for ever.
import { describe, expect, it } from 'vitest';
import { type Instant, instantOf, instantOfMs, msOf } from '../../src/base/instant.ts';
import { latenessReport } from '../../src/pipeline/lateness-report.ts';
import type { LedgerLine, Period } from '../../src/pipeline/ledger.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const period = (from: string, to: string): Period => ({ from: instantOf(from), to: instantOf(to) });
const WEEK = period('2026-11-23T00:00:00Z', '2026-11-30T00:00:00Z');
const leaversOf = ({ house }: TestHouse, over = WEEK) => latenessReport('leavers', house.store, over);
const lineOf = (lines: readonly LedgerLine[], worker: string) => lines.find((line) => line.worker === worker);
const with_ = (people: readonly Person[], changes: Readonly<Record<string, Partial<Person>>>): readonly Person[] =>
  people.map((person) => ({ ...person, ...changes[person.id] }));

/** When the endpoint was first asked what became of the disable, and said inactive. `heardAt` by number of the request. */
function inactiveAt({ idp }: TestHouse, heardAt: ReadonlyMap<number, number>, key: string): number | undefined {
  const path = `/Users/${idp.user(key)?.id}`;
  const ours = idp.log.filter((one) => one.path === path);
  const disabled = ours.findIndex(({ method, status }) => method === 'PATCH' && status !== null && status < 300);
  const asked = ours.slice(disabled + 1).find(({ method, status }) => method === 'GET' && status === 200);
  return asked === undefined ? undefined : heardAt.get(asked.n);
}

describe('the report of leavers', () => {
  it('agrees with what the endpoint saw to within a second over 500 leavers of a week, slow and throttled as it was', async () => {
    const people = crowd(600);
    const heardAt = new Map<number, number>();
    let now = (): number => 0;
    const test = await openTestHouse({
      idp: {
        liar: async ({ n }) => {
          heardAt.set(n, now());
          return null;
        },
      },
      mapping: `${mappingText()}guards: { explicitLeaver: 100% }\n`,
    });
    now = () => test.clock.nowMs();
    await test.sync(feed(people));
    await test.act('approve', { digest: test.live.connection.digest });
    let seed = 5;
    const dice = (most: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % most;
    };
    const gone = new Set<string>();
    for (let day = 0; day < 5; day += 1) {
      while (gone.size < (day + 1) * 100) gone.add(people[dice(people.length)]?.id ?? '');
      if (day % 2 === 1)
        test.idp.behaviours.add({
          method: 'PATCH',
          times: 20,
          act: { kind: 'answer', status: 503, headers: { 'retry-after': '2' } },
        });
      const terminated = people.map((one) => (gone.has(one.id) ? { ...one, status: 'T' } : one));
      for (let look = 0; look < 4; look += 1) {
        await comes(test, feed(terminated));
        await test.settle(10 * MINUTE);
      }
      test.clock.advance(DAY - 2 * HOUR);
    }
    const report = await leaversOf(test);
    expect(report.totals).toMatchObject({ people: 500, decided: 500, carried: 0, ends: { confirmed: 500, open: 0 } });
    let compared = 0;
    for (const line of report.lines) {
      const seen = inactiveAt(test, heardAt, line.worker);
      expect(seen, line.worker).toBeDefined();
      expect(Math.abs(msOf(line.confirmedAt ?? ('' as Instant)) - (seen ?? 0)), line.worker).toBeLessThanOrEqual(1_000);
      compared += 1;
    }
    expect(compared).toBe(500);
    expect(report.lateness?.worstMs).toBeGreaterThan(0);
  });

  it('says who lost the time: HR that told it late, or the target that took long', async () => {
    const people = crowd(60);
    const test = await openTestHouse();
    await test.sync(feed(people));
    await comes(test, feed(with_(people, { '1003': { end: '2026-11-24' } })));
    await test.settle(MINUTE);
    test.clock.advance(2 * DAY);
    await test.settle(MINUTE);
    const slow = test.idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 503 } });
    await comes(
      test,
      feed(with_(people, { '1003': { end: '2026-11-24', status: 'T' }, '1004': { status: 'T', end: '2026-11-20' } })),
    );
    await test.settle(10 * MINUTE);
    slow();
    await test.settle(10 * MINUTE);
    const { lines, totals } = await leaversOf(test);
    expect(lineOf(lines, '1003')).toMatchObject({
      effectiveAt: '2026-11-24T23:00:00.000Z',
      seenAt: expect.stringMatching(/^2026-11-23T11:00:02/),
      end: 'confirmed',
      late: 'us',
    });
    expect(lineOf(lines, '1004')).toMatchObject({
      effectiveAt: '2026-11-20T23:00:00.000Z',
      late: 'both',
      breach: true,
    });
    expect(totals).toMatchObject({ people: 2, breaches: 2, lateByHr: 1 });
  });

  it('counts everybody once: confirmed, open, without an account, taken back, carried over', async () => {
    const people = crowd(200);
    const test = await openTestHouse();
    await test.sync(feed([...people, { id: 'ahead', start: '2027-03-01', status: 'P' }]));
    const stuck = test.idp.behaviours.add({
      method: 'PATCH',
      path: `/Users/${test.idp.user('1004')?.id}`,
      act: { kind: 'answer', status: 400, body: '{}' },
    });
    const back = test.idp.behaviours.add({
      method: 'PATCH',
      path: `/Users/${test.idp.user('1005')?.id}`,
      act: { kind: 'answer', status: 400, body: '{}' },
    });
    const gone = { '1003': { status: 'T' }, '1004': { status: 'T' }, '1005': { status: 'T' } };
    await comes(test, feed([...with_(people, gone), { id: 'ahead', start: '2027-03-01', status: 'P' }]));
    await test.settle(5 * MINUTE);
    test.clock.advance(HOUR);
    back();
    await comes(
      test,
      feed([
        ...with_(people, { '1003': { status: 'T' }, '1004': { status: 'T' } }),
        { id: 'ahead', start: '2027-03-01', status: 'P' },
      ]),
    );
    await test.settle(5 * MINUTE);
    const report = await leaversOf(test);
    expect(report.totals).toMatchObject({ people: 3, ends: { confirmed: 1, open: 1, 'taken back': 1 } });
    expect(lineOf(report.lines, '1004')).toMatchObject({ end: 'open', confirmedAt: null, breach: true });
    test.clock.advance(7 * DAY);
    stuck();
    await test.settle(HOUR);
    const next = await leaversOf(test, period('2026-11-30T00:00:00Z', '2026-12-07T00:00:00Z'));
    expect(next.totals).toMatchObject({ people: 1, decided: 0, carried: 1, ends: { confirmed: 1 } });
    expect(next.reading).toMatchObject([{ cycles: 0, gaps: [{ from: WEEK.to, to: '2026-12-07T00:00:00.000Z' }] }]);
    expect(JSON.stringify(await leaversOf(test))).toBe(JSON.stringify(report));
  });

  it('names what was excepted, by whom and why, and what it stands on', async () => {
    const people = crowd(30);
    const test = await openTestHouse();
    await test.sync(feed(people));
    await comes(test, feed(people.map((one, at) => (at < 10 ? { ...one, status: 'T' } : one))));
    await test.settle(MINUTE);
    await test.act('stop-writes', { target: 'idp' });
    const report = await leaversOf(test);
    const excepted = report.exceptions.map(({ kind, what, by, reason }) => [kind, what, by, reason]);
    expect(excepted).toContainEqual(['approval', 'explicitLeaver, 10 item(s)', 'tester', 'a story']);
    expect(excepted).toContainEqual(['stop-writes', 'idp', 'tester', 'a story']);
    expect(report.mappings).toMatchObject([{ digest: test.live.connection.digest, approvedBy: null }]);
    // Ten people waited for the person who released them: the time counts from when their records said so.
    expect(report.totals).toMatchObject({ people: 10, decided: 10, ends: { confirmed: 10, 'taken back': 0, held: 0 } });
    const head = await test.house.store.audit.head();
    expect(report.head).toEqual({ seq: head.seq, hash: head.hash });
    expect(report.reading).toMatchObject([{ connection: 'acme', refused: 0, rejectedRows: 0 }]);
  });
});

describe('leavers whom a guard holds', () => {
  const held = (people: readonly Person[], count: number): string =>
    feed(people.map((one, at) => (at < count ? { ...one, status: 'T' } : one)));

  it('are counted as held, then as set aside, then as confirmed from the moment their record said so, or as taken back', async () => {
    const people = crowd(60);
    const test = await openTestHouse();
    await test.sync(feed(people));
    await test.sync(held(people, 5));
    const [hold] = await test.house.store.holds('acme');
    expect(hold?.kind).toBe('explicitLeaver');
    const first = await leaversOf(test);
    expect(first.totals).toMatchObject({
      people: 5,
      decided: 0,
      undecided: 5,
      carried: 0,
      breaches: 5,
      ends: { held: 5 },
    });
    expect(first.lines[0]).toMatchObject({
      worker: '1000',
      end: 'held',
      decidedAt: null,
      confirmedAt: null,
      late: 'us',
    });

    await test.act('discard', { digest: hold?.digest ?? '' });
    expect((await leaversOf(test)).totals).toMatchObject({ ends: { discarded: 5, held: 0 } });

    // Two come back, three are released three hours later.
    test.clock.advance(3 * HOUR);
    await test.sync(held(people, 3));
    expect((await leaversOf(test)).totals).toMatchObject({
      people: 5,
      ends: { held: 3, 'taken back': 2, discarded: 0 },
    });
    await test.approveAll();
    await test.sync();
    const last = await leaversOf(test);
    expect(last.totals).toMatchObject({ people: 5, decided: 3, undecided: 2, ends: { confirmed: 3, 'taken back': 2 } });
    for (const line of last.lines.filter(({ end }) => end === 'confirmed')) {
      expect(line.seenAt).toBe(first.lines[0]?.seenAt);
      expect(line.latenessMs).toBeGreaterThan(3 * HOUR);
      expect(line).toMatchObject({ breach: true, late: 'us' });
    }
    expect(last.exceptions.map(({ kind, what }) => [kind, what])).toEqual([
      ['discard', 'explicitLeaver, 5 item(s)'],
      ['approval', 'explicitLeaver, 3 item(s)'],
    ]);
  });

  it('are carried over the end of a period, whose report stays what it was, byte for byte', async () => {
    const people = crowd(60);
    const test = await openTestHouse();
    await test.sync(feed(people));
    await test.sync(held(people, 5));
    test.clock.set(WEEK.to);
    const report = JSON.stringify(await leaversOf(test));
    const csv = (over: Period) => latenessReport('leavers', test.house.store, over);
    const next = period('2026-11-30T00:00:00Z', '2026-12-07T00:00:00Z');
    expect((await csv(next)).totals).toMatchObject({ people: 5, undecided: 0, carried: 5, ends: { held: 5 } });
    await test.approveAll();
    await test.sync();
    expect((await csv(next)).totals).toMatchObject({ people: 5, ends: { confirmed: 5 }, breaches: 5 });
    await test.restart();
    expect(JSON.stringify(await leaversOf(test))).toBe(report);
  });
});

describe('who approved what', () => {
  it('names the person behind each mapping that raised limits, and behind each hold', async () => {
    const people = crowd(60);
    const test = await openTestHouse({ mapping: `${mappingText()}guards: { explicitLeaver: 50% }\n` });
    await test.sync(feed(people));
    const { digest } = test.live.connection;
    await test.act('approve', { digest });
    await test.sync(feed(people.map((one, at) => (at < 5 ? { ...one, status: 'T' } : one))));
    const report = await leaversOf(test);
    expect(report.mappings).toMatchObject([{ digest, approvedBy: 'tester' }]);
    expect(report.exceptions).toMatchObject([
      { kind: 'approval', what: `mapping ${digest}`, by: 'tester', reason: 'a story' },
    ]);
    expect(report.totals).toMatchObject({ people: 5, ends: { confirmed: 5 } });
  });
});

describe('the evidence that Rollcall ran and read', () => {
  it('counts rows that nobody could read, because nobody can say who of them left', async () => {
    const people = crowd(60);
    const test = await openTestHouse();
    await test.sync(feed(people));
    await test.sync(feed(with_(people, { '1003': { start: 'soon' }, '1004': { end: 'never' } })));
    expect((await leaversOf(test)).totals).toMatchObject({ people: 0, rejectedRows: 2 });
    await test.sync(feed(people));
    expect((await leaversOf(test)).totals.rejectedRows).toBe(0);
  });

  it('has an entry every few hours for a feed that says nothing new, and a gap where nobody read', async () => {
    const test = await openTestHouse();
    await test.sync(feed(crowd(5)));
    for (let hour = 0; hour < 48; hour += 1) {
      test.clock.advance(HOUR);
      await test.cycle();
    }
    test.clock.advance(3 * DAY);
    await test.cycle();
    const [reading] = (await leaversOf(test)).reading;
    expect(reading?.cycles).toBeGreaterThanOrEqual(8);
    expect(reading?.cycles).toBeLessThan(12);
    expect(reading?.gaps).toHaveLength(2);
    expect(reading?.gaps[1]?.to).toBe(WEEK.to);
  });
});

describe('the report of joiners', () => {
  it('says who was ready on day one, and who was not', async () => {
    const people = crowd(10);
    const test = await openTestHouse();
    await test.sync(feed(people));
    const ahead = { id: 'ahead', start: '2026-11-26' };
    const late = { id: 'late', start: '2026-11-26' };
    await comes(test, feed([...people, ahead]));
    await test.settle(MINUTE);
    test.clock.set(instantOfMs(msOf(instantOf('2026-11-25T23:00:00Z'))));
    await test.settle(10 * MINUTE);
    await comes(test, feed([...people, ahead, { ...late, start: '2026-11-20' }]));
    await test.settle(MINUTE);
    const report = await latenessReport('joiners', test.house.store, WEEK);
    expect(report.totals).toMatchObject({ people: 12, ends: { confirmed: 12 } });
    expect(lineOf(report.lines, 'ahead')).toMatchObject({ effectiveAt: '2026-11-25T23:00:00.000Z', late: 'nobody' });
    expect(lineOf(report.lines, 'ahead')?.latenessMs).toBeLessThan(MINUTE);
    expect(lineOf(report.lines, 'late')).toMatchObject({ effectiveAt: '2026-11-19T23:00:00.000Z', late: 'HR' });
  });
});
