// A target that throttles, fails, refuses or is away: nothing fails by it, everything settles once it is back, leavers first.
import { describe, expect, it, onTestFinished } from 'vitest';
import { instantOfMs, msOf } from '../../src/base/instant.ts';
import { readDispatchStates } from '../../src/pipeline/dispatch-state.ts';
import type { Act, LoggedRequest } from '../support/fake-idp.ts';
import { openGateway } from '../support/gateway.ts';
import { comes, crowd, feed, NOON, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const changed = (people: readonly Person[], ids: readonly string[], change: Partial<Person>): readonly Person[] =>
  people.map((person) => (ids.includes(person.id) ? { ...person, ...change } : person));

interface Moody {
  /** Asked at every arrival; null: as usual. */
  mood: (request: LoggedRequest, openRequests: number) => Act | null;
}

/** A house whose target answers as the mood of the moment says. */
async function openMoodyHouse(
  options: Parameters<typeof openTestHouse>[0] = {},
): Promise<TestHouse & { moody: Moody }> {
  const moody: Moody = { mood: () => null };
  let idp: TestHouse['idp'] | null = null;
  const liar = async (request: LoggedRequest): Promise<Act | null> =>
    moody.mood(request, idp?.log.filter(({ endedAt }) => endedAt === null).length ?? 1);
  const test = await openTestHouse({ ...options, idp: { ...options.idp, liar } });
  idp = test.idp;
  return Object.assign(test, { moody });
}

const failedIn = async ({ house }: TestHouse): Promise<number> =>
  (await house.store.queueDepths())
    .filter(({ state }) => state === 'failed')
    .reduce((sum, { operations }) => sum + operations, 0);
const openIn = async ({ house }: TestHouse): Promise<number> =>
  (await house.store.queueDepths())
    .filter(({ state }) => state === 'queued' || state === 'sending')
    .reduce((sum, { operations }) => sum + operations, 0);
/** Results that said failed, at any time. */
const everFailed = async ({ house }: TestHouse): Promise<number> => {
  const results = await house.store.audit.tail(100_000, { kinds: ['result'] });
  return results.filter(({ body }) => body.state === 'failed' || body.delivery === 'failed').length;
};
const answer = (status: number, headers: Record<string, string> = {}): Act => ({ kind: 'answer', status, headers });

function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('a target in trouble', () => {
  it.each([
    ['that spares nobody', 1],
    ['that lets one request in four through', 0.75],
  ])('costs no failed transition by an hour of 429, 500, 503 and resets %s', async (_, share) => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle, settle, clock, stage } = test;
    const people = crowd(40);
    deliver(feed(people.slice(0, 20)));
    await cycle();
    await settle();
    const end = clock.nowMs() + HOUR;
    const roll = dice(11);
    const storm: readonly Act[] = [answer(429), answer(503), answer(500), { kind: 'reset' }, { kind: 'loseReply' }];
    let met = 0;
    moody.mood = () => {
      if (clock.nowMs() >= end || roll() >= share) return null;
      met += 1;
      return storm[Math.floor(roll() * storm.length)] ?? null;
    };
    await comes(test, feed(changed(people, ['1003', '1007'], { status: 'T' })));
    await using shift = await test.shift();
    await shift.pass(HOUR);
    expect(met).toBeGreaterThan(20);
    expect(await failedIn(test)).toBe(0);
    clock.set(instantOfMs(Math.max(end, clock.nowMs())));
    await shift.pass(10 * MINUTE);
    expect(await everFailed(test)).toBe(0);
    expect(await openIn(test)).toBe(0);
    expect(idp.users.size).toBe(40);
    expect(new Set([...idp.users.values()].map(({ externalId }) => externalId)).size).toBe(40);
    expect(new Set(idp.members('All staff')).size).toBe(38);
    for (const id of ['1003', '1007']) {
      expect(idp.user(id)?.active).toBe(false);
      expect(await stage(id)).toBe('left/settled');
    }
  });

  it.each(['refused', '503'] as const)(
    'that is away for a day (%s) delivers everything once it is back, leavers within a minute',
    async (how) => {
      const gateway = await openGateway();
      onTestFinished(() => gateway[Symbol.asyncDispose]());
      const test = await openMoodyHouse({ environment: { IDP_URL: gateway.url('http://127.0.0.1/scim/v2') } });
      const { idp, moody, deliver, cycle, settle, clock, stage } = test;
      gateway.leadTo(idp.url);
      const people = crowd(40);
      deliver(feed(people.slice(0, 25)));
      await cycle();
      await settle();
      const back = clock.nowMs() + 24 * HOUR;
      if (how === 'refused') await gateway.down();
      else moody.mood = () => (clock.nowMs() < back ? answer(503) : null);
      const leavers = ['1001', '1002', '1003'];
      await comes(test, feed(changed(people, leavers, { status: 'T' })));
      await using shift = await test.shift();
      await shift.pass(10 * MINUTE);
      // A day in strides: each ends a wait or two.
      while (clock.nowMs() < back - 30 * MINUTE) {
        clock.advance(20 * MINUTE);
        await shift.pass(SECOND);
      }
      await shift.pass(back - clock.nowMs() - 1);
      expect(await failedIn(test)).toBe(0);
      expect(leavers.map((id) => idp.user(id)?.active)).toEqual(leavers.map(() => true));
      if (how === 'refused') await gateway.up();
      clock.set(instantOfMs(back));
      await shift.pass(MINUTE);
      for (const id of leavers) {
        expect(idp.user(id)?.active).toBe(false);
        const entries = await test.house.store.audit.entriesOf('acme', id);
        const confirmed = entries.findLast(({ kind, body }) => kind === 'result' && body.what === 'disable');
        expect(msOf(confirmed?.at ?? NOON)).toBeLessThanOrEqual(back + MINUTE);
      }
      await shift.pass(10 * MINUTE);
      expect(await openIn(test)).toBe(0);
      expect(await everFailed(test)).toBe(0);
      expect(idp.users.size).toBe(40);
      expect(await stage('1039')).toBe('active/settled');
    },
  );

  it('is probed by one request at a time while it is down, and by a leaver as soon as there is one', async () => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle, settle, act, house } = test;
    const people = crowd(60);
    deliver(feed(people.slice(0, 10)));
    await cycle();
    await settle();
    moody.mood = () => answer(503);
    await comes(test, feed(people));
    await using shift = await test.shift();
    await shift.pass(10 * SECOND);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'open', why: 'http-503' } });
    expect(await readDispatchStates(house.store)).toMatchObject({ idp: { state: 'open', why: 'http-503' } });
    let atOnce = 0;
    const before = idp.log.length;
    moody.mood = (_, open) => {
      atOnce = Math.max(atOnce, open);
      return answer(503);
    };
    await shift.pass(5 * MINUTE);
    const probes = idp.log.length - before;
    expect(atOnce).toBe(1);
    expect(probes).toBeGreaterThan(3);
    expect(probes).toBeLessThan(60);
    const next = idp.log.length;
    expect((await act('leave', { worker: '1004' })).ok).toBe(true);
    await shift.pass(MINUTE);
    expect(idp.log[next]).toMatchObject({ method: 'PATCH', path: `/Users/${idp.user('1004')?.id}` });
    moody.mood = () => null;
    await shift.pass(10 * MINUTE);
    expect(idp.user('1004')?.active).toBe(false);
    expect(idp.users.size).toBe(60);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'closed', why: '' } });
    expect(await readDispatchStates(house.store)).toMatchObject({ idp: { state: 'closed', why: '' } });
  });

  it.each([
    ['429 with seconds', 429, () => '600'],
    ['503 with a date', 503, (now: number) => new Date(now + 600 * SECOND).toUTCString()],
  ])(
    'that asks for ten minutes of patience (%s) is left alone by all, and by leavers for one',
    async (_, status, form) => {
      const test = await openMoodyHouse();
      const { idp, moody, deliver, cycle, settle, clock, act } = test;
      const people = crowd(40);
      deliver(feed(people.slice(0, 10)));
      await cycle();
      await settle();
      const arrivals: { readonly at: number; readonly method: string; readonly body: string }[] = [];
      let asked: number | null = null;
      moody.mood = ({ method, body }) => {
        arrivals.push({ at: clock.nowMs(), method, body });
        if (asked !== null) return null;
        asked = clock.nowMs();
        return answer(status, { 'retry-after': form(asked), date: new Date(asked).toUTCString() });
      };
      await comes(test, feed(people));
      await using shift = await test.shift();
      await shift.pass(30 * SECOND);
      expect((await act('leave', { worker: '1004' })).ok).toBe(true);
      await shift.pass(20 * MINUTE);
      const from = asked ?? 0;
      const during = arrivals.filter(({ at }) => at > from && at < from + 590 * SECOND);
      const disables = during.filter(({ body }) => body.includes('"active"'));
      expect(disables[0]?.at).toBeGreaterThanOrEqual(from + 59 * SECOND);
      expect(disables[0]?.at).toBeLessThanOrEqual(from + 62 * SECOND);
      expect(during.filter(({ method }) => method === 'POST')).toEqual([]);
      expect(idp.users.size).toBe(40);
      expect(idp.user('1004')?.active).toBe(false);
      expect(await everFailed(test)).toBe(0);
    },
  );

  it('whose credentials it does not accept any more is asked once in a while, and nothing fails by it', async () => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle } = test;
    moody.mood = ({ method }) => (method === 'POST' ? answer(401) : null);
    deliver(feed(crowd(60)));
    await cycle();
    await using shift = await test.shift();
    await shift.pass(HOUR);
    // Eight connections at most were under way when the first 401 came; then one probe a minute.
    expect(idp.writes().length).toBeLessThan(8 + 130);
    expect(await failedIn(test)).toBe(0);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'open', why: 'http-401' } });
    moody.mood = () => null;
    await shift.pass(10 * MINUTE);
    expect(idp.users.size).toBe(60);
    expect(await openIn(test)).toBe(0);
    expect(await everFailed(test)).toBe(0);
  });
});

describe('an answer of 403', () => {
  it('to one worker fails that worker alone', async () => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle, settle, stage } = test;
    moody.mood = ({ method, body }) => (method === 'POST' && body.includes('Last1003') ? answer(403) : null);
    deliver(feed(crowd(30)));
    await cycle();
    await settle();
    expect(idp.users.size).toBe(29);
    expect(await stage('1003')).toBe('active/failed');
    expect(await failedIn(test)).toBe(1);
    expect(await readDispatchStates(test.house.store)).toEqual({});
  });

  it('to three workers in a row is the target’s: it is taken for down, and nobody fails by it', async () => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle, settle, act, stage } = test;
    const people = crowd(40);
    deliver(feed(people.slice(0, 10)));
    await cycle();
    await settle();
    moody.mood = () => answer(403);
    await comes(test, feed(people));
    await using shift = await test.shift();
    await shift.pass(30 * SECOND);
    expect((await act('leave', { worker: '1004' })).ok).toBe(true);
    await shift.pass(HOUR);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'open', why: 'http-403' } });
    expect(await failedIn(test)).toBe(0);
    moody.mood = () => null;
    await shift.pass(10 * MINUTE);
    expect(idp.users.size).toBe(40);
    expect(idp.user('1004')?.active).toBe(false);
    expect(await stage('1004')).toBe('left/settled');
    expect(await openIn(test)).toBe(0);
    expect(await failedIn(test)).toBe(0);
  });

  it('to four workers who are refused for what they are costs the others some seconds and ends as four failures', async () => {
    const test = await openMoodyHouse();
    const { idp, moody, deliver, cycle, settle } = test;
    const refused = ['1003', '1004', '1005', '1006'];
    moody.mood = ({ method, body }) =>
      method === 'POST' && refused.some((id) => body.includes(`Last${id}`)) ? answer(403) : null;
    deliver(feed(crowd(40)));
    await cycle();
    await settle(10 * MINUTE);
    expect(idp.users.size).toBe(36);
    expect(await failedIn(test)).toBe(4);
    expect(await openIn(test)).toBe(4);
  });
});
