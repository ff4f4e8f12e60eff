// A feed that stands still, or credentials that run out: said once, again every day, and once more when it is over.
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { instantOfMs } from '../../src/base/instant.ts';
import { watchFeed } from '../../src/pipeline/feed-watch.ts';
import type { Logger } from '../../src/runtime/log.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { crowd, feed, mappingText, openTestHouse, type TestHouse } from '../support/house.ts';
import { atDesk } from '../support/plan-desk.ts';

const CERTIFICATES = new URL('../targets/certificates/', import.meta.url).pathname;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PEOPLE = crowd(6);

const withAlarms = (keys: string, replace: Readonly<Record<string, string>> = {}): string =>
  mappingText({ 'tables:\n': `alarms: { ${keys} }\ntables:\n`, ...replace });

const codes = async ({ house }: TestHouse): Promise<readonly string[]> =>
  (await house.store.alarms('acme')).map(({ code }) => code);

const entries = async ({ house }: TestHouse) =>
  (await house.store.audit.tail(10_000, { kinds: ['alarm'] })).map(({ body }) => `${body.alarm} ${body.code}`);

const look = ({ house, live }: TestHouse): Promise<void> => watchFeed(house, live);

describe('a feed that stands still', () => {
  test('is told after the time that the file allows, though the same file is read again and again', async () => {
    const said: string[] = [];
    const log: Logger = {
      ...silentLog,
      error: (fields: object, text: string) => void said.push(`${(fields as { code?: string }).code} ${text}`),
    } as Logger;
    const house = await openTestHouse({ mapping: withAlarms('noDeliveryFor: 26h'), log });
    await house.sync(feed(PEOPLE));
    for (let hour = 0; hour < 26; hour++) {
      house.clock.advance(HOUR_MS - 1_000);
      await house.cycle();
    }
    expect(await codes(house)).toEqual([]);
    house.clock.advance(HOUR_MS);
    await house.cycle();
    expect(await codes(house)).toEqual(['feed.no-delivery']);
    expect((await atDesk(house, ['status'])).stdout).toMatch(
      /^ALARM acme: no new delivery was accepted since 2026-11-23 11:00 UTC/m,
    );
    expect((await atDesk(house, ['status', '--json'])).json.alarms).toMatchObject([
      { code: 'feed.no-delivery', subject: 'source' },
    ]);

    // Said once, then daily.
    for (let hour = 0; hour < 49; hour++) {
      house.clock.advance(HOUR_MS);
      await look(house);
    }
    expect(said).toEqual([
      'feed.no-delivery alarm',
      'feed.no-delivery alarm still stands',
      'feed.no-delivery alarm still stands',
    ]);
    expect(await entries(house)).toEqual(['raised feed.no-delivery']);

    // The very same content under a new time is a delivery: the feed is alive.
    await house.sync(feed(PEOPLE));
    expect(await codes(house)).toEqual([]);
    expect(await entries(house)).toEqual(['raised feed.no-delivery', 'cleared feed.no-delivery']);
    expect((await atDesk(house, ['status'])).stdout).not.toContain('ALARM');
  });

  test('survives a weekend without a word unless the file says otherwise, and may be silenced', async () => {
    const house = await openTestHouse();
    await house.sync(feed(PEOPLE));
    house.clock.advance(73 * HOUR_MS);
    await look(house);
    expect(await codes(house)).toEqual([]);
    house.clock.advance(2 * HOUR_MS);
    await look(house);
    expect(await codes(house)).toEqual(['feed.no-delivery']);
    // Still there after a restart, and not said anew.
    await house.restart();
    await look(house);
    expect(await entries(house)).toEqual(['raised feed.no-delivery']);
    await house.restart(withAlarms('noDeliveryFor: never'));
    await look(house);
    expect(await codes(house)).toEqual([]);
  });

  test('although deliveries come, because they say the same for days, is told where the file asks or many work here', async () => {
    const house = await openTestHouse({ mapping: withAlarms('noChangeFor: 5d') });
    const quiet = await openTestHouse();
    for (const one of [house, quiet]) await one.sync(feed(PEOPLE));
    for (let day = 0; day < 6; day++) {
      for (const one of [house, quiet]) {
        one.clock.advance(DAY_MS);
        await one.sync(feed(PEOPLE));
      }
    }
    expect(await codes(house)).toEqual(['feed.no-change']);
    expect(await codes(quiet)).toEqual([]);
    await house.sync(feed([...PEOPLE, { id: '2000' }]));
    expect(await codes(house)).toEqual([]);
  });

  test('brings nobody new for long, which somebody who joins ends', async () => {
    const house = await openTestHouse({ mapping: withAlarms('noHiresFor: 10d, noDeliveryFor: never') });
    await house.sync(feed(PEOPLE));
    house.clock.advance(11 * DAY_MS);
    await look(house);
    expect(await codes(house)).toEqual(['feed.no-hires']);
    await house.sync(feed(PEOPLE.map((one) => ({ ...one, title: 'Head' }))).replace('Head', 'Clerk'));
    expect(await codes(house)).toEqual(['feed.no-hires']);
    await house.approveAll();
    await house.sync(feed([...PEOPLE, { id: '2000', start: '2026-12-01' }]));
    expect(await codes(house)).toEqual([]);
  });

  test('sends an old export again under a new name', async () => {
    const house = await openTestHouse({ mapping: mappingText({ 'path: workers.csv': 'path: "workers-*.csv"' }) });
    house.deliver(feed(PEOPLE), 'workers-2026-11-23.csv');
    await house.sync();
    expect(await codes(house)).toEqual([]);
    house.clock.advance(DAY_MS);
    house.deliver(feed(PEOPLE), 'workers-2026-11-24.csv');
    const old = house.clock.nowMs() / 1000 - 9 * 86_400;
    utimesSync(join(house.mappingsDir, 'workers-2026-11-24.csv'), old, old);
    await house.sync();
    expect(await house.house.store.alarms('acme')).toMatchObject([
      {
        code: 'feed.date-off',
        message: expect.stringContaining(
          'workers-2026-11-24.csv claims to be of 2026-11-23 23:00 UTC but was written at 2026-11-15',
        ),
      },
    ]);
    house.clock.advance(DAY_MS);
    house.deliver(feed(PEOPLE), 'workers-2026-11-25.csv');
    await house.sync();
    expect(await codes(house)).toEqual([]);
  });
});

describe('credentials that run out', () => {
  test('are told when the file says on which day', async () => {
    const mapping = withAlarms('credentialsEndIn: 14d, noDeliveryFor: never', {
      'auth: { kind: bearer, token: "${env:IDP_TOKEN}" }':
        'auth: { kind: bearer, token: "${env:IDP_TOKEN}", expires: 2026-12-20 }',
    });
    const house = await openTestHouse({ mapping });
    await house.sync(feed(PEOPLE));
    expect(await codes(house)).toEqual([]);
    house.clock.advance(14 * DAY_MS);
    await look(house);
    expect(await house.house.store.alarms('acme')).toMatchObject([
      {
        code: 'credentials.end',
        subject: expect.stringContaining('targets[0].auth'),
        message: expect.stringContaining('ends on 2026-12-20'),
      },
    ]);
    await house.restart(mapping.replace('2026-12-20', '2027-12-20'));
    await look(house);
    expect(await codes(house)).toEqual([]);
  });

  test('are told of a certificate by the certificate itself', async () => {
    const [key, certificate] = ['client-one.key', 'client-one.pem'].map((name) => join(CERTIFICATES, name)) as [
      string,
      string,
    ];
    const mapping = mappingText({
      'auth: { kind: bearer, token: "${env:IDP_TOKEN}" }': `auth: { kind: mtls, certificate: "\${file:${certificate}}", key: "\${file:${key}}" }`,
      'baseUrl: "${env:IDP_URL}"': 'baseUrl: https://idp.example.com/scim/v2',
    });
    const house = await openTestHouse({ mapping });
    const endsMs = Date.parse(new X509Certificate(readFileSync(certificate)).validTo);
    house.clock.set(instantOfMs(endsMs - 31 * DAY_MS));
    await look(house);
    expect(await codes(house)).toEqual([]);
    house.clock.set(instantOfMs(endsMs - 29 * DAY_MS));
    await look(house);
    expect(await house.house.store.alarms('acme')).toMatchObject([
      { code: 'credentials.end', message: expect.stringMatching(/^the certificate \(targets\[0\]\.auth\) ends on /) },
    ]);
  });
});

describe('a connection file that is edited while the house is open', () => {
  const edit = (house: TestHouse, text: string) => writeFileSync(join(house.mappingsDir, 'acme.yaml'), text);

  test('counts from the next start, and until then is an alarm that says so', async () => {
    const house = await openTestHouse();
    await house.sync(feed(PEOPLE));
    const other = mappingText({ 'department: record.Dept': `department: '"Other"'` });
    edit(house, other);
    await house.cycle();
    expect(await codes(house)).toEqual(['feed.connection-edited']);
    const { stdout } = await atDesk(house, ['status']);
    expect(stdout).toMatch(
      /^ALARM acme: acme\.yaml says something else, and the running process goes by what it read at its start/m,
    );
    expect(stdout).toContain('restart it to have the file count');
    await house.restart(other);
    await house.cycle();
    expect(await codes(house)).toEqual([]);
  });

  test.each([
    ['that cannot be used', 'connection: [', 'acme.yaml cannot be used as it stands ('],
    ['that is empty', '', 'acme.yaml cannot be used as it stands ('],
    ['that is gone', null, 'acme.yaml cannot be read any more'],
  ] as const)('into one %s is told before a restart would stop at it', async (_, text, says) => {
    const house = await openTestHouse();
    await house.sync(feed(PEOPLE));
    if (text === null) rmSync(join(house.mappingsDir, 'acme.yaml'));
    else edit(house, text);
    await look(house);
    expect((await house.house.store.alarms('acme')).map(({ message }) => message)).toEqual([
      expect.stringContaining(says),
    ]);
    edit(house, mappingText());
    await look(house);
    expect(await codes(house)).toEqual([]);
  });

  test('in comments and layout only says the same', async () => {
    const house = await openTestHouse();
    await house.sync(feed(PEOPLE));
    edit(house, `# of HR\n\n${mappingText()}`);
    await look(house);
    expect(await codes(house)).toEqual([]);
  });
});
