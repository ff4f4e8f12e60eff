// A copy of the state, and its way back: nobody doubled, nobody forgotten, and the audit says what happened.
import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { company, people } from '../support/cli.ts';

describe('rollcall backup and restore', () => {
  it('bring the state back; what the target got meanwhile is found there instead of made again', async () => {
    const house = await company();
    house.feed(people(30));
    await house.cli('sync');
    const file = join(house.dir, 'monday.db');
    const backup = await house.cli('backup', file, '--json');
    expect(backup.code).toBe(0);
    expect(backup.json).toMatchObject({ file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await house.cli('backup', file)).stderr).toContain('never overwrites');
    // What happens after the backup: somebody joins, somebody moves, somebody leaves.
    house.feed(
      people(31).map((one) =>
        one.id === '3' ? { ...one, status: 'T' } : one.id === '4' ? { ...one, department: 'Legal' } : one,
      ),
    );
    expect((await house.cli('sync')).code).toBe(0);
    expect(house.idp.users.size).toBe(31);
    const restored = await house.cli('restore', file, '--reason', 'disk lost', '--json');
    expect(restored.code).toBe(0);
    expect(readdirSync(house.state).filter((name) => name.includes('before-restore'))).toHaveLength(1);
    const before = house.idp.writes().length;
    const sync = await house.cli('sync', '--json');
    expect(sync.code).toBe(3);
    expect(sync.json.holds.map(({ kind }: { kind: string }) => kind)).toEqual(['adoption']);
    const sent = house.idp.writes().slice(before);
    expect(sent.filter(({ method }) => method === 'POST')).toEqual([]);
    expect(house.idp.users.size).toBe(31);
    const [{ digest }] = sync.json.holds;
    expect((await house.cli('approve', digest.slice(0, 12), '--reason', 'made by us on Tuesday')).code).toBe(0);
    await house.cli('sync');
    expect(house.idp.users.size).toBe(31);
    const active = (id: string) => house.idp.user(id)?.active;
    expect([active('3'), active('4'), active('31')]).toEqual([false, true, true]);
    expect((await house.cli('sync', '--json')).json.connections[0].result).toBe('unchanged');
    const verify = await house.cli('audit', 'verify');
    expect(verify.code).toBe(0);
    const tail = await house.cli('audit', 'tail', '--kind', 'act', '--json');
    expect(tail.json.entries.map(({ body }: { body: { act: string } }) => body.act)).toContain('restore');
  });

  it('refuse what is not sound, and change nothing then', async () => {
    const house = await company();
    house.feed(people(3));
    await house.cli('sync');
    const file = join(house.dir, 'copy.db');
    await house.cli('backup', file);
    appendFileSync(file, 'x');
    const changed = await house.cli('restore', file, '--reason', 'x');
    expect(changed).toMatchObject({ code: 2 });
    expect(changed.stderr).toContain('is not the file that copy.db.sha256 was written for');
    const nonsense = join(house.dir, 'nonsense.db');
    writeFileSync(nonsense, 'this is no database');
    expect((await house.cli('restore', nonsense, '--reason', 'x')).stderr).toContain('no sound database');
    expect((await house.cli('restore', join(house.dir, 'none.db'), '--reason', 'x')).code).toBe(2);
    expect(readdirSync(house.state).filter((name) => name.includes('restor'))).toEqual([]);
    expect((await house.cli('status', '--check')).code).toBe(0);
  });

  it('copy beside a running daemon, which cannot be restored under its feet', async () => {
    const house = await company();
    house.feed(people(5));
    const daemon = house.start('run', '--port', '0');
    await daemon.line((line) => line.includes('cycle finished'));
    const file = join(house.dir, 'live.db');
    expect((await house.cli('backup', file)).code).toBe(0);
    expect((await house.cli('restore', file, '--reason', 'x')).stderr).toContain('is in use by process');
    expect(await daemon.stop()).toBe(0);
  });
});
