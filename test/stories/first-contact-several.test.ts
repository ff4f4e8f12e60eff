// A connection with two targets, of which one cannot be listed when the first people come.
import { describe, expect, it, onTestFinished } from 'vitest';
import { readUnmet } from '../../src/pipeline/first-contact.ts';
import { type FakeIdp, type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));

async function openWithTwo(
  options: { readonly other?: FakeIdpOptions; readonly source?: string } = {},
): Promise<TestHouse & { readonly other: FakeIdp }> {
  const other = await startFakeIdp({ token: 'let-me-in', idPrefix: 'other', ...options.other });
  onTestFinished(() => other.close());
  const text = mappingText(options.source === undefined ? {} : { 'stableMs: 0 }': options.source });
  const [before, target] = text.split('  - name: idp\n') as [string, string];
  const second = target.replace('{env:IDP_URL}', '{env:OTHER_URL}');
  const test = await openTestHouse({
    mapping: `${before}  - name: idp\n${target}  - name: other\n${second}`,
    environment: { OTHER_URL: other.url },
  });
  return Object.assign(test, { other });
}
const UNAUTHORISED = { kind: 'answer', status: 401 } as const;

describe('two targets of which one cannot be listed', () => {
  it('do not wait for each other: the one gets everybody at once, the other when it can be listed', async () => {
    const { idp, other, deliver, cycle, settle, house, stage } = await openWithTwo();
    const people = crowd(30);
    other.behaviours.add({ act: UNAUTHORISED });
    deliver(feed(people));
    expect(await cycle()).toMatchObject({ kind: 'done' });
    await settle();
    expect(idp.users.size).toBe(30);
    expect(other.writes()).toEqual([]);
    expect(await stage('1004')).toBe('active/settled');
    expect(await readUnmet(house.store, 'acme')).toMatchObject([
      { target: 'other', reason: expect.stringContaining('401') },
    ]);
    // The same file again while it is still so: nothing is sent to anybody.
    const requests = idp.log.length;
    expect(await cycle()).toMatchObject({ kind: 'unchanged' });
    await settle();
    expect(idp.log.length).toBe(requests);
    other.behaviours.clear();
    expect(await cycle()).toMatchObject({ kind: 'done' });
    await settle();
    expect(other.users.size).toBe(30);
    expect(other.members('All staff')).toHaveLength(30);
    expect(idp.log.length).toBe(requests);
    expect(await readUnmet(house.store, 'acme')).toEqual([]);
    expect(await cycle()).toMatchObject({ kind: 'unchanged' });
  });

  it('let leavers, the calendar and acts go on at the one, and make nobody at the other before it was listed', async () => {
    const { idp, other, deliver, cycle, settle, act, clock, stage } = await openWithTwo();
    const people = crowd(30, (index) => (index === 7 ? { end: '2026-11-24' } : {}));
    other.behaviours.add({ act: UNAUTHORISED });
    deliver(feed(people));
    await cycle();
    await settle();
    expect((await act('leave', { worker: '1004' })).ok).toBe(true);
    deliver(feed(changed(people, '1005', { title: 'Chief', manager: '1006' })));
    await cycle();
    clock.advance(2 * 24 * 60 * MINUTE);
    await settle();
    expect(idp.user('1004')?.active).toBe(false);
    expect(idp.user('1007')?.active).toBe(false);
    expect(idp.user('1005')?.title).toBe('Chief');
    expect(other.writes()).toEqual([]);
    other.behaviours.clear();
    await cycle();
    await settle();
    // Whoever has left by then gets no account there.
    expect(other.users.size).toBe(28);
    expect(other.user('1004')).toBeUndefined();
    expect(other.user('1005')?.title).toBe('Chief');
    expect(await stage('1004')).toBe('left/settled');
  });

  it('hold what the late one has of people who left meanwhile, for a person to release', async () => {
    const strangers = [{ userName: 'first1004.last1004@example.com', externalId: '1004', active: true }];
    const { other, deliver, cycle, settle, house, approveAll } = await openWithTwo({ other: { users: strangers } });
    const people = crowd(30);
    const stop = other.behaviours.add({ act: UNAUTHORISED });
    deliver(feed(people));
    await cycle();
    await settle();
    deliver(feed(changed(people, '1004', { status: 'T' })));
    await cycle();
    await settle();
    stop();
    await cycle();
    await settle();
    expect(await house.store.holds('acme')).toMatchObject([{ kind: 'adoption', itemCount: 1 }]);
    await approveAll();
    await cycle();
    await settle();
    expect(other.user('1004')?.active).toBe(false);
    expect(other.users.size).toBe(30);
  });

  it('do not wait for a listing that takes long: it goes on beside the cycle and wakes the source when it is done', async () => {
    const { idp, other, deliver, cycle, settle, clock, live } = await openWithTwo();
    const release = Promise.withResolvers<void>();
    other.behaviours.add({ method: 'GET', times: 1, act: { kind: 'hold', until: release.promise } });
    deliver(feed(crowd(30)));
    const cycling = cycle();
    await other.arrival(({ method }) => method === 'GET');
    await idp.arrival(({ method }) => method === 'GET');
    for (let turn = 0; turn < 200 && live.unmet.has('idp'); turn += 1) await new Promise((done) => setImmediate(done));
    clock.advance(5_000);
    expect(await cycling).toMatchObject({ kind: 'done' });
    await settle();
    expect(idp.users.size).toBe(30);
    const rings = live.wake.rings;
    const listing = live.meetings.get('other');
    expect(listing).toBeDefined();
    release.resolve();
    await listing;
    await new Promise((done) => setImmediate(done));
    expect(live.wake.rings).toBe(rings + 1);
    await cycle();
    await settle();
    expect(other.users.size).toBe(30);
  });

  it('both have to be there for a delta, whose rows do not come again', async () => {
    const { idp, other, deliver, cycle, settle } = await openWithTwo({ source: 'stableMs: 0, content: delta }' });
    other.behaviours.add({ act: UNAUTHORISED });
    deliver(feed(crowd(5)));
    expect(await cycle()).toMatchObject({ kind: 'refused' });
    expect(idp.users.size).toBe(0);
    other.behaviours.clear();
    expect(await cycle()).toMatchObject({ kind: 'done' });
    await settle();
    expect([idp.users.size, other.users.size]).toEqual([5, 5]);
  });

  it('are refused together where neither can be listed', async () => {
    const { idp, other, deliver, cycle } = await openWithTwo();
    for (const one of [idp, other]) one.behaviours.add({ act: UNAUTHORISED });
    deliver(feed(crowd(5)));
    expect(await cycle()).toMatchObject({ kind: 'refused', reason: expect.stringContaining('401') });
  });
});
