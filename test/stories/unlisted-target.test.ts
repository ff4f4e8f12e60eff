import { describe, expect, it } from 'vitest';
import type { Doorman } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const refusal = (status: number, scimType: string) => ({
  status,
  body: JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    scimType,
  }),
});

/** Only `userName eq`, and no list without a filter. */
const byNameOnly: Doorman = (asked, ask) => {
  if (asked.method !== 'GET' || !/^\/Users(\?|$)/.test(asked.path)) return ask(asked);
  const filter = new URLSearchParams(asked.path.split('?')[1] ?? '').get('filter');
  if (filter === null) return refusal(400, 'tooMany');
  return filter.startsWith('userName eq ') ? ask(asked) : refusal(400, 'invalidFilter');
};

const mapping = mappingText({ '    kind: scim\n': '    kind: scim\n    profile: google\n' });
const lookUps = (log: readonly { readonly path: string }[]) =>
  log
    .filter(({ path }) => path.startsWith('/Users?'))
    .map(({ path }) => new URLSearchParams(path.slice(7)).get('filter'));

describe('a target that lists nobody', () => {
  it('is met without a list, and each new worker is looked up by name once', async () => {
    const { idp, sync, stage } = await openTestHouse({ mapping, idp: { doorman: byNameOnly } });
    await sync(feed(crowd(3)));
    expect(lookUps(idp.log)).toEqual(
      ['1000', '1001', '1002'].map((id) => `userName eq "first${id}.last${id}@example.com"`),
    );
    expect(idp.users.size).toBe(3);
    expect(await stage('1000')).toBe('active/settled');
    const before = idp.log.length;
    await sync(feed(crowd(3)));
    expect(idp.log).toHaveLength(before);
  });

  it('keeps a name for whoever has it there, and holds an account of ours that it meets under a name', async () => {
    const users = [
      { userName: 'first1000.last1000@example.com', active: true, externalId: 'somebody' },
      { userName: 'first1001.last1001@example.com', active: true, externalId: '1001' },
      { userName: 'first1002.last1002@example.com', active: true },
      { userName: 'first1002.last10022@example.com', active: true, externalId: '1002' },
    ];
    const { idp, sync, house, approveAll } = await openTestHouse({ mapping, idp: { doorman: byNameOnly, users } });
    await sync(feed(crowd(3)));
    expect(idp.user('1000')?.userName).toBe('first1000.last10002@example.com');
    expect((await house.store.holds('acme'))[0]).toMatchObject({ kind: 'adoption', itemCount: 2 });
    expect(idp.users.size).toBe(5);
    await approveAll();
    await sync();
    expect(idp.users.size).toBe(5);
    expect(idp.user('1002')?.title).toBe('Clerk');
  });

  it('lets one whose question the target refuses wait alone, and asks for them again at the next look', async () => {
    const { idp, sync, stage } = await openTestHouse({ mapping, idp: { doorman: byNameOnly } });
    const refused = idp.behaviours.add({
      method: 'GET',
      path: '/Users?filter=userName%20eq%20%22first1001.last1001',
      act: { kind: 'answer', status: 400 },
    });
    const report = await sync(feed(crowd(4)));
    expect(report.tally).toMatchObject({ 'workers waiting for a target to answer': 1 });
    expect([...idp.users.values()].map(({ externalId }) => externalId).sort()).toEqual(['1000', '1002', '1003']);
    expect(await stage('1001')).toBe('unknown');
    refused();
    await sync(feed(crowd(4)));
    expect(await stage('1001')).toBe('active/settled');
    expect(idp.users.size).toBe(4);
  });

  it('asks no more in a plan once every question was refused', async () => {
    const { idp, sync } = await openTestHouse({ mapping, idp: { doorman: byNameOnly } });
    idp.behaviours.add({ method: 'GET', path: '/Users?filter', act: { kind: 'answer', status: 400 } });
    const report = await sync(feed(crowd(80)));
    expect(report.tally).toMatchObject({ 'workers waiting for a target to answer': 80 });
    expect(lookUps(idp.log).length).toBeLessThan(60);
    expect(idp.users.size).toBe(0);
  });

  it('does not make anybody whom it could not look up, and lets nobody else wait', async () => {
    const { idp, sync, stage, clock } = await openTestHouse({ mapping, idp: { doorman: byNameOnly } });
    await sync(feed(crowd(2)));
    const busy = idp.behaviours.add({
      method: 'GET',
      path: '/Users?filter',
      act: { kind: 'answer', status: 401 },
    });
    const feedWithNews = feed([
      ...crowd(2, (index) => (index === 0 ? { status: 'T', end: '2026-11-20' } : {})),
      { id: '2000' },
    ]);
    const report = await sync(feedWithNews);
    expect(report.tally).toMatchObject({ 'workers waiting for a target to answer': 1 });
    expect(idp.user('1000')?.active).toBe(false);
    expect(await stage('1000')).toBe('left/settled');
    expect(idp.user('2000')).toBeUndefined();
    busy();
    await clock.advance(120_000);
    await sync(feedWithNews);
    expect(idp.user('2000')?.active).toBe(true);
  });
});
