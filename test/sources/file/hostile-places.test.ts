// What may lie where a feed is looked for and is no feed: none of it may hang the daemon or be taken for an export.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, openSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { faultLine } from '../../../src/base/problem.ts';
import { hostileFeeds } from '../../corpus/file/hostile.ts';
import { hostileForms } from '../../corpus/file/hostile-forms.ts';
import { hostileAnswers } from '../../corpus/http/hostile.ts';
import { hostilePosts } from '../../corpus/webhook/hostile.ts';
import {
  deliveryOf,
  type FeedFolder,
  feedFolder,
  feedSettings,
  forever,
  knownRows,
  lookAt,
  problemOf,
  readFeed,
} from '../../support/feed-folder.ts';

const FEED = 'id,name\n1,a\n';

const noFeeds: readonly (readonly [name: string, put: (folder: FeedFolder) => void, code: string])[] = [
  ['a folder', ({ path }) => mkdirSync(path('workers.csv')), 'feed.not-a-file'],
  ['a pipe that nobody writes to', ({ path }) => execFileSync('mkfifo', [path('workers.csv')]), 'feed.not-a-file'],
  [
    'a link to a pipe',
    ({ path }) => {
      execFileSync('mkfifo', [path('pipe')]);
      symlinkSync(path('pipe'), path('workers.csv'));
    },
    'feed.not-a-file',
  ],
  [
    'a link to a device that never ends',
    ({ path }) => symlinkSync('/dev/zero', path('workers.csv')),
    'feed.not-a-file',
  ],
  ['a link to chance', ({ path }) => symlinkSync('/dev/urandom', path('workers.csv')), 'feed.not-a-file'],
  ['a link to a folder', ({ path, dir }) => symlinkSync(dir, path('workers.csv')), 'feed.not-a-file'],
  ['a link that leads nowhere', ({ path }) => symlinkSync(path('gone'), path('workers.csv')), 'feed.unreadable'],
  [
    'a link that leads to itself',
    ({ path }) => symlinkSync(path('workers.csv'), path('workers.csv')),
    'feed.unreadable',
  ],
  [
    'a chain of links without end',
    ({ path }) => {
      for (let at = 0; at < 60; at += 1) symlinkSync(path(`l${at + 1}`), path(`l${at}`));
      symlinkSync(path('l0'), path('workers.csv'));
    },
    'feed.unreadable',
  ],
  [
    'a name of the day after tomorrow and more',
    ({ write }) => void write('workers-2041-01-01.csv', FEED),
    'feed.future-name',
  ],
];

test.each(noFeeds)('%s is refused by name and never waited for', async (_name, put, code) => {
  const folder = feedFolder();
  put(folder);
  const { faults } = await problemOf(lookAt(feedSettings(folder.dir)));
  expect(faults[0]?.code).toBe(code);
  expect(faultLine(faults[0] as (typeof faults)[number])).toMatch(/^workers/);
});

test.each<readonly [string, (folder: FeedFolder) => void, string]>([
  [
    'a link to itself',
    ({ path }) => symlinkSync(path('workers.csv.sha256'), path('workers.csv.sha256')),
    'feed.unreadable',
  ],
  ['a folder', ({ path }) => mkdirSync(path('workers.csv.sha256')), 'feed.checksum'],
  ['a pipe', ({ path }) => execFileSync('mkfifo', [path('workers.csv.md5')]), 'feed.checksum'],
  ['a link to a device', ({ path }) => symlinkSync('/dev/zero', path('workers.csv.sha256')), 'feed.checksum'],
])('a checksum file that is %s is told, and the feed beside it is not believed', async (_name, put, code) => {
  const folder = feedFolder();
  folder.write('workers.csv', FEED);
  put(folder);
  expect((await problemOf(readFeed(feedSettings(folder.dir)))).faults[0]).toMatchObject({
    code,
    place: { file: expect.stringMatching(/^workers\.csv\./) },
  });
});

test('a socket is no feed', async () => {
  const folder = feedFolder();
  const server = createServer();
  await new Promise<void>((done) => server.listen(folder.path('workers.csv'), done));
  onTestFinished(() => void server.close());
  expect((await problemOf(lookAt(feedSettings(folder.dir)))).faults[0]?.code).toBe('feed.not-a-file');
});

test.each([
  '.workers.csv',
  'workers.csv.filepart',
  'workers.csv.part',
  'workers.csv.tmp',
  'workers.csv.crdownload',
  'workers.csv.sha256',
])('%s is left alone', async (name) => {
  const folder = feedFolder();
  folder.write(name, FEED);
  expect((await lookAt(feedSettings(folder.dir, { path: '*' }))).kind).toBe('nothing');
});

test('a pattern does not lead out of its folder by way of a name', async () => {
  const folder = feedFolder();
  mkdirSync(folder.path('inbox'));
  writeFileSync(folder.path('workers-secret.csv'), FEED);
  writeFileSync(folder.path('inbox/..%2fworkers-secret.csv'), FEED);
  writeFileSync(folder.path('inbox/workers\n-1.csv'), FEED);
  const look = await lookAt(feedSettings(folder.dir, { path: 'inbox/workers-*' }));
  expect(look.kind).toBe('nothing');
});

test('a link to a regular file is that file: people mount feeds this way', async () => {
  const folder = feedFolder();
  folder.write('export', FEED);
  symlinkSync(folder.path('export'), folder.path('workers.csv'));
  expect((await readFeed(feedSettings(folder.dir))).records).toEqual([{ id: '1', name: 'a' }]);
});

test('a name of 255 letters, and one of other scripts, are read and named', async () => {
  for (const name of [`workers${'x'.repeat(244)}.csv`, 'workers-Ж健 🦊.csv']) {
    const folder = feedFolder();
    folder.write(name, FEED);
    expect((await readFeed(feedSettings(folder.dir))).records).toHaveLength(1);
  }
});

test('a file that grows, shrinks or is replaced between two passes has no effect', async () => {
  const changes: readonly ((folder: FeedFolder) => void)[] = [
    ({ path }) => appendFileSync(path('workers.csv'), '3,c\n'),
    ({ path }) => truncateSync(path('workers.csv'), 12),
    ({ path }) => {
      const handle = openSync(path('workers.csv'), 'r+');
      writeFileSync(handle, 'id,name\n9,x\n2,b\n');
    },
  ];
  for (const change of changes) {
    const folder = feedFolder();
    folder.write('workers.csv', 'id,name\n1,a\n2,b\n');
    folder.touch('workers.csv', '2030-01-01T00:00:00Z');
    await using delivery = await deliveryOf(feedSettings(folder.dir));
    change(folder);
    const work = (async () => {
      await delivery.scan(knownRows([]), forever());
      for await (const _ of delivery.read(new Set(), forever()));
    })();
    expect((await problemOf(work)).faults[0]?.code).toBe('feed.changed');
  }
});

test('a file that is renamed away while it is read goes on as it was opened', async () => {
  const folder = feedFolder();
  folder.write('workers.csv', FEED);
  await using delivery = await deliveryOf(feedSettings(folder.dir));
  renameSync(folder.path('workers.csv'), folder.path('gone'));
  folder.write('workers.csv', 'id,name\n9,other\n');
  expect(await delivery.scan(knownRows([]), forever())).toMatchObject({ rows: 1 });
  const rows = (await Array.fromAsync(delivery.read(new Set(), forever()))).flat();
  expect(rows.map(({ record }) => record?.id)).toEqual(['1']);
});

test('the corpus holds at least two hundred and fifty hostile inputs for files, interfaces and webhooks', () => {
  const count =
    hostileFeeds.length + hostileForms.length + noFeeds.length + hostileAnswers.length + hostilePosts.length;
  expect(count).toBeGreaterThanOrEqual(250);
});
