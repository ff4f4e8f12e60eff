// HR drops its exports on an SFTP server; what is done with is put away there, and nothing is lost when the daemon dies in between.
import { describe, expect, test } from 'vitest';
import { feed, mappingText, openTestHouse, type Person } from '../support/house.ts';
import { type SftpServer, startSftpServer } from '../support/sftp-server.ts';

const PASSWORD = 'correct horse';
const PEOPLE: readonly Person[] = Array.from({ length: 8 }, (_, index) => ({ id: String(100 + index) }));

const mapping = (server: SftpServer, more = ''): string =>
  mappingText({
    'source: { kind: file, path: workers.csv, stableMs: 0 }': `source:
  kind: sftp
  host: 127.0.0.1
  port: ${server.port}
  hostKey: "${server.fingerprint}"
  auth: { kind: password, user: rollcall, password: "\${env:SFTP_PASSWORD}" }
  path: out/workers-*.csv
  stableMs: 0
  archive: done
${more}`,
  });

async function open(more = '') {
  const server = await startSftpServer({ password: PASSWORD });
  const house = await openTestHouse({ mapping: mapping(server, more), environment: { SFTP_PASSWORD: PASSWORD } });
  return { server, house };
}

describe('a drop on an SFTP server', () => {
  test('leads to accounts, is put away once it is done with, and the next day is another file', async () => {
    const { server, house } = await open();
    server.write('/out/workers-2026-11-22.csv', feed(PEOPLE));
    expect((await house.sync()).kind).toBe('done');
    expect(house.idp.users.size).toBe(PEOPLE.length);
    expect(server.paths()).toEqual(['/out/done/workers-2026-11-22.csv']);
    expect((await house.sync()).kind).toBe('nothing');

    server.write(
      '/out/workers-2026-11-23.csv',
      feed(PEOPLE.map((one) => ({ ...one, title: one.id === '100' ? 'Head' : 'Clerk' }))),
    );
    expect(await house.sync()).toMatchObject({ kind: 'done', delivery: 'workers-2026-11-23.csv' });
    expect(server.paths()).toEqual(['/out/done/workers-2026-11-22.csv', '/out/done/workers-2026-11-23.csv']);
  });

  test('stays where it is while anything of it is held, and is put away when that is released', async () => {
    const { server, house } = await open();
    server.write('/out/workers-2026-11-22.csv', feed(PEOPLE));
    await house.sync();
    const gone = PEOPLE.map((one, index) => ({
      ...one,
      end: index < 4 ? '2026-11-01' : '',
      status: index < 4 ? 'T' : 'A',
    }));
    server.write('/out/workers-2026-11-23.csv', feed(gone));
    expect((await house.sync()).kind).toBe('held');
    expect(server.paths()).toContain('/out/workers-2026-11-23.csv');
    await house.approveAll();
    const after = await house.sync();
    expect(after.kind).toBe('done');
    expect(server.paths()).toEqual(['/out/done/workers-2026-11-22.csv', '/out/done/workers-2026-11-23.csv']);
  });

  test('that could not be put away raises one alarm, is recognised after a restart, and is put away then', async () => {
    const { server, house } = await open();
    server.write('/out/workers-2026-11-22.csv', feed(PEOPLE));
    server.trouble = (operation) => (operation === 'RENAME' ? 'cut' : 'go');
    expect((await house.sync()).kind).toBe('done');
    expect(server.paths()).toEqual(['/out/workers-2026-11-22.csv']);
    expect(await house.house.store.alarms('acme')).toMatchObject([{ code: 'feed.not-archived', subject: 'source' }]);
    await house.sync();
    expect(await house.house.store.alarms('acme')).toHaveLength(1);

    server.trouble = () => 'go';
    const writes = house.idp.log.filter(({ method }) => method !== 'GET').length;
    await house.restart();
    expect((await house.sync()).kind).toBe('unchanged');
    expect(server.paths()).toEqual(['/out/done/workers-2026-11-22.csv']);
    expect(await house.house.store.alarms('acme')).toEqual([]);
    expect(house.idp.log.filter(({ method }) => method !== 'GET')).toHaveLength(writes);
    const entries = await house.house.store.audit.tail(1_000, { kinds: ['alarm'] });
    expect(entries.map(({ body }) => body.alarm)).toEqual(['raised', 'cleared']);
  });

  test('of deltas is taken one file after the other, each put away behind itself', async () => {
    const { server, house } = await open(
      '  content: delta\n  columns: [ID, First, Last, Status, Start, End, Manager, Dept, Title]',
    );
    server.write('/out/workers-1.csv', feed(PEOPLE.slice(0, 4)));
    server.write('/out/workers-2.csv', feed(PEOPLE.slice(4)));
    await house.sync();
    expect(server.paths()).toEqual(['/out/done/workers-1.csv', '/out/workers-2.csv']);
    await house.sync();
    expect(server.paths()).toEqual(['/out/done/workers-1.csv', '/out/done/workers-2.csv']);
    expect(house.idp.users.size).toBe(PEOPLE.length);
  });

  test('that cannot be reached is a refused cycle that touches nobody', async () => {
    const { server, house } = await open();
    server.write('/out/workers-2026-11-22.csv', feed(PEOPLE));
    await house.sync();
    server.write('/out/workers-2026-11-23.csv', feed(PEOPLE.slice(0, 2)));
    for (const where of ['OPENDIR', 'OPEN', 'READ']) {
      server.trouble = (operation) => (operation === where ? 'cut' : 'go');
      const report = await house.sync();
      expect([report.kind, report.faults[0]?.code]).toEqual(['refused', 'source.unreachable']);
    }
    for (const { id } of PEOPLE) expect(await house.stage(id)).toBe('active/settled');
  });
});
