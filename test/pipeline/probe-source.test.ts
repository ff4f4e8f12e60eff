import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/base/finding.ts';
import { Problem } from '../../src/base/problem.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import { firstLens, furtherLens, probeSource } from '../../src/pipeline/probe-source.ts';
import { fileSource } from '../../src/sources/file/file-source.ts';
import type { Source } from '../../src/sources/source.ts';
import { feedFolder, feedSettings, forever, LATER } from '../support/feed-folder.ts';
import { crowd, feed, mappingText } from '../support/house.ts';
import { type Answer, openHttpDesk } from '../support/http-desk.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function probed(content: string, more: Partial<Source> = {}): Promise<readonly Finding[]> {
  const folder = feedFolder();
  folder.write('workers.csv', content);
  const source = fileSource(feedSettings(folder.dir, { path: 'workers.csv' }), {
    now: () => Date.parse(LATER),
    wait: () => Promise.resolve(),
  });
  const read = readConnection('acme.yaml', mappingText(), { sha256 });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return probeSource({ ...source, ...more }, firstLens(read.connection), LATER, forever());
}

const one = (findings: readonly Finding[], code: string): Finding | undefined =>
  findings.find((finding) => finding.code === code);

test('a feed in order says how many records it has, how far that is proven, and who becomes a worker', async () => {
  const found = await probed(feed([...crowd(8), { id: '2000', status: 'T', end: '2026-01-31', manager: '1000' }]));
  expect(one(found, 'source.reachable')).toMatchObject({
    verdict: 'good',
    message: expect.stringContaining('9 columns'),
  });
  expect(one(found, 'source.whole')).toMatchObject({
    verdict: 'note',
    hint: expect.stringContaining('never taken for a leaver'),
  });
  expect(one(found, 'source.records')?.message).toBe(
    '9 of the 9 records looked at become workers (8 active, 1 terminated)',
  );
  expect(found.map(({ verdict }) => verdict)).not.toContain('warning');
});

test('what is blank for everybody may be hidden from the credentials', async () => {
  const found = await probed(feed(crowd(8, () => ({ title: '', manager: '' }))));
  expect(found.filter(({ code }) => code === 'source.blank').map(({ message }) => message)).toEqual([
    'endDate is blank in every record',
    'managerId is blank in every record',
    'title is blank in every record',
  ]);
});

test('a mapped column that is not there is a matter of configuration, and names the column', async () => {
  const found = await probed('ID,First,Last,Status,Start,End,Manager,Dept\n1,a,b,A,2020-01-01,,,x\n');
  expect(found.at(-1)).toMatchObject({
    verdict: 'configuration',
    message: expect.stringMatching(/the feed has no column "Title".*these credentials do not see it/),
  });
});

test('rejected rows and keys on several people are counted by reason', async () => {
  const found = await probed(
    feed([...crowd(6), { id: '1000', first: 'Other' }, { id: '3000', start: 'soon' }, { id: '3001', start: 'later' }]),
  );
  expect(one(found, 'source.rejected')?.message).toMatch(/^2 rejected: column Start/);
  expect(one(found, 'source.repeated')?.message).toBe('1 keys stand on several records that differ');
});

test('a feed of which no record becomes a worker has a wrong mapping', async () => {
  const found = await probed(feed(crowd(6, () => ({ status: 'Q' }))));
  expect(one(found, 'source.records')).toMatchObject({ verdict: 'configuration' });
});

test.each([
  ['', 'feed.empty'],
  ['ID,ID\n1,2\n', 'feed.header'],
  ['ID,"First\n1,2\n', 'feed.unclosed-quote'],
])('a feed that cannot be read (%j) fails with the reader’s own words', async (content, code) => {
  expect(one(await probed(content), code)).toMatchObject({ verdict: 'failed' });
});

test('nothing there is no failure of the source, and what a source knows of itself comes first', async () => {
  const own: Finding = { code: 'source.rate', verdict: 'note', message: 'rate left: 40 of 50' };
  const found = await probed('x', {
    probe: () => Promise.resolve([own]),
    look: () => Promise.resolve({ kind: 'nothing', reason: 'no new file matches x' }),
  });
  expect(found).toEqual([own, expect.objectContaining({ code: 'source.nothing', verdict: 'warning' })]);
});

test('a secret that is missing is told with what was found before', async () => {
  const found = await probed('x', {
    look: () =>
      Promise.reject(
        new Problem({ code: 'secret.missing', message: 'environment variable HR_TOKEN is not set', hint: 'set it' }),
      ),
  });
  expect(found).toEqual([
    {
      code: 'secret.missing',
      verdict: 'configuration',
      message: 'environment variable HR_TOKEN is not set',
      hint: 'set it',
    },
  ]);
});

test('a further source is read in its own words', async () => {
  const also = `also:
  - name: phones
    source: { kind: file, path: phones.csv, stableMs: 0 }
    key: record.Staff
    joins: worker.id
    attributes: { phone: record.Phone, room: record.Room }
`;
  const read = readConnection('acme.yaml', mappingText() + also, { sha256 });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const [further] = read.connection.also;
  if (further === undefined) throw new Error('there is no further source');
  const folder = feedFolder();
  folder.write(
    'phones.csv',
    `Staff,Phone,Room\n${crowd(6)
      .map(({ id }) => `${id},555,\n`)
      .join('')},666,\n`,
  );
  const source = fileSource(feedSettings(folder.dir, { path: 'phones.csv' }), {
    now: () => Date.parse(LATER),
    wait: () => Promise.resolve(),
  });
  const found = await probeSource(source, furtherLens(read.connection, further), LATER, forever());
  expect(one(found, 'source.records')?.message).toBe('6 of the 7 records looked at can be used');
  expect(one(found, 'source.rejected')?.message).toMatch(/^1 rejected: /);
  expect(one(found, 'source.blank')?.message).toBe('room is blank in every record');
});

describe('an interface', () => {
  const LIST = { list: { path: '/people', recordPath: 'items' } };
  const everybody = crowd(8).map(({ id }) => ({
    ID: id,
    First: 'a',
    Last: 'b',
    Status: 'A',
    Start: '2020-01-01',
    End: '',
    Manager: '1000',
    Dept: 'x',
    Title: 't',
  }));
  const asked = async (answer: Answer): Promise<readonly Finding[]> => {
    const desk = await openHttpDesk(LIST, () => answer);
    const read = readConnection('acme.yaml', mappingText({ 'path: workers.csv': 'path: w.json, format: json' }), {
      sha256,
    });
    if ('faults' in read) throw new Error(JSON.stringify(read.faults));
    return desk.patiently(probeSource(desk.source, firstLens(read.connection), desk.clock.now(), forever()));
  };

  test('that answers is told with its records', async () => {
    const found = await asked({ body: { items: everybody } });
    expect(one(found, 'source.records')?.message).toBe('8 of the 8 records looked at become workers (8 active)');
  });

  test.each<readonly [string, Answer, string]>([
    ['refuses the credentials', { status: 401 }, 'failed'],
    ['allows nothing to be read', { status: 403 }, 'failed'],
    ['answers with a sign-in page', { body: '<!doctype html><title>sign in</title>' }, 'failed'],
  ])('that %s fails with a hint', async (_name, answer, verdict) => {
    const found = await asked(answer);
    expect(found.at(-1)).toMatchObject({ verdict, hint: expect.any(String) });
  });

  test('that hides a field from everybody is told with the name of the field', async () => {
    const found = await asked({ body: { items: everybody.map(({ Title: _, ...rest }) => rest) } });
    expect(found.at(-1)).toMatchObject({
      code: 'mapping.column',
      verdict: 'configuration',
      message: expect.stringMatching(/"Title".*these credentials do not see it/),
    });
  });

  test('that is busy is no failure', async () => {
    const found = await asked({ status: 429, headers: { 'retry-after': '900' } });
    expect(one(found, 'source.not-yet')).toMatchObject({ verdict: 'note' });
  });
});
