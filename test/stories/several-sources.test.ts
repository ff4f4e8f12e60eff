// HR for the job, a directory for the phone: what the directory says, does not say, and says wrongly.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';
import { startSftpServer } from '../support/sftp-server.ts';

const PEOPLE: readonly Person[] = Array.from({ length: 12 }, (_, index) => ({ id: String(100 + index) }));
const NUMBERS = new Map(PEOPLE.map(({ id }) => [id, `+49 30 ${id}`]));

const ALSO = `also:
  - name: phones
    source: { kind: file, path: phones.csv, stableMs: 0 }
    key: record.Id
    joins: worker.id
    attributes: { phone: record.Phone }
`;

const mapping = (replace: Readonly<Record<string, string>> = {}, also = ALSO): string =>
  mappingText({
    'worker:\n': `${also}worker:\n`,
    '      title: worker.title\n': `      title: worker.title\n      phoneNumbers: [{ value: worker.phone, type: '"work"' }]\n`,
    ...replace,
  });

const phones = (numbers: ReadonlyMap<string, string>): string =>
  `Id,Phone\n${[...numbers].map(([id, phone]) => `${id},${phone}\n`).join('')}`;

const phoneOf = ({ idp }: TestHouse, id: string): unknown => {
  const user = [...idp.users.values()].find(({ externalId }) => externalId === id);
  const numbers = user?.phoneNumbers as readonly { value: string }[] | undefined;
  return numbers?.[0]?.value;
};

const writes = ({ idp }: TestHouse): number => idp.log.filter(({ method }) => method !== 'GET').length;

async function staffed(): Promise<TestHouse> {
  const house = await openTestHouse({ mapping: mapping() });
  house.deliver(phones(NUMBERS), 'phones.csv');
  const report = await house.sync(feed(PEOPLE));
  expect(report.further).toMatchObject([{ name: 'phones', kind: 'read', rows: 12, changed: 12, rejected: 0 }]);
  for (const { id } of PEOPLE) expect(phoneOf(house, id)).toBe(`+49 30 ${id}`);
  return house;
}

describe('a directory beside HR', () => {
  test('gives its attribute, and a change there alone is one request for the one worker it joins', async () => {
    const house = await staffed();
    const before = writes(house);
    house.deliver(phones(new Map([...NUMBERS, ['105', '+49 40 555']])), 'phones.csv');
    const report = await house.sync();
    expect(report).toMatchObject({ kind: 'done', further: [{ kind: 'read', changed: 1 }] });
    expect(phoneOf(house, '105')).toBe('+49 40 555');
    expect(writes(house) - before).toBe(1);
    await house.sync();
    expect(writes(house) - before).toBe(1);
  });

  test('keeps the last known value where a row is missing, the file is empty, gone, lacks the column, or is older', async () => {
    const house = await staffed();
    const before = writes(house);
    const reports: string[] = [];
    const read = async () => {
      const { further = [] } = await house.sync(feed([...PEOPLE]));
      reports.push(further.map(({ kind, faults }) => faults[0]?.code ?? kind).join());
    };
    house.deliver(phones(new Map([...NUMBERS].slice(0, 3))), 'phones.csv');
    await read();
    house.deliver('Id,Phone\n', 'phones.csv');
    await read();
    house.deliver('', 'phones.csv');
    await read();
    house.deliver('Id,Telephone\n105,1\n', 'phones.csv');
    await read();
    rmSync(join(house.mappingsDir, 'phones.csv'));
    await read();
    expect(reports).toEqual(['read', 'feed.empty', 'feed.empty', 'mapping.column', 'nothing']);
    for (const { id } of PEOPLE) expect(phoneOf(house, id)).toBe(`+49 30 ${id}`);
    expect(writes(house)).toBe(before);
  });

  test('that is refused is alarmed once, and the alarm is over when it can be read', async () => {
    const house = await staffed();
    house.deliver('Id,Telephone\n105,1\n', 'phones.csv');
    await house.sync();
    await house.sync();
    const { store } = house.house;
    expect(await store.alarms('acme')).toMatchObject([{ code: 'further.refused', subject: 'phones' }]);
    expect((await store.audit.tail(1_000, { kinds: ['alarm'] })).length).toBe(1);
    house.deliver(phones(NUMBERS), 'phones.csv');
    await house.sync();
    expect(await store.alarms('acme')).toEqual([]);
  });

  test('blanks a value only where a row says so, and many such blanks are held', async () => {
    const house = await staffed();
    house.deliver(phones(new Map([...NUMBERS, ['105', '']])), 'phones.csv');
    expect((await house.sync()).kind).toBe('done');
    expect(phoneOf(house, '105')).toBeUndefined();

    house.deliver(phones(new Map([...NUMBERS].map(([id]) => [id, '']))), 'phones.csv');
    const report = await house.sync();
    expect(report.kind).toBe('held');
    expect(report.holds.map(({ kind }) => kind)).toContain('valueBlanked');
    expect(phoneOf(house, '106')).toBe('+49 30 106');
    // Held it stays, whether the directory or HR is looked at again, until the directory is right.
    await house.sync(feed(PEOPLE));
    expect(phoneOf(house, '106')).toBe('+49 30 106');
    house.deliver(phones(NUMBERS), 'phones.csv');
    await house.sync();
    await house.sync();
    expect(await house.house.store.holds('acme')).toEqual([]);
    expect(phoneOf(house, '105')).toBe('+49 30 105');
  });

  test('that changes for nearly everybody is held, and flows once a person approves', async () => {
    const house = await staffed();
    house.deliver(phones(new Map([...NUMBERS].map(([id]) => [id, `+1 ${id}`]))), 'phones.csv');
    const report = await house.sync();
    expect(report.holds.map(({ kind }) => kind)).toEqual(['attributeChanged']);
    expect(phoneOf(house, '103')).toBe('+49 30 103');
    await house.approveAll();
    await house.sync();
    for (const { id } of PEOPLE) expect(phoneOf(house, id)).toBe(`+1 ${id}`);
  });

  test('makes, starts and ends nobody, whoever stands in it', async () => {
    const house = await staffed();
    house.deliver(
      phones(
        new Map([
          ['900', '+49 900'],
          ['901', '+49 901'],
        ]),
      ),
      'phones.csv',
    );
    await house.sync();
    expect(house.idp.users.size).toBe(PEOPLE.length);
    for (const { id } of PEOPLE) expect(await house.stage(id)).toBe('active/settled');
    // Known before HR knows them: they have their number from the first request on.
    const before = writes(house);
    await house.sync(feed([...PEOPLE, { id: '900' }]));
    expect(phoneOf(house, '900')).toBe('+49 900');
    expect(writes(house) - before).toBeLessThanOrEqual(2);
  });

  test('with a key that stands in rows that differ is nobody’s word for that key, and says so', async () => {
    const house = await staffed();
    house.deliver(`${phones(NUMBERS)}105,+49 666\n107,+49 30 107\n`, 'phones.csv');
    const report = await house.sync();
    // 107 stands there twice with the very same content.
    expect(report.further).toMatchObject([
      { kind: 'read', rejected: 1, rejections: [{ key: '105', code: 'duplicate-key' }] },
    ]);
    expect(phoneOf(house, '105')).toBe('+49 30 105');
    house.deliver('Id,Phone\n105,+49 1\n105,+49 2\n106,+49 3\n', 'phones.csv');
    expect((await house.sync()).further).toMatchObject([{ rejected: 2 }]);
    expect(phoneOf(house, '105')).toBe('+49 30 105');
    expect(phoneOf(house, '106')).toBe('+49 3');
  });

  test('goes on while HR is refused, and HR goes on while it is', async () => {
    const house = await staffed();
    house.deliver(phones(new Map([...NUMBERS, ['105', '+49 40 555']])), 'phones.csv');
    const refused = await house.sync('nonsense\n');
    expect(refused.kind).toBe('refused');
    expect(phoneOf(house, '105')).toBe('+49 40 555');
    house.deliver('Id,Telephone\n1,1\n', 'phones.csv');
    const report = await house.sync(feed(PEOPLE.map((one) => (one.id === '104' ? { ...one, title: 'Head' } : one))));
    expect(report.kind).toBe('done');
    expect([...house.idp.users.values()].find(({ externalId }) => externalId === '104')?.title).toBe('Head');
    expect(phoneOf(house, '104')).toBe('+49 30 104');
  });

  test('takes nobody out of a hold of what HR says, while HR cannot be read', async () => {
    const house = await staffed();
    const gone = PEOPLE.map((one, index) => (index < 5 ? { ...one, status: 'T', end: '2026-11-01' } : one));
    expect((await house.sync(feed(gone))).kind).toBe('held');
    const held = async () =>
      (await house.house.store.holds('acme')).map(({ kind, itemCount }) => `${kind} ${itemCount}`);
    const before = await held();
    expect(before).toEqual(['explicitLeaver 5']);
    house.deliver(phones(new Map([...NUMBERS, ['100', '+49 40 1'], ['110', '+49 40 2']])), 'phones.csv');
    expect((await house.sync('nonsense\n')).kind).toBe('refused');
    expect(await held()).toEqual(before);
    expect([phoneOf(house, '100'), phoneOf(house, '110')]).toEqual(['+49 30 100', '+49 40 2']);
    // The next good word of HR judges both.
    await house.sync(feed(PEOPLE));
    expect(await held()).toEqual([]);
    expect(phoneOf(house, '100')).toBe('+49 40 1');
  });

  test('that a target was not there for comes again, also after a restart', async () => {
    const house = await staffed();
    house.deliver(phones(new Map([...NUMBERS, ['105', '+49 40 555']])), 'phones.csv');
    // Stored, and then the process dies before anybody is judged.
    const { readFurther } = await import('../../src/pipeline/further.ts');
    house.clock.advance(1_000);
    await readFurther(house.house, house.live, { mode: 'commit', signal: new AbortController().signal });
    expect(await house.house.store.anyDueFacts('acme')).toBe(true);
    await house.restart();
    await house.sync();
    expect(phoneOf(house, '105')).toBe('+49 40 555');
    expect(await house.house.store.anyDueFacts('acme')).toBe(false);
  });

  test('is part of a plan that stores nothing', async () => {
    const house = await staffed();
    house.deliver(phones(new Map([...NUMBERS, ['105', '+49 40 555']])), 'phones.csv');
    const planned: string[] = [];
    await house.cycle({
      mode: 'plan',
      inspect: (plan) => void planned.push(...[...plan.keys()].filter((key) => plan.hasChange(key))),
    });
    // The very same file of HR: a plan looks at everybody again.
    expect(planned).toContain('105');
    expect(await house.house.store.anyDueFacts('acme')).toBe(false);
    expect((await house.house.store.facts('acme', 'phones', ['105'])).get('105')).toEqual({ phone: '+49 30 105' });
  });
});

describe('a first load', () => {
  test('waits for a directory that is still being written, and then needs one request for each worker', async () => {
    const house = await openTestHouse({ mapping: mapping({}, ALSO.replace('stableMs: 0', 'stableMs: 60000')) });
    house.deliver(phones(NUMBERS), 'phones.csv');
    house.deliver(feed(PEOPLE));
    expect(await house.cycle()).toMatchObject({ kind: 'notYet', further: [{ kind: 'notYet' }] });
    // Written before we looked by our own clock, which a test holds: it stands still as long as the clock says.
    for (let turn = 0; turn < 3; turn++) {
      const report = await house.cycle();
      if (report.kind === 'done') break;
      house.clock.advance(report.retryAfterMs ?? 0);
    }
    await house.settle();
    expect([...house.idp.users.values()].every(({ phoneNumbers }) => phoneNumbers !== undefined)).toBe(true);
    expect(house.idp.users.size).toBe(PEOPLE.length);
  });

  test('goes on without a directory that is not there', async () => {
    const house = await openTestHouse({ mapping: mapping() });
    expect(await house.sync(feed(PEOPLE))).toMatchObject({ kind: 'done', further: [{ kind: 'nothing' }] });
    expect(house.idp.users.size).toBe(PEOPLE.length);
  });
});

test('a directory may lie on an SFTP server, and is put away there like any delivery', async () => {
  const server = await startSftpServer({ password: 'correct horse' });
  const also = ALSO.replace(
    '{ kind: file, path: phones.csv, stableMs: 0 }',
    `{ kind: sftp, host: 127.0.0.1, port: ${server.port}, hostKey: "${server.fingerprint}", path: phones.csv, archive: done, stableMs: 0,
        auth: { kind: password, user: rollcall, password: "\${env:SFTP_PASSWORD}" } }`,
  );
  const house = await openTestHouse({ mapping: mapping({}, also), environment: { SFTP_PASSWORD: 'correct horse' } });
  server.write('/phones.csv', phones(NUMBERS));
  await house.sync(feed(PEOPLE));
  expect(phoneOf(house, '105')).toBe('+49 30 105');
  expect(server.paths()).toEqual(['/done/phones.csv']);
});

describe('workers and a directory', () => {
  const byMail = ALSO.replace('joins: worker.id', 'joins: worker.mail').replace('key: record.Id', 'key: record.Mail');
  const withMail = (also = byMail): string =>
    mapping({ '    title: record.Title\n': '    title: record.Title\n    mail: record.Last + "@example.com"\n' }, also);
  const directory = (numbers: Readonly<Record<string, string>>): string =>
    `Mail,Phone\n${Object.entries(numbers)
      .map(([id, phone]) => `Last${id}@example.com,${phone}\n`)
      .join('')}`;

  test('may meet by what HR says of them, and whose mail changes keeps the number until the directory knows the new one', async () => {
    const house = await openTestHouse({ mapping: withMail() });
    house.deliver(directory({ 100: '+49 1', 101: '+49 2' }), 'phones.csv');
    await house.sync(feed(PEOPLE));
    expect([phoneOf(house, '100'), phoneOf(house, '101'), phoneOf(house, '102')]).toEqual([
      '+49 1',
      '+49 2',
      undefined,
    ]);
    house.deliver(directory({ 100: '+49 1', 101: '+49 22' }), 'phones.csv');
    const before = writes(house);
    await house.sync();
    expect(phoneOf(house, '101')).toBe('+49 22');
    expect(writes(house) - before).toBe(1);

    await house.sync(feed(PEOPLE.map((one) => (one.id === '101' ? { ...one, last: 'Married' } : one))));
    expect(phoneOf(house, '101')).toBe('+49 22');
    house.deliver('Mail,Phone\nMarried@example.com,+49 222\n', 'phones.csv');
    await house.sync();
    expect(phoneOf(house, '101')).toBe('+49 222');
  });

  test('have the value of the source that counts first, and of the next where that one says nothing', async () => {
    const twice = `${ALSO.replace('attributes: { phone: record.Phone }', 'attributes: { title: record.Phone }')}precedence: { title: [phones, source] }\n`;
    const house = await openTestHouse({ mapping: mappingText({ 'worker:\n': `${twice}worker:\n` }) });
    house.deliver(
      phones(
        new Map([
          ['100', 'Chief'],
          ['101', ''],
        ]),
      ),
      'phones.csv',
    );
    await house.sync(feed(PEOPLE));
    const titles = ['100', '101', '102'].map(
      (id) => [...house.idp.users.values()].find(({ externalId }) => externalId === id)?.title,
    );
    expect(titles).toEqual(['Chief', 'Clerk', 'Clerk']);
  });
});
