import { describe, expect, it } from 'vitest';
import type { Confirmation } from '../../../src/targets/target.ts';
import {
  acceptedOf,
  accountOf,
  creates,
  leaver,
  openOktaDesk,
  operation,
  peopled,
  person,
  standing,
} from '../../support/okta-desk.ts';

const loads = (log: readonly { readonly method: string; readonly path: string }[], verb = 'bulk-upsert') =>
  log.filter(({ method, path }) => method === 'POST' && path.endsWith(verb));
const opened = (log: readonly { readonly method: string; readonly path: string }[]) =>
  log.filter(({ method, path }) => method === 'POST' && path.endsWith('/sessions'));

describe('many joiners', () => {
  it('travel in one session, 200 in a call, and are done when each of them has been read', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(450);
    const delivered = await desk.deliverAll(joiners);
    expect(new Set(delivered.map(({ outcome }) => outcome.class))).toEqual(new Set(['accepted']));
    expect(loads(desk.okta.log).map(({ path }) => path)).toHaveLength(3);
    expect(desk.okta.state.core.size).toBe(0);
    // Each record's own intent is there before it leaves.
    expect(desk.intents).toHaveLength(450);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    const told = await desk.confirmAll(waiting);
    expect(told.size).toBe(450);
    expect([...told.values()].every(({ outcome }) => outcome.class === 'done')).toBe(true);
    expect(told.get(1)?.account).toEqual({ remoteId: desk.okta.state.coreOf('1000')?.id, active: true });
    expect(opened(desk.okta.log)).toHaveLength(1);
    expect(desk.okta.violations).toEqual([]);
  });

  it('stay below 200 KB in a call, whatever is in their records', async () => {
    await using desk = await openOktaDesk();
    const fat = creates(60).map((one) => ({
      ...one,
      payload: person(Number(one.workerKey) - 1000, {
        attributes: { email: 'someone@example.com', firstName: 'A', lastName: 'B', about: 'ü'.repeat(5_000) },
      }),
    }));
    await desk.deliverAll(fat);
    expect(loads(desk.okta.log).length).toBeGreaterThan(2);
    expect(desk.okta.violations).toEqual([]);
  });

  it('wait for the next session where one is under way, and never open a second within five minutes', async () => {
    await using desk = await openOktaDesk();
    const first = creates(50);
    const delivered = await desk.deliverAll(first);
    await desk.confirmAll(first.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())));
    const second = creates(50, 50);
    const before = desk.clock.nowMs();
    const later = await desk.deliverAll(second);
    expect(later[0]?.outcome.class).toBe('accepted');
    expect(desk.clock.nowMs() - before).toBeGreaterThan(60_000);
    expect(opened(desk.okta.log)).toHaveLength(2);
    expect(desk.okta.violations).toEqual([]);
  });

  it('wait for somebody else’s session, and do not touch it', async () => {
    await using desk = await openOktaDesk();
    desk.okta.state.sessions.push({
      id: 'theirs',
      status: 'IN_PROGRESS',
      createdMs: desk.clock.nowMs(),
      updatedMs: desk.clock.nowMs(),
      endsMs: 0,
      loads: [],
    });
    const delivered = await desk.deliverAll(creates(20));
    // It expired there after a day of idleness.
    expect(desk.okta.state.sessions[0]?.status).toBe('EXPIRED');
    expect(delivered[0]?.outcome.class).toBe('accepted');
    expect(desk.okta.log.some(({ method, path }) => method === 'DELETE' && path.includes('theirs'))).toBe(false);
    expect(desk.okta.violations).toEqual([]);
  });

  it('wait no longer for a session that was refused while the clock was ahead', async () => {
    await using desk = await openOktaDesk({ memory: { value: null } });
    const AHEAD_MS = 400 * 86_400_000;
    desk.clock.advance(AHEAD_MS);
    const [createdMs, updatedMs] = [desk.clock.nowMs(), desk.clock.nowMs()];
    desk.okta.state.sessions.push({ id: 'theirs', status: 'COMPLETED', createdMs, updatedMs, endsMs: 0, loads: [] });
    let wanted = true;
    const journal = { ...desk.journal, wanted: () => wanted };
    const delivering = desk.target.deliverMany(
      creates(20).map((one) => ({ operation: one, journal })),
      desk.signal,
    );
    await desk.settled(desk.clock.wait(60_000, desk.signal));
    expect(opened(desk.okta.log).length).toBeGreaterThan(0);
    wanted = false;
    desk.target.reconsider();
    await desk.settled(Promise.all(delivering));
    desk.okta.state.sessions.length = 0;
    desk.clock.advance(-AHEAD_MS);
    const from = desk.clock.nowMs();
    expect((await desk.deliverAll(creates(20)))[0]?.outcome.class).toBe('accepted');
    expect(desk.clock.nowMs() - from).toBeLessThan(10 * 60_000);
  });

  it('come back unsent when they are not wanted any more, while they wait for a session', async () => {
    await using desk = await openOktaDesk({ memory: { value: null } });
    desk.okta.state.sessions.push({
      id: 'theirs',
      status: 'TRIGGERED',
      createdMs: desk.clock.nowMs(),
      updatedMs: desk.clock.nowMs(),
      endsMs: Number.MAX_SAFE_INTEGER,
      loads: [],
    });
    let wanted = true;
    const journal = { ...desk.journal, wanted: () => wanted };
    const delivering = desk.target.deliverMany(
      creates(20).map((one) => ({ operation: one, journal })),
      desk.signal,
    );
    await desk.settled(desk.clock.wait(60_000, desk.signal));
    wanted = false;
    desk.target.reconsider();
    const delivered = await desk.settled(Promise.all(delivering));
    expect(new Set(delivered.map(({ outcome }) => outcome.code))).toEqual(new Set(['not-sent']));
    expect(desk.intents).toEqual([]);
  });

  it('are understood where a new session is answered as a list of one', async () => {
    await using desk = await openOktaDesk({ fake: { sessionAs: 'list' } });
    const delivered = await desk.deliverAll(creates(20));
    expect(delivered.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
  });

  it('lose nothing to one record that Okta refuses: the load is halved until it stands alone', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(40);
    // The 31st is refused by Okta, and with it the whole call.
    const poisoned = joiners.map((one, index) =>
      index === 30 ? { ...one, payload: person(30, { externalId: `${'x'.repeat(200)}` }) } : one,
    );
    const lift = desk.okta.answers(
      { method: 'POST', path: /bulk-upsert/, body: /x{200}/ },
      { status: 400, body: { errorSummary: 'no such id' } },
    );
    const delivered = await desk.deliverAll(poisoned);
    lift();
    expect(delivered.filter(({ outcome }) => outcome.class === 'accepted')).toHaveLength(39);
    expect(delivered[30]?.outcome).toMatchObject({ class: 'permanent', detail: 'no such id' });
  });

  it('are refused before anything is sent where a value cannot be taken', async () => {
    await using desk = await openOktaDesk();
    const long = person(1, { attributes: { email: 'a@example.com', firstName: 'x'.repeat(51) } });
    const [list, name, mail] = await desk.deliverAll([
      operation(
        'create',
        person(0, { attributes: { email: 'a@example.com', tags: ['a', 'b'] } }),
        accountOf(person(0)),
      ),
      operation('create', long, accountOf(long)),
      operation('create', person(2, { attributes: {} }), accountOf(person(2))),
    ]);
    expect(list?.outcome).toMatchObject({
      class: 'permanent',
      code: 'invalid-value',
      detail: expect.stringContaining('tags'),
    });
    expect(name?.outcome.detail).toContain('firstName has 51 characters');
    expect(mail?.outcome.detail).toContain('email is blank');
    expect(desk.okta.log).toEqual([]);
  });
});

describe('a session that goes wrong', () => {
  it('that ends in ERROR is loaded anew', async () => {
    await using desk = await openOktaDesk();
    desk.okta.state.failNext = true;
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    const told = await desk.confirmAll(waiting);
    expect([...new Set([...told.values()].map(({ outcome }) => outcome.code))]).toEqual(['session-failed']);
    expect([...told.values()].every(({ outcome }) => outcome.class === 'retry' && !outcome.countsAsAttempt)).toBe(true);
    const again = await desk.deliverAll(joiners.map((one) => ({ ...one, ambiguous: true })));
    const done = await desk.confirmAll(
      joiners.map((one, index) => acceptedOf(one, again[index] as never, desk.clock.nowMs())),
    );
    expect([...done.values()].every(({ outcome }) => outcome.class === 'done')).toBe(true);
    expect(desk.okta.state.core.size).toBe(20);
    expect(desk.okta.violations).toEqual([]);
  });

  it('like those before it is told, for as long as it goes on', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const stalls: (string | undefined)[] = [];
    const told = async () =>
      (await desk.settled(desk.target.confirmation?.confirm([], desk.signal) as never)) as Confirmation;
    for (let round = 1; round <= 4; round += 1) {
      desk.okta.state.failNext = round <= 3;
      const delivered = await desk.deliverAll(joiners.map((one) => ({ ...one, ambiguous: round > 1 })));
      await desk.confirmAll(
        joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
      );
      stalls.push((await told()).stalled?.code);
    }
    expect(stalls).toEqual([undefined, undefined, 'sessions-fail', undefined]);
    expect(desk.okta.violations).toEqual([]);
  });

  it('whose start was answered by silence is asked whether it runs', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    desk.okta.answers({ method: 'POST', path: /start-import/, times: 1 }, 'lose');
    const told = await desk.confirmAll(
      joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect(told.size).toBe(20);
    expect(desk.okta.violations).toEqual([]);
  });

  it('a record that an import left out is refused with what a person can do, once it had time to be shown', async () => {
    await using desk = await openOktaDesk();
    desk.okta.state.refuses.add('1003');
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const told = await desk.confirmAll(
      joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect(told.get(4)?.outcome).toMatchObject({
      class: 'permanent',
      code: 'not-imported',
      detail: expect.stringContaining('Import Monitoring'),
    });
    expect([...told.values()].filter(({ outcome }) => outcome.class === 'done')).toHaveLength(19);
  });

  it('a userName that somebody else holds at Okta never makes their account ours', async () => {
    await using desk = await openOktaDesk();
    desk.okta.state.core.set('00u-other', {
      id: '00u-other',
      status: 'ACTIVE',
      shownStatus: 'ACTIVE',
      settlesMs: 0,
      profile: { login: 'p3@example.com', employeeNumber: 'somebody' },
      revoked: 0,
    });
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const told = await desk.confirmAll(
      joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect(told.get(4)?.outcome.code).toBe('not-imported');
    expect(told.get(4)?.account).toBeUndefined();
  });
});

describe('a full session', () => {
  it('whose start Okta did not take is started at a later look, and nobody waits for ever behind it', async () => {
    await using desk = await openOktaDesk({ fake: { importMs: 1_000 } });
    const current = creates(200 * 51).map((one) => ({ ...one, id: one.id }));
    desk.okta.answers({ method: 'POST', path: /start-import/, times: 1 }, { status: 503 });
    const delivering = desk.target.deliverMany(
      current.map((operation) => ({ operation, journal: { ...desk.journal } })),
      desk.signal,
    );
    const first = await desk.settled(Promise.all(delivering.slice(0, 10_000)));
    expect(first.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    await desk.confirm([]);
    desk.clock.advance(60_000);
    await desk.confirm([]);
    const rest = await desk.settled(Promise.all(delivering.slice(10_000)));
    expect(rest.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    expect(desk.okta.state.sessions.map(({ loads: { length } }) => length)).toEqual([50, 1]);
    expect(desk.okta.violations).toEqual([]);
  });
});

describe('while writes are stopped', () => {
  it('no session is started, neither on the way out nor behind a restart', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    desk.clock.advance(60_000);
    desk.stops.stopped = true;
    expect(await desk.confirm(waiting)).toEqual([]);
    await desk.target.close();
    await using later = await openOktaDesk({ beside: desk, memory: desk.memory });
    later.stops.stopped = true;
    expect(await later.confirm(waiting)).toEqual([]);
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['IN_PROGRESS']);
    later.stops.stopped = false;
    await later.confirm(waiting);
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['TRIGGERED']);
  });

  it('a session that is full just then is not started either, and none is opened', async () => {
    await using desk = await openOktaDesk();
    await desk.deliverAll(creates(20));
    desk.stops.stopped = true;
    const delivering = desk.target.deliverMany(
      creates(20 + 200 * 50)
        .slice(20)
        .map((operation) => ({ operation, journal: { ...desk.journal } })),
      desk.signal,
    );
    await desk.settled(Promise.all(delivering.slice(0, 200 * 49)));
    expect(desk.okta.state.sessions.map(({ status, loads }) => [status, loads.length])).toEqual([['IN_PROGRESS', 50]]);
    desk.stops.stopped = false;
    desk.clock.advance(60_000);
    await desk.confirm([]);
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['TRIGGERED']);
    await using empty = await openOktaDesk();
    empty.stops.stopped = true;
    void empty.target.deliverMany(
      creates(20).map((operation) => ({ operation, journal: { ...empty.journal } })),
      empty.signal,
    );
    await empty.settled(empty.clock.wait(120_000));
    expect(empty.okta.state.sessions).toEqual([]);
  });
});

describe('after a restart', () => {
  it('nothing waits that was loaded before an orderly end: the session was started on the way out', async () => {
    await using desk = await openOktaDesk();
    await desk.deliverAll(creates(20));
    await desk.target.close();
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['TRIGGERED']);
  });

  it('a session that was loaded and not started is found again, started, and confirmed', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['IN_PROGRESS']);
    await using later = await openOktaDesk({ beside: desk, memory: desk.memory });
    const told = await later.confirmAll(waiting);
    expect([...told.values()].every(({ outcome }) => outcome.class === 'done')).toBe(true);
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['COMPLETED']);
    expect(desk.okta.violations).toEqual([]);
  });

  it('a session that Okta did not start at once is started at a later look', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    await using later = await openOktaDesk({ beside: desk, memory: desk.memory });
    const lift = desk.okta.answers({ method: 'POST', path: /start-import/ }, { status: 503 });
    expect(await later.confirm(waiting)).toEqual([]);
    lift();
    desk.clock.advance(60_000);
    await later.confirm(waiting);
    expect(desk.okta.state.sessions.map(({ status }) => status)).toEqual(['TRIGGERED']);
    expect(desk.okta.violations).toEqual([]);
  });

  it('a session that was left behind for hours is cancelled, and what it held is loaded anew', async () => {
    await using desk = await openOktaDesk();
    const joiners = creates(20);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    desk.clock.advance(3 * 3_600_000);
    await using later = await openOktaDesk({ beside: desk, memory: desk.memory });
    const told = await later.confirmAll(waiting);
    expect([...told.values()].every(({ outcome }) => outcome.code === 'session-failed')).toBe(true);
    expect(desk.okta.state.sessions).toEqual([]);
    expect(desk.okta.state.core.size).toBe(0);
    expect(desk.okta.violations).toEqual([]);
  });

  it('a session whose opening was never heard of is used, not waited for', async () => {
    await using desk = await openOktaDesk();
    desk.okta.answers({ method: 'POST', path: /\/sessions$/, times: 1 }, 'lose');
    const memory = { value: { session: '', opening: true, lastMs: 0 } };
    desk.okta.state.sessions.push({
      id: 'lost',
      status: 'CREATED',
      createdMs: desk.clock.nowMs(),
      updatedMs: desk.clock.nowMs(),
      endsMs: 0,
      loads: [],
    });
    await using later = await openOktaDesk({ beside: desk, memory });
    const delivered = await later.deliverAll(creates(20));
    expect(delivered[0]?.outcome.class).toBe('accepted');
    expect(desk.okta.state.sessions.map(({ id, status }) => [id, status])).toEqual([['lost', 'IN_PROGRESS']]);
  });
});

describe('a few changes', () => {
  it('go by calls for single entities, and are done at once', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 3);
    const moved = person(1, { attributes: { ...person(1).attributes, department: 'Research' } });
    const [delivered] = await desk.deliverAll([operation('update', moved, standing(desk.okta, 1))]);
    expect(delivered?.outcome.class).toBe('done');
    expect(desk.okta.state.users.get('1001')?.profile.department).toBe('Research');
    expect(desk.okta.state.sessions).toEqual([]);
  });

  it('never overtake an older upload of the same person that a session may still apply', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 20);
    const many = Array.from({ length: 20 }, (_, n) =>
      operation(
        'update',
        person(n, { attributes: { ...person(n).attributes, department: 'Old' } }),
        standing(desk.okta, n),
        { id: n + 1 },
      ),
    );
    const delivered = await desk.deliverAll(many);
    const newer = operation(
      'update',
      person(3, { attributes: { ...person(3).attributes, department: 'New' } }),
      standing(desk.okta, 3),
      { id: 99, ambiguous: true },
    );
    const delivering = desk.target.deliver(newer, desk.journal, desk.signal);
    const waiting = many.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    const second = await desk.settled(delivering);
    await desk.confirmAll([
      ...waiting.filter(({ externalId }) => externalId !== '1003'),
      acceptedOf(newer, second, desk.clock.nowMs()),
    ]);
    expect(desk.okta.state.users.get('1003')?.profile.department).toBe('New');
    expect(desk.okta.state.users.get('1004')?.profile.department).toBe('Old');
    expect(desk.okta.violations).toEqual([]);
  });

  it('a value that is to go is sent as an empty text, and confirmed as gone', async () => {
    await using desk = await openOktaDesk({ okta: { singleEntityMax: 0 } });
    await peopled(desk, 2);
    const { department: _, ...rest } = person(1).attributes as Record<string, string>;
    const cleared = operation('update', person(1, { attributes: rest }), standing(desk.okta, 1));
    const [delivered] = await desk.deliverAll([cleared]);
    const told = await desk.confirmAll([acceptedOf(cleared, delivered as never, desk.clock.nowMs())]);
    expect(told.get(1)?.outcome.class).toBe('done');
    expect(desk.okta.state.users.get('1001')?.profile.department).toBeUndefined();
  });
});

describe('somebody who shall have no access yet', () => {
  it('is not uploaded before the access, whatever changes meanwhile', async () => {
    await using desk = await openOktaDesk();
    const early = person(1, { active: false });
    const made = await desk.deliver(operation('create', early, accountOf(early)));
    const changed = await desk.deliver(operation('update', early, accountOf(early, { active: false })));
    expect([made.outcome.code, changed.outcome.code]).toEqual(['uploaded-when-active', 'uploaded-when-active']);
    expect(desk.okta.log).toEqual([]);
  });

  it('is uploaded and deactivated in one go where the file says so', async () => {
    await using desk = await openOktaDesk({ okta: { preboarding: 'deactivate' } });
    const early = person(1, { active: false });
    const made = await desk.deliver(operation('create', early, accountOf(early)));
    expect(made.outcome.class).toBe('done');
    expect(made.account?.active).toBe(false);
    expect(desk.okta.state.coreOf('1001')?.status).toBe('DEPROVISIONED');
  });
});

describe('a rehire', () => {
  it('fails visibly where an upload does not give the access back', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    await desk.deliver(leaver(desk.okta, 1));
    const back = operation('enable', person(1), standing(desk.okta, 1), { id: 5 });
    const delivered = await desk.deliver(back);
    const told = await desk.confirmAll([acceptedOf(back, delivered, desk.clock.nowMs())]);
    expect(told.get(5)?.outcome).toMatchObject({
      class: 'permanent',
      code: 'not-reactivated',
      detail: expect.stringContaining('okta.reactivate'),
    });
  });

  it('is active again where an upload does', async () => {
    await using desk = await openOktaDesk({ fake: { upsertReactivates: true } });
    await peopled(desk, 2);
    await desk.deliver(leaver(desk.okta, 1));
    const delivered = await desk.deliver(operation('enable', person(1), standing(desk.okta, 1)));
    expect(delivered.outcome.class).toBe('done');
    expect(desk.okta.state.coreOf('1001')?.status).toBe('ACTIVE');
  });

  it('is activated by the Users API where the file says so', async () => {
    await using desk = await openOktaDesk({ okta: { reactivate: 'activate' } });
    await peopled(desk, 2);
    await desk.deliver(leaver(desk.okta, 1));
    const delivered = await desk.deliver(operation('enable', person(1), standing(desk.okta, 1)));
    expect(delivered.outcome.class).toBe('done');
    expect(delivered.account).toEqual({ remoteId: desk.okta.state.coreOf('1001')?.id, active: true });
    expect(desk.okta.state.core.size).toBe(2);
  });
});
