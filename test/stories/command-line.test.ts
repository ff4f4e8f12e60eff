// The promises that would end Rollcall if they broke, told as an operator meets them: files in, requests counted at the endpoint.
import { describe, expect, it } from 'vitest';
import { company, day, people } from '../support/cli.ts';

const disables = (idp: { writes: () => readonly { body: string }[] }): number =>
  idp.writes().filter(({ body }) => /"path":"active","value":false|"active":false/.test(body)).length;

describe('a bad export, sent through the command line', () => {
  it('disables nobody when a shifted column says terminated for everyone', async () => {
    const acme = await company();
    acme.feed(people(60));
    await acme.cli('sync');
    acme.feed(people(60).map((row) => ({ ...row, status: 'T' })));
    for (let again = 0; again < 3; again += 1) expect(await acme.cli('sync')).toMatchObject({ code: 3 });
    expect(disables(acme.idp)).toBe(0);
    expect((await acme.cli('holds')).stdout).toMatch(/explicitLeaver/);
  });

  it('disables nobody when a shifted column gives everyone tomorrow as last day, not even the day after', async () => {
    const acme = await company();
    acme.feed(people(60));
    await acme.cli('sync');
    acme.feed(people(60).map((row) => ({ ...row, end: day(1) })));
    expect(await acme.cli('sync')).toMatchObject({ code: 3 });
    expect(disables(acme.idp)).toBe(0);
    const worker = await acme.cli('worker', '7', '--json');
    expect(JSON.stringify(worker.json)).not.toContain(day(1));
  });

  it('says why and disables nobody for a header alone, another system’s file and a file cut in two', async () => {
    const acme = await company();
    acme.feed(people(60));
    await acme.cli('sync');
    const feeds = [
      'Id,Given,Family,Status,Start,End,Department,Manager\n',
      'Invoice;Amount;Due\n1;20.00;2026-12-01\n',
      'Id,Given,Family,Status,Start,End,Department,Manager\n1,Ada,"Number1,A,2020-01-01,,Sales,\n2,Ada,Number2,A,2020-01-01,,Sales,\n',
    ];
    for (const content of feeds) {
      acme.write('mappings/workers.csv', content);
      const { code, stdout, stderr } = await acme.cli('sync');
      expect([1, 2]).toContain(code);
      expect(stdout + stderr).toMatch(/workers\.csv/);
    }
    expect(disables(acme.idp)).toBe(0);
  });
});

describe('the daemon', () => {
  it('answers for its health, keeps a second one out within a second naming the holder, and stops cleanly on SIGTERM', async () => {
    const acme = await company();
    acme.feed(people(3));
    const daemon = acme.start('run', '--port', '0');
    const started = JSON.parse(await daemon.line((line) => line.includes('rollcall runs')));
    expect((await fetch(`${started.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${started.url}/readyz`)).json()).toMatchObject({ status: 'ready' });
    await acme.idp.arrival(({ method, body }) => method === 'POST' && body.includes('"3"'));

    const second = await acme.child('run', '--port', '0');
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(new RegExp(`process ${daemon.child.pid}|pid ${daemon.child.pid}`));

    // A change of the file is noticed without waiting for the schedule, which comes once a year.
    acme.feed([...people(3), { id: '4' }]);
    await acme.idp.arrival(({ method, body }) => method === 'POST' && body.includes('"4"'));

    // A command beside the daemon leaves its act to it, and it is done within moments.
    const leave = await acme.cli('leave', '2', '--reason', 'lost laptop');
    expect(leave).toMatchObject({ code: 0 });
    await acme.idp.arrival(({ method, body }) => method === 'PATCH' && body.includes('"active"'));
    expect(await daemon.stop()).toBe(0);
    expect((await acme.cli('audit', 'verify')).code).toBe(0);
    const left = await acme.cli('worker', '2', '--json');
    expect(JSON.stringify(left.json)).toContain('left');
  });
});
