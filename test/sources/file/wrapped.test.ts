// Real keys, real messages: what is taken out of its wrapping, and what is refused.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FileSourceSettings } from '../../../src/sources/file/file-source.ts';
import { type PgpKeys, pgpKeyEnds } from '../../../src/sources/file/pgp.ts';
import {
  feedFolder,
  feedSettings,
  forever,
  knownRows,
  LATER,
  problemOf,
  readFeed,
  sourceOf,
} from '../../support/feed-folder.ts';

const ROWS = 'id,name\n1,Ada\n2,Grace\n';
const READ = [
  { id: '1', name: 'Ada' },
  { id: '2', name: 'Grace' },
];

interface Keys {
  readonly private: openpgp.PrivateKey;
  readonly public: openpgp.PublicKey;
  readonly armored: string;
  readonly armoredPublic: string;
}

let own: Keys;
let hr: Keys;
let stranger: Keys;
let locked: string;

const keys = async (name: string): Promise<Keys> => {
  const { privateKey, publicKey } = await openpgp.generateKey({
    userIDs: [{ name, email: `${name}@example.com` }],
    date: new Date('2026-01-01T00:00:00Z'),
    format: 'object',
  });
  return { private: privateKey, public: publicKey, armored: privateKey.armor(), armoredPublic: publicKey.armor() };
};

beforeAll(async () => {
  [own, hr, stranger] = await Promise.all([keys('own'), keys('hr'), keys('stranger')]);
  locked = (await openpgp.encryptKey({ privateKey: own.private, passphrase: 'open sesame' })).armor();
});

const encrypted = async (content: string | Uint8Array, signer: Keys | null, to: Keys = own): Promise<Uint8Array> =>
  (await openpgp.encrypt({
    message: await openpgp.createMessage({ binary: Buffer.from(content as Uint8Array) }),
    encryptionKeys: to.public,
    ...(signer === null ? {} : { signingKeys: signer.private }),
    format: 'binary',
    date: new Date('2026-11-23T00:00:00Z'),
  })) as Uint8Array;

const pgp = (changes: Partial<PgpKeys> = {}): PgpKeys => ({
  privateKey: () => own.armored,
  passphrase: null,
  signedBy: null,
  ...changes,
});
const signedByHr = (): PgpKeys => pgp({ signedBy: () => hr.armoredPublic });

const reading = (content: string | Uint8Array, changes: Partial<FileSourceSettings>, name = 'workers.csv.pgp') => {
  const folder = feedFolder();
  folder.write(name, content);
  return readFeed(feedSettings(folder.dir, changes));
};

const codeOf = async (work: Promise<unknown>) => (await problemOf(work)).faults[0]?.code;

describe('a compressed file', () => {
  test('is read as what is inside, whatever its name, and leaves no copy behind', async () => {
    const folder = feedFolder();
    folder.write('workers-2026-01-01.csv', gzipSync(ROWS));
    const feed = await readFeed(feedSettings(folder.dir));
    expect(feed.records).toEqual(READ);
    expect(feed.scan.contentDigest).toBe(createHash('sha256').update(ROWS).digest('hex'));
    expect(readdirSync(folder.dir)).toEqual(['workers-2026-01-01.csv']);
  });

  test('may have several members one after the other', async () => {
    const feed = await reading(Buffer.concat([gzipSync('id,name\n1,Ada\n'), gzipSync('2,Grace\n')]), {});
    expect(feed.records).toEqual(READ);
  });

  test('is no proof of completeness, and the checksum beside it is of the bytes as they were sent', async () => {
    const folder = feedFolder();
    const bytes = gzipSync(ROWS);
    folder.write('workers.csv.gz', bytes);
    expect((await readFeed(feedSettings(folder.dir))).scan.completeness.strength).toBe('weak');
    folder.write('workers.csv.gz.sha256', createHash('sha256').update(bytes).digest('hex'));
    expect((await readFeed(feedSettings(folder.dir))).scan.completeness).toEqual({
      strength: 'strong',
      proof: 'checksum workers.csv.gz.sha256',
    });
    folder.write('workers.csv.gz.sha256', createHash('sha256').update(ROWS).digest('hex'));
    expect(await codeOf(readFeed(feedSettings(folder.dir)))).toBe('feed.checksum');
  });

  test('is refused when it is cut, damaged, or grows far more than an export does', async () => {
    const bytes = gzipSync(ROWS.repeat(2_000));
    expect(await codeOf(reading(bytes.subarray(0, -9), {}))).toBe('feed.truncated');
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1;
    expect(await codeOf(reading(damaged, {}))).toBe('feed.gzip');
    expect(await codeOf(reading(gzipSync(Buffer.alloc(70 * 1024 * 1024, 'a')), {}))).toBe('feed.too-large');
  });

  test('is unpacked once for many looks', async () => {
    const folder = feedFolder();
    folder.write('workers.csv.gz', gzipSync(ROWS));
    const source = sourceOf(feedSettings(folder.dir));
    const digests: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const look = await source.look(LATER, forever());
      if (look.kind !== 'delivery') throw new Error(look.reason);
      digests.push(await look.delivery.contentDigest(forever()));
      // Two deliveries of one copy: closing one leaves the other readable.
      const second = await source.look(LATER, forever());
      if (second.kind !== 'delivery') throw new Error(second.reason);
      await look.delivery[Symbol.asyncDispose]();
      expect((await second.delivery.scan(knownRows([]), forever())).rows).toBe(2);
      await second.delivery[Symbol.asyncDispose]();
    }
    expect(new Set(digests).size).toBe(1);
    await source.close?.();
  });
});

describe('an encrypted file', () => {
  test('is read with the private key, protected by a passphrase or not, binary or armored, compressed inside or not', async () => {
    const message = await encrypted(ROWS, null);
    const armored = openpgp.armor(openpgp.enums.armor.message, message);
    for (const content of [message, armored, await encrypted(gzipSync(ROWS), null)]) {
      expect((await reading(content, { pgp: pgp() })).records).toEqual(READ);
    }
    const open = pgp({ privateKey: () => locked, passphrase: () => 'open sesame' });
    expect((await reading(message, { pgp: open })).records).toEqual(READ);
    for (const passphrase of [null, () => 'wrong']) {
      expect(await codeOf(reading(message, { pgp: { ...open, passphrase } }))).toBe('source.pgp-key');
    }
  });

  test('that is signed by the right key is strong proof, and without the demand no proof at all', async () => {
    const message = await encrypted(ROWS, hr);
    const feed = await reading(message, { pgp: signedByHr() });
    expect(feed.records).toEqual(READ);
    expect(feed.scan.completeness).toEqual({
      strength: 'strong',
      proof: `signed with PGP key ${hr.public.getKeyID().toHex()}`,
    });
    expect((await reading(message, { pgp: pgp() })).scan.completeness.strength).toBe('weak');
  });

  test.each([
    ['carries no signature', () => encrypted(ROWS, null)],
    ['is signed by a stranger', () => encrypted(ROWS, stranger)],
  ])('that %s is refused where a signature is demanded', async (_what, message) => {
    expect(await codeOf(reading(await message(), { pgp: signedByHr() }))).toBe('feed.pgp-signature');
  });

  test('for somebody else, damaged anywhere, or cut anywhere is refused, signed or not', async () => {
    expect(await codeOf(reading(await encrypted(ROWS, hr, stranger), { pgp: pgp() }))).toBe('feed.pgp');
    const message = await encrypted(ROWS.repeat(3_000), hr);
    const codes = new Set<unknown>();
    for (const at of [0.3, 0.6, 0.9, 0.999]) {
      const damaged = Uint8Array.from(message);
      const index = Math.floor(message.length * at);
      damaged[index] = (damaged[index] ?? 0) ^ 0x20;
      for (const content of [damaged, message.subarray(0, index)]) {
        for (const settings of [pgp(), signedByHr()]) codes.add(await codeOf(reading(content, { pgp: settings })));
      }
    }
    expect([...codes].every((code) => code === 'feed.pgp' || code === 'feed.pgp-signature')).toBe(true);
  });

  test('is the only kind that is taken where keys are set, and is named as what it is where they are not', async () => {
    expect(await codeOf(reading(ROWS, { pgp: pgp() }))).toBe('feed.pgp');
    expect(await codeOf(reading(await encrypted(ROWS, null), {}))).toBe('feed.pgp');
    expect(await codeOf(reading('', { pgp: pgp() }))).toBe('feed.empty');
  });

  test('that holds a bomb is given up long before it is out', async () => {
    const message = await encrypted(gzipSync(Buffer.alloc(90 * 1024 * 1024, 'a')), null);
    expect(await codeOf(reading(message, { pgp: pgp() }))).toBe('feed.too-large');
  });

  test('may be large, and comes out byte for byte', async () => {
    const big = `id,name\n${Array.from({ length: 60_000 }, (_, index) => `${index},${createHash('md5').update(String(index)).digest('hex')}\n`).join('')}`;
    const feed = await reading(await encrypted(big, hr), { pgp: signedByHr() });
    expect(feed.scan.contentDigest).toBe(createHash('sha256').update(big).digest('hex'));
  });

  test('tells when its keys end', async () => {
    const { privateKey } = await openpgp.generateKey({
      userIDs: [{ name: 'own' }],
      keyExpirationTime: 86_400,
      date: new Date('2026-11-23T00:00:00Z'),
      format: 'object',
    });
    const ends = await pgpKeyEnds(pgp({ privateKey: () => privateKey.armor(), signedBy: () => hr.armoredPublic }));
    expect(ends).toEqual([
      { keyId: privateKey.getKeyID().toHex(), what: 'private', endsMs: Date.parse('2026-11-24T00:00:00Z') },
    ]);
  });
});

describe('the archive of a folder', () => {
  test('takes what is done with, companions and older snapshots, and creates its folder', async () => {
    const folder = feedFolder();
    for (const day of ['04', '05']) folder.write(`workers-2026-01-${day}.csv`, ROWS);
    folder.write('workers-2026-01-05.csv.sha256', createHash('sha256').update(ROWS).digest('hex'));
    const source = sourceOf(feedSettings(folder.dir, { archive: 'done/2026' }));
    const look = await source.look(LATER, forever());
    if (look.kind !== 'delivery') throw new Error(look.reason);
    await look.delivery.accepted?.(forever());
    await look.delivery[Symbol.asyncDispose]();
    expect(readdirSync(folder.path('done/2026')).sort()).toEqual([
      'workers-2026-01-04.csv',
      'workers-2026-01-05.csv',
      'workers-2026-01-05.csv.sha256',
    ]);
    expect((await source.look(LATER, forever())).kind).toBe('nothing');
  });

  test('is no place where deliveries are looked for, even where the path reaches into it', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    const source = sourceOf(feedSettings(folder.dir, { path: '**/workers.csv', archive: 'done' }));
    const look = await source.look(LATER, forever());
    if (look.kind !== 'delivery') throw new Error(look.reason);
    await look.delivery.accepted?.(forever());
    await look.delivery[Symbol.asyncDispose]();
    expect(existsSync(folder.path('done/workers.csv'))).toBe(true);
    expect((await source.look(LATER, forever())).kind).toBe('nothing');
  });
});
