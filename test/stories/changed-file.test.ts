// Edits of a connection file that would make other people of everybody, or forget somebody, stop with a message.
import { describe, expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const OTHER_KEY = mappingText({ '  id: record.ID': '  id: record.Last + "/" + record.ID' });
const inactive = (idp: { users: Map<string, { active?: unknown }> }): number =>
  [...idp.users.values()].filter(({ active }) => active === false).length;

describe('a changed worker.id', () => {
  it('stops the deliveries with a message and changes nobody', async () => {
    const { idp, sync, restart } = await openTestHouse();
    await sync(feed(crowd(60)));
    await restart(OTHER_KEY);
    const seen = idp.log.length;
    const report = await sync(feed(crowd(61)));
    expect(report).toMatchObject({ kind: 'refused', faults: [{ code: 'mapping.worker-id' }] });
    expect(idp.log.slice(seen)).toEqual([]);
    expect(idp.users.size).toBe(60);
    expect(inactive(idp)).toBe(0);
  });

  it('still lets an ordered leave through', async () => {
    const { idp, sync, restart, act, settle } = await openTestHouse();
    await sync(feed(crowd(60)));
    await restart(OTHER_KEY);
    await sync();
    expect((await act('leave', { worker: '1003' })).ok).toBe(true);
    await settle();
    expect(idp.user('1003')?.active).toBe(false);
  });

  it('goes on under its old expression as if nothing had been', async () => {
    const { idp, sync, restart } = await openTestHouse();
    await sync(feed(crowd(60)));
    await restart(OTHER_KEY);
    await sync();
    await restart(mappingText());
    const report = await sync(feed(crowd(61)));
    expect(report.kind).toBe('done');
    expect(idp.users.size).toBe(61);
  });

  it('counts once a person has approved the mapping, and the same keys cause no work', async () => {
    const { idp, sync, restart, act } = await openTestHouse();
    await sync(feed(crowd(60)));
    await restart(mappingText({ '  id: record.ID': '  id: record["ID"]' }));
    const refused = await sync();
    expect(refused.kind).toBe('refused');
    const digest = /approve ([0-9a-f]{8})/.exec(refused.faults[0]?.hint ?? '')?.[1] ?? '';
    expect((await act('approve', { digest })).ok).toBe(true);
    const seen = idp.log.length;
    expect((await sync()).kind).toBe('done');
    expect(idp.log.slice(seen)).toEqual([]);
  });
});

describe('a target or a connection that the files no longer name', () => {
  it('stops the start with a message and changes nobody', async () => {
    const { idp, sync, restart } = await openTestHouse();
    await sync(feed(crowd(5)));
    const seen = idp.log.length;
    await expect(restart(mappingText({ 'name: idp': 'name: other' }))).rejects.toMatchObject({
      faults: [{ code: 'target.vanished' }],
    });
    await expect(restart(mappingText({ 'connection: acme': 'connection: other' }))).rejects.toMatchObject({
      faults: [{ code: 'connection.vanished' }],
    });
    await restart(mappingText());
    expect(idp.log.slice(seen)).toEqual([]);
  });
});
