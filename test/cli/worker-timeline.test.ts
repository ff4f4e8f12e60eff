import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { company, day } from '../support/cli.ts';

test('worker shows rows to come and every moment in the worker’s own time, with disableAt and the zone', async () => {
  const acme = await company();
  const mapping = readFileSync(join(acme.mappings, 'acme.yaml'), 'utf8')
    .replace('timeZone: UTC', 'timeZone: Asia/Tokyo')
    .replace('stableMs: 0 }', 'stableMs: 0, effective: { from: \'date(record.From, "yyyy-MM-dd")\', to: record.To } }')
    .replace(
      'targets:',
      'lifecycle: { disableAt: "18:00", enableAt: "06:00", retention: { deleteAfterDays: 90 } }\ntargets:',
    )
    .replace('  - name: idp\n', '  - name: idp\n    deletes: true\n');
  acme.write('mappings/acme.yaml', mapping);
  const rows = [
    `7,Ada,Stays,A,2020-01-01,,Sales,,2020-01-01,${day(19)}`,
    `7,Ada,Stays,A,2020-01-01,,Legal,,${day(20)},`,
    `7,Ada,Stays,T,2020-01-01,${day(59)},Legal,,${day(60)},`,
    `8,Ada,Starts,A,${day(40)},,Sales,,${day(40)},`,
  ];
  acme.write(
    'mappings/workers.csv',
    `Id,Given,Family,Status,Start,End,Department,Manager,From,To\n${rows.map((row) => `${row}\n`).join('')}`,
  );
  expect((await acme.cli('sync')).code).toBe(0);

  const { stdout } = await acme.cli('worker', '7');
  expect(stdout).toMatch(/^7 +active +2020-01-01 +open +Asia\/Tokyo +– +counts today$/m);
  expect(stdout).toMatch(new RegExp(`^ +active +2020-01-01 +open +Asia/Tokyo +– +from ${day(20)}$`, 'm'));
  const moments = stdout
    .split('WHAT COMES NEXT')[1]
    ?.trim()
    .split('\n')
    .map((line) => line.replace(/ +in \d+ days? +/, ' | ').replace(/ ←$/, ''));
  expect(moments).toEqual([
    `${day(20)} 00:00:00 GMT+9 | another row of HR’s counts: department Sales → Legal`,
    expect.stringMatching(
      new RegExp(`^${day(29)} 00:00:00 GMT\\+9 \\| the last day ${day(59)} comes in sight of the guards$`),
    ),
    `${day(59)} 18:00:00 GMT+9 | the last day ${day(59)} is over: access ends`,
    expect.stringMatching(/ 18:00:00 GMT\+9 \| retention of 90 days is over: the account is deleted$/),
  ]);

  const { json } = await acme.cli('worker', '8', '--json');
  expect(json.timeZone).toBe('Asia/Tokyo');
  expect(json.coming).toEqual([
    {
      at: expect.stringMatching(/T15:00:00\.000Z$/),
      local: `${day(33)} 00:00:00 GMT+9`,
      what: 'the account is made, inactive: 7 days before the start',
      from: 'expected',
      to: 'preboarding',
    },
    {
      at: `${day(39)}T21:00:00.000Z`,
      local: `${day(40)} 06:00:00 GMT+9`,
      what: `first day ${day(40)}: access begins`,
      from: 'preboarding',
      to: 'active',
    },
  ]);
  expect(json.timeline[0]).toMatchObject({ local: expect.stringMatching(/GMT\+9$/) });
});

test('plan --as-of judges enableAt and disableAt, and validate refuses what is no local time', async () => {
  const acme = await company();
  const mapping = readFileSync(join(acme.mappings, 'acme.yaml'), 'utf8');
  acme.write('mappings/acme.yaml', mapping.replace('targets:', 'lifecycle: { disableAt: "18:00" }\ntargets:'));
  acme.feed([{ id: '7', status: 'T', end: day(10) }, { id: '8' }]);
  expect((await acme.cli('sync')).code).toBe(0);
  const before = await acme.cli('plan', '--as-of', `${day(10)}T17:59:59Z`, '--json');
  const after = await acme.cli('plan', '--as-of', `${day(10)}T18:00:00Z`, '--json');
  expect(JSON.stringify(before.json)).not.toContain('"leaver"');
  expect(JSON.stringify(after.json)).toContain('"leaver"');

  acme.write(
    'mappings/acme.yaml',
    mapping.replace('targets:', 'lifecycle: { disableAt: "6pm", enableAt: "+9d 06:00" }\ntargets:'),
  );
  const bad = await acme.cli('validate');
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/acme\.yaml:\d+:\d+ lifecycle\.disableAt: "6pm" is no local time/);
  expect(bad.stderr).toMatch(
    /lifecycle\.enableAt: "\+9d 06:00" is no local time with an optional shift of at most 7 days/,
  );
});
