import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hostKeyPin } from '../../../src/mapping/host-key.ts';
import { forever, knownRows, LATER, problemOf } from '../../support/feed-folder.ts';
import { PASSWORD, sftpDesk } from '../../support/sftp-desk.ts';
import { protectedKey, sshKeys, startSftpServer } from '../../support/sftp-server.ts';

const ROWS = 'id,name\n1,Ada\n2,Grace\n';
const READ = [
  { id: '1', name: 'Ada' },
  { id: '2', name: 'Grace' },
];

const serving = async (files: Readonly<Record<string, string>> = { '/out/workers.csv': ROWS }) => {
  const server = await startSftpServer({ password: PASSWORD });
  for (const [path, content] of Object.entries(files)) server.write(path, content);
  return server;
};

const firstFault = async (work: Promise<unknown>) => {
  const [fault] = (await problemOf(work)).faults;
  if (fault === undefined) throw new Error('a problem without a fault');
  return fault;
};

describe('the server', () => {
  test('is believed only when it shows the pinned key, and is told no password otherwise', async () => {
    const server = await serving();
    const other = hostKeyPin(sshKeys().public);
    if (other === null) throw new Error('no pin');
    const access = { host: '127.0.0.1', port: server.port, user: 'rollcall', timeoutMs: 30_000 };
    const auth = { kind: 'password', password: () => PASSWORD } as const;
    const fault = await firstFault(sftpDesk(server, { access: { ...access, auth, hostKeys: [other] } }).look());
    expect(fault.code).toBe('source.host-key');
    expect(server.offered).toEqual([]);

    const wrong = hostKeyPin(`SHA256:${'A'.repeat(43)}`);
    if (wrong === null) throw new Error('no pin');
    const shown = await firstFault(sftpDesk(server, { access: { ...access, auth, hostKeys: [wrong] } }).look());
    expect(shown.code).toBe('source.host-key');
    expect(shown.message).toContain(server.fingerprint);
    expect(server.offered).toEqual([]);
  });

  test('is believed by its fingerprint, by its public key, and by either of two pins', async () => {
    const server = await serving();
    for (const lines of [
      [server.fingerprint],
      [server.publicKey],
      [sshKeys().public, `files.example.com ${server.publicKey} x`],
    ]) {
      const hostKeys = lines.flatMap((line) => hostKeyPin(line) ?? []);
      expect(hostKeys).toHaveLength(lines.length);
      const desk = sftpDesk(server);
      expect(await desk.rows()).toEqual(READ);
    }
  });

  test('that refuses the password is a problem that does not name it', async () => {
    const server = await startSftpServer({ password: 'another' });
    const fault = await firstFault(sftpDesk(server).look());
    expect(fault.code).toBe('source.refused');
    expect(JSON.stringify(fault)).not.toContain(PASSWORD);
    await server.allClosed();
  });

  test('may ask for the password in a dialogue', async () => {
    const server = await startSftpServer({ password: PASSWORD, dialogue: true });
    server.write('/out/workers.csv', ROWS);
    expect(await sftpDesk(server).rows()).toEqual(READ);
  });

  test('lets us in with a key, protected by a passphrase or not, and with no other key', async () => {
    const plain = sshKeys();
    const locked = protectedKey('open sesame');
    for (const [keys, passphrase] of [
      [plain, null],
      [locked, 'open sesame'],
    ] as const) {
      const server = await startSftpServer({ publicKey: keys.public });
      server.write('/out/workers.csv', ROWS);
      const at = (privateKey: string, phrase: string | null) =>
        sftpDesk(server, {
          access: {
            host: '127.0.0.1',
            port: server.port,
            user: 'rollcall',
            auth: { kind: 'key', privateKey: () => privateKey, passphrase: phrase === null ? null : () => phrase },
            hostKeys: [hostKeyPin(server.fingerprint) ?? { fingerprint: '' }],
            timeoutMs: 30_000,
          },
        });
      expect(await at(keys.private, passphrase).rows()).toEqual(READ);
      expect((await firstFault(at(sshKeys().private, null).look())).code).toBe('source.refused');
      if (passphrase !== null) expect((await firstFault(at(keys.private, 'wrong').look())).code).toBe('source.key');
    }
  });

  test('that is not there is a problem', async () => {
    const server = await serving();
    const desk = sftpDesk(server, {
      access: {
        host: '127.0.0.1',
        port: 1,
        user: 'rollcall',
        auth: { kind: 'password', password: () => PASSWORD },
        hostKeys: [hostKeyPin(server.fingerprint) ?? { fingerprint: '' }],
        timeoutMs: 30_000,
      },
    });
    const fault = await firstFault(desk.look());
    expect([fault.code, fault.message]).toEqual(['source.unreachable', expect.stringContaining('ECONNREFUSED')]);
  });

  test.each(['OPENDIR', 'READDIR', 'STAT', 'OPEN', 'READ'])(
    'that hangs at %s is given up after the time for an answer',
    async (where) => {
      const server = await serving();
      const desk = sftpDesk(server, { stableMs: 0 });
      const asked = new Promise<void>((resolve) => {
        server.trouble = (operation) => {
          if (operation !== where) return 'go';
          resolve();
          return 'hang';
        };
      });
      const fault = firstFault(desk.look());
      await asked;
      desk.clock.advance(31_000);
      expect((await fault).code).toBe('source.timeout');
      server.trouble = () => 'go';
      expect(await desk.rows()).toEqual(READ);
      expect(desk.left()).toEqual([]);
    },
  );

  test('that takes the connection and says nothing is given up after the time for an answer', async () => {
    const connected = Promise.withResolvers<void>();
    const mute = createServer((socket) => {
      socket.on('error', () => {});
      connected.resolve();
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void mute.close());
    const desk = sftpDesk(await serving(), {
      access: {
        host: '127.0.0.1',
        port: (mute.address() as AddressInfo).port,
        user: 'rollcall',
        auth: { kind: 'password', password: () => PASSWORD },
        hostKeys: [hostKeyPin(sshKeys().public) ?? { fingerprint: '' }],
        timeoutMs: 30_000,
      },
    });
    const fault = firstFault(desk.look());
    await connected.promise;
    desk.clock.advance(31_000);
    expect((await fault).code).toBe('source.timeout');
  });

  test.each([
    ['it never said a word', 'mute'],
    ['the work was done', 'proxy'],
  ] as const)('that never ends its side leaves no connection behind after %s', async (_, kind) => {
    const server = await serving({ '/out/workers.csv': 'id\n1\n' });
    const taken = Promise.withResolvers<Socket>();
    const stubborn = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.resume();
      taken.resolve(socket);
      if (kind === 'mute') return;
      const inner = connect(server.port, '127.0.0.1');
      inner.on('error', () => {}).on('data', (bytes) => void socket.write(bytes));
      socket.on('data', (bytes) => void inner.write(bytes));
      onTestFinished(() => void inner.destroy());
    });
    await new Promise<void>((resolve) => stubborn.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void stubborn.close());
    const desk = sftpDesk(server, {
      stableMs: 0,
      access: {
        host: '127.0.0.1',
        port: (stubborn.address() as AddressInfo).port,
        user: 'rollcall',
        auth: { kind: 'password', password: () => PASSWORD },
        hostKeys: [hostKeyPin(server.fingerprint) ?? { fingerprint: '' }],
        timeoutMs: 30_000,
      },
    });
    const look = desk.look().catch(() => null);
    const socket = await taken.promise;
    onTestFinished(() => void socket.destroy());
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const ended = Promise.race([closed, new Promise((resolve) => socket.on('end', resolve))]);
    if (kind === 'mute') desk.clock.advance(31_000);
    await ended;
    // The goodbye is waited for no longer than this.
    desk.clock.advance(2_000);
    const found = await look;
    if (found?.kind === 'delivery') await found.delivery[Symbol.asyncDispose]();
    // Only a write tells that nobody is there any more.
    const poke = (): void => void socket.write('still there?', (gone) => gone ?? setImmediate(poke));
    poke();
    await closed;
  });

  test('that drips is given up after an hour, however fast each answer is', async () => {
    const server = await serving({ '/out/workers.csv': `id\n${'1\n'.repeat(5_000)}` });
    const desk = sftpDesk(server, { stableMs: 0 });
    server.readBytesMax = 30;
    server.onRead = () => desk.clock.advance(20_000);
    const fault = await firstFault(desk.look());
    expect([fault.code, fault.message]).toEqual(['source.timeout', expect.stringContaining('60 minutes')]);
    expect(desk.left()).toEqual([]);
  });

  test('that hangs is left at once when the daemon stops', async () => {
    const server = await serving();
    const stop = new AbortController();
    const asked = new Promise<void>((resolve) => {
      server.trouble = () => {
        resolve();
        return 'hang';
      };
    });
    const look = sftpDesk(server).look(stop.signal);
    await asked;
    stop.abort(new Error('the daemon stops'));
    await expect(look).rejects.toThrow('the daemon stops');
  });

  test('sees one connection at a time, each closed after its work', async () => {
    const server = await serving();
    const desk = sftpDesk(server, { stableMs: 0 });
    const looks = await Promise.all([desk.look(), desk.look(), desk.look()]);
    for (const look of looks) if (look.kind === 'delivery') await look.delivery[Symbol.asyncDispose]();
    expect(server.log.filter((line) => line === 'login')).toHaveLength(3);
    expect(server.openMost()).toBe(1);
  });
});

describe('the file to judge now', () => {
  test('is the newest snapshot by the date in its name', async () => {
    const server = await serving({
      '/out/workers-2026-01-05.csv': 'id\n5\n',
      '/out/workers-2026-01-06.csv': 'id\n6\n',
    });
    expect(await sftpDesk(server).rows()).toEqual([{ id: '6' }]);
  });

  test('is the delta after the last one done', async () => {
    const server = await serving({
      '/out/workers-1.csv': 'id\n1\n',
      '/out/workers-2.csv': 'id\n2\n',
      '/out/workers-10.csv': 'id\n10\n',
    });
    const behind = (done: string | null) => sftpDesk(server, { content: 'delta', lastDelta: () => done });
    expect(await behind(null).rows()).toEqual([{ id: '1' }]);
    expect(await behind('workers-2.csv').rows()).toEqual([{ id: '10' }]);
    expect((await behind('workers-10.csv').look()).kind).toBe('nothing');
  });

  test('has to look the same twice, and again after it was written to', async () => {
    const server = await serving();
    const desk = sftpDesk(server);
    expect(await desk.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 2_000 });
    desk.clock.advance(1_999);
    expect(await desk.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 1 });
    server.write('/out/workers.csv', `${ROWS}3,Joan\n`, '2026-11-23T10:00:05Z');
    desk.clock.advance(1);
    expect(await desk.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 2_000 });
    desk.clock.advance(2_000);
    expect(await desk.rows()).toHaveLength(3);
  });

  test('waits for its marker, which must not be older than the file', async () => {
    const server = await serving();
    const desk = sftpDesk(server, { complete: { marker: '*.done' } });
    expect(await desk.look()).toMatchObject({ kind: 'notYet' });
    server.write('/out/workers.done', '', '2026-11-23T09:59:59Z');
    expect(await desk.look()).toMatchObject({ kind: 'notYet', reason: expect.stringContaining('older') });
    server.write('/out/workers.done', '', '2026-11-23T10:00:01Z');
    await using delivery = await desk.delivery();
    const { completeness } = await delivery.scan(knownRows([]), forever());
    expect(completeness).toEqual({ strength: 'strong', proof: 'marker workers.done' });
  });

  test.each(['sha256', 'md5'])('is proven whole by its %s, and refused when it is another', async (algorithm) => {
    const server = await serving();
    const digest = createHash(algorithm).update(ROWS).digest('hex');
    server.write(`/out/workers.csv.${algorithm}`, `${digest}  workers.csv\n`);
    {
      await using delivery = await sftpDesk(server).delivery();
      expect((await delivery.scan(knownRows([]), forever())).completeness).toEqual({
        strength: 'strong',
        proof: `checksum workers.csv.${algorithm}`,
      });
    }
    server.write('/out/workers.csv', ROWS.replace('Ada', 'Eve'));
    const desk = sftpDesk(server);
    expect((await firstFault(desk.delivery())).code).toBe('feed.checksum');
    expect(desk.left()).toEqual([]);
  });

  test('is fetched once as long as it stays the same, and again when it changes', async () => {
    const server = await serving();
    const desk = sftpDesk(server);
    const fetched = () => server.log.filter((line) => line === 'OPEN /out/workers.csv').length;
    expect(await desk.rows()).toEqual(READ);
    expect(await desk.rows()).toEqual(READ);
    expect(fetched()).toBe(1);
    server.write('/out/workers.csv', 'id,name\n9,Joan\n', '2026-11-23T11:00:00Z');
    expect(await desk.rows()).toEqual([{ id: '9', name: 'Joan' }]);
    expect(fetched()).toBe(2);
  });

  test('counts as read anew while the copy may be older than the last write of its second', async () => {
    const server = await serving();
    server.write('/out/workers.done', '');
    const desk = sftpDesk(server, { complete: { marker: '*.done' } });
    expect(await desk.rows()).toEqual(READ);
    // The same size within the same second: a server cannot tell it apart.
    server.write('/out/workers.csv', ROWS.replace('Ada', 'Eve'));
    expect(await desk.rows()).toContainEqual({ id: '1', name: 'Eve' });
  });

  test('may be large and come in small pieces, and arrives byte for byte', async () => {
    const big = `id,name\n${Array.from({ length: 40_000 }, (_, index) => `${index},${'x'.repeat(index % 90)}\n`).join('')}`;
    const server = await serving({ '/out/workers.csv': big });
    server.readBytesMax = 9_999;
    await using delivery = await sftpDesk(server).delivery();
    expect(await delivery.contentDigest(forever())).toBe(createHash('sha256').update(big).digest('hex'));
  });

  test('may be a link to a file, never to a folder, a pipe, or nothing', async () => {
    const server = await serving({ '/data/real.csv': ROWS });
    server.mkdir('/out');
    server.link('/out/workers.csv', '../data/real.csv');
    expect(await sftpDesk(server).rows()).toEqual(READ);
    server.link('/out/workers.csv', '../data');
    expect((await firstFault(sftpDesk(server).look())).code).toBe('feed.not-a-file');
    server.link('/out/workers.csv', 'gone');
    expect((await sftpDesk(server).look()).kind).toBe('notYet');
    server.fifo('/out/workers.csv');
    expect((await firstFault(sftpDesk(server).look())).code).toBe('feed.not-a-file');
    expect(
      server.log.filter(
        (line) => line.startsWith('OPEN ') && line !== 'OPEN /data/real.csv' && line !== 'OPEN /out/workers.csv',
      ),
    ).toEqual([]);
  });

  test('is never one whose name leads elsewhere or is none', async () => {
    const server = await serving();
    server.names = [
      '../workers.csv',
      'workers/../../x.csv',
      '/etc/workers',
      'workers\u0000.csv',
      'workers\u001b[2J.csv',
      '..',
      '',
      `workers${'x'.repeat(60_000)}`,
      'workers\\..\\x',
    ];
    expect(await sftpDesk(server).rows()).toEqual(READ);
    expect(
      server.log
        .filter((line) => /^(?:STAT|OPEN) /.test(line))
        .every((line) => /\/out(?:\/workers\.csv(?:\.sha256|\.md5)?)?$/.test(line)),
    ).toBe(true);
  });

  test('is not looked for among more names than a folder should hold', async () => {
    const server = await serving();
    server.names = Array.from({ length: 21_000 }, (_, index) => `workers-${index}`);
    server.namesAtOnce = 2_000;
    expect((await firstFault(sftpDesk(server).look())).code).toBe('source.too-many-files');
    server.namesAtOnce = 21_000;
    expect((await firstFault(sftpDesk(server).look())).code).toBe('source.unreachable');
  });

  test('is not fetched where it is larger than the settings allow', async () => {
    const server = await serving();
    expect((await firstFault(sftpDesk(server, { maxBytes: 10, stableMs: 0 }).look())).code).toBe('feed.too-large');
    expect(server.log).not.toContain('OPEN /out/workers.csv');
  });

  test('is nothing while none of the name is there, and a problem where the folder may not be read', async () => {
    const server = await serving({
      '/out/other.csv': ROWS,
      '/out/workers.csv.filepart': ROWS,
      '/out/.workers.csv': ROWS,
    });
    expect(await sftpDesk(server).look()).toEqual({ kind: 'nothing', reason: 'no new file matches workers*' });
    server.trouble = (operation) => (operation === 'OPENDIR' ? 'deny' : 'go');
    expect((await firstFault(sftpDesk(server).look())).code).toBe('source.unreadable');
    expect((await firstFault(sftpDesk(server, { path: 'nowhere/workers.csv' }).look())).code).toBe('source.unreadable');
  });
});

test('a probe tells what is there, reads no file, and changes nothing', async () => {
  const server = await serving();
  const told = async () =>
    ((await sftpDesk(server, { archive: 'done' }).source.probe?.(LATER, forever())) ?? []).map(
      ({ code, verdict }) => `${verdict} ${code}`,
    );
  expect(await told()).toEqual(['good source.reachable', 'good source.files', 'note source.archive']);
  server.mkdir('/out/done');
  server.remove('/out/workers.csv');
  expect(await told()).toEqual(['good source.reachable', 'note source.files', 'good source.archive']);
  server.remove('/out/done');
  server.write('/out/done', '');
  expect(await told()).toContain('configuration source.archive');
  expect(server.log.filter((line) => /^(?:OPEN|MKDIR|RENAME) /.test(line))).toEqual([]);
});

describe('a transfer', () => {
  test('that breaks has no effect, and the next look begins anew', async () => {
    const server = await serving({ '/out/workers.csv': `id\n${'1\n'.repeat(200_000)}` });
    const desk = sftpDesk(server, { stableMs: 0 });
    let reads = 0;
    server.trouble = (operation) => (operation === 'READ' && ++reads === 5 ? 'cut' : 'go');
    expect((await firstFault(desk.look())).code).toBe('source.unreachable');
    expect(desk.left()).toEqual([]);
    server.trouble = () => 'go';
    expect(await desk.rows()).toHaveLength(200_000);
  });

  test('that ends before the size of the file is refused', async () => {
    const server = await serving({ '/out/workers.csv': `id\n${'1\n'.repeat(200_000)}` });
    const desk = sftpDesk(server, { stableMs: 0 });
    let reads = 0;
    server.trouble = (operation) => (operation === 'READ' && ++reads > 3 ? 'end' : 'go');
    expect((await firstFault(desk.look())).code).toBe('feed.truncated');
  });

  test('of a file that is replaced meanwhile is refused', async () => {
    const server = await serving();
    const desk = sftpDesk(server, { stableMs: 0 });
    server.onRead = () => server.write('/out/workers.csv', `${ROWS}3,Joan\n`, '2026-11-23T10:00:09Z');
    expect((await firstFault(desk.look())).code).toBe('feed.changed');
    server.onRead = () => {};
    expect(await desk.rows()).toHaveLength(3);
  });

  test('of a compressed file is expanded, and refused when it is cut or far too much comes out', async () => {
    const server = await startSftpServer({ password: PASSWORD });
    server.write('/out/workers.csv.gz', gzipSync(ROWS));
    expect(await sftpDesk(server).rows()).toEqual(READ);
    server.write('/out/workers.csv.gz', gzipSync(ROWS).subarray(0, -4), '2026-11-23T11:00:00Z');
    expect((await firstFault(sftpDesk(server).delivery())).code).toBe('feed.truncated');
    server.write('/out/workers.csv.gz', gzipSync(Buffer.alloc(80 * 1024 * 1024)), '2026-11-23T12:00:00Z');
    const desk = sftpDesk(server);
    expect((await firstFault(desk.delivery())).code).toBe('feed.too-large');
    expect(desk.left()).toEqual([]);
  });
});

describe('an archive', () => {
  const archived = (server: Awaited<ReturnType<typeof serving>>, changes = {}) =>
    sftpDesk(server, { archive: 'done', stableMs: 0, ...changes });
  const accept = async (desk: ReturnType<typeof sftpDesk>) => {
    await using delivery = await desk.delivery();
    await delivery.accepted?.(forever());
    return delivery.name;
  };

  test('takes the accepted snapshot, its companions and all older ones, and nothing newer', async () => {
    const server = await serving({
      '/out/workers-2026-01-04.csv': ROWS,
      '/out/workers-2026-01-05.csv': ROWS,
      '/out/workers-2026-01-06.csv': ROWS,
      '/out/workers-2026-01-06.csv.md5': createHash('md5').update(ROWS).digest('hex'),
      '/out/workers-2026-01-06.done': '',
    });
    const desk = archived(server, { complete: { marker: '*.done' } });
    await using delivery = await desk.delivery();
    server.write('/out/workers-2026-01-07.csv', ROWS);
    await delivery.accepted?.(forever());
    expect(server.paths()).toEqual([
      '/out/done/workers-2026-01-04.csv',
      '/out/done/workers-2026-01-05.csv',
      '/out/done/workers-2026-01-06.csv',
      '/out/done/workers-2026-01-06.csv.md5',
      '/out/done/workers-2026-01-06.done',
      '/out/workers-2026-01-07.csv',
    ]);
  });

  test('leaves a file alone that was written anew since it was read', async () => {
    const server = await serving();
    const desk = archived(server);
    await using delivery = await desk.delivery();
    server.write('/out/workers.csv', ROWS, '2026-11-23T12:00:00Z');
    await delivery.accepted?.(forever());
    expect(server.paths()).toEqual(['/out/workers.csv']);
  });

  test('never overwrites what has the name already', async () => {
    const server = await serving();
    const desk = archived(server);
    await accept(desk);
    for (const hour of ['12', '13', '14']) {
      server.write('/out/workers.csv', `${ROWS}${hour},x\n`, `2026-11-23T${hour}:00:00Z`);
      await accept(desk);
    }
    expect(server.paths()).toEqual([
      '/out/done/workers.csv',
      '/out/done/workers.csv.20400601T120000Z',
      '/out/done/workers.csv.20400601T120000Z-2',
      '/out/done/workers.csv.20400601T120000Z-3',
    ]);
  });

  test('takes one delta after the other, and the one that a crash left behind with the next', async () => {
    const server = await serving({
      '/out/workers-1.csv': ROWS,
      '/out/workers-2.csv': ROWS,
      '/out/workers-3.csv': ROWS,
    });
    let done: string | null = 'workers-1.csv';
    const desk = archived(server, { content: 'delta', lastDelta: () => done });
    expect(await accept(desk)).toBe('workers-2.csv');
    done = 'workers-2.csv';
    expect(server.paths()).toEqual(['/out/done/workers-1.csv', '/out/done/workers-2.csv', '/out/workers-3.csv']);
    expect(await accept(desk)).toBe('workers-3.csv');
  });

  test('that cannot be written to is a problem, and the file stays', async () => {
    const server = await serving();
    const desk = archived(server);
    server.trouble = (operation) => (operation === 'MKDIR' || operation === 'RENAME' ? 'deny' : 'go');
    expect((await firstFault(accept(desk))).code).toBe('source.archive');
    expect(server.paths()).toEqual(['/out/workers.csv']);
  });
});
