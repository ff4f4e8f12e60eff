// Who is told what: one message for each cause, again daily, resolved when it is over; over a signed webhook and real SMTP.
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AlertSettings, readAlertSettings } from '../../src/mapping/alert-settings.ts';
import { tellPeople } from '../../src/pipeline/alert-loop.ts';
import { alertsNow } from '../../src/pipeline/alerts.ts';
import { type Channels, openChannels } from '../../src/runtime/alert-channels.ts';
import { crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes !!!').toString('base64')}`;
const never = new AbortController().signal;
const TOO_LONG = { kind: 'answer', status: 400, body: '{"detail":"title of \\"Ada\\" is too long"}' } as const;

function settingsOf(text: string): AlertSettings {
  const read = readAlertSettings('alerts.yaml', text);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.settings;
}

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Somebody's receiver; `answers` is what it says next. */
async function receiver() {
  const received: Received[] = [];
  const state = { status: 204 };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(state.status).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise<void>((done) => void server.close(() => done())));
  return { received, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts` };
}

async function mailbox() {
  const letters: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => {
        letters.push(text);
        done();
      });
    },
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', () => done()));
  onTestFinished(() => new Promise<void>((done) => void server.close(() => done())));
  return { letters, port: (server.server.address() as AddressInfo).port };
}

function open(
  text: string,
  environment: Record<string, string> = { HOOK: SECRET },
): { settings: AlertSettings; channels: Channels } {
  const settings = settingsOf(text);
  const channels = openChannels(settings, environment);
  onTestFinished(() => channels[Symbol.asyncDispose]());
  return { settings, channels };
}

async function troubled(): Promise<TestHouse> {
  const people = crowd(60);
  const test = await openTestHouse();
  await test.sync(feed(people));
  test.idp.behaviours.add({ method: 'PATCH', act: TOO_LONG });
  await test.sync(
    feed(
      people.map((one, index) =>
        index < 8 ? { ...one, title: 'Duke' } : index === 20 ? { ...one, status: 'T' } : one,
      ),
    ),
  );
  test.clock.advance(6 * MINUTE);
  return test;
}

describe('alerts', () => {
  it('are one for each cause, whoever they are about, with the commands that say more, and without words that may name people', async () => {
    const test = await troubled();
    const alerts = await alertsNow(test.house);
    expect(alerts.map(({ severity, title }) => [severity, title])).toEqual([
      ['page', '1 leaver(s) still have access at idp'],
      ['ticket', '8 worker(s) of acme failed at idp: 400 http-400'],
    ]);
    expect(alerts[1]?.lines[0]).toMatch(/^the target’s own words: rollcall failed --cause [0-9a-f]{8}$/);
    expect(JSON.stringify(alerts)).not.toContain('is too long');
    expect(alerts[1]?.command).toMatch(/^rollcall replay --cause [0-9a-f]{8} --connection acme --preview$/);
  });

  it('reach a webhook signed, once; again after a day; and are resolved', async () => {
    const test = await troubled();
    const desk = await receiver();
    const { settings, channels } = open(`webhook: { url: "${desk.url}", secret: "\${env:HOOK}" }`);
    const tell = () => tellPeople(test.house, settings, channels.channels, never);
    expect((await tell()).map(({ event }) => event)).toEqual(['raised', 'raised']);
    expect(await tell()).toEqual([]);
    const verified = desk.received.map(({ headers, body }) => {
      const signed = headers as Record<string, string>;
      const at = Number(signed['webhook-timestamp']);
      expect(Math.abs(at * 1_000 - test.clock.nowMs())).toBeLessThan(2_000);
      expect(() => new Webhook(SECRET).sign(signed['webhook-id'] ?? '', new Date(at * 1_000), body)).not.toThrow();
      expect(signed['webhook-signature']).toBe(
        new Webhook(SECRET).sign(signed['webhook-id'] ?? '', new Date(at * 1_000), body),
      );
      return JSON.parse(body) as { event: string; title: string };
    });
    expect(verified.map(({ event, title }) => [event, title])[0]).toEqual([
      'raised',
      '1 leaver(s) still have access at idp',
    ]);
    test.clock.advance(25 * HOUR);
    expect((await tell()).map(({ event }) => event)).toContain('again');
    test.idp.behaviours.clear();
    await test.settle();
    const failed = (await test.house.store.operations({ states: ['failed'], limit: 50 })).map(({ id }) => id);
    const { performAct } = await import('../../src/pipeline/operator.ts');
    await performAct(test.house, {
      kind: 'replay',
      args: { operations: failed },
      reason: 'mended',
      by: 'x',
      osUser: 'x',
      channel: 'test',
    });
    await test.settle();
    const over = await tell();
    expect(over.map(({ event }) => event)).toEqual(['resolved', 'resolved']);
    expect(await tell()).toEqual([]);
  });

  it('that no channel took are sent at the next look, and one that took it is enough', async () => {
    const test = await troubled();
    const desk = await receiver();
    const post = await mailbox();
    const { settings, channels } = open(`webhook: { url: "${desk.url}", secret: "\${env:HOOK}" }`);
    desk.state.status = 500;
    expect(await tellPeople(test.house, settings, channels.channels, never)).toEqual([]);
    desk.state.status = 200;
    expect(await tellPeople(test.house, settings, channels.channels, never)).toHaveLength(2);
    const both = open(
      `webhook: { url: "${desk.url}", secret: "\${env:HOOK}" }\nmail: { host: 127.0.0.1, port: ${post.port}, security: none, from: rollcall@example.com, to: [oncall@example.com] }\nrepeatAfterHours: 1`,
    );
    desk.state.status = 503;
    test.clock.advance(2 * HOUR);
    expect((await tellPeople(test.house, both.settings, both.channels.channels, never)).length).toBeGreaterThanOrEqual(
      2,
    );
    expect(post.letters[0]).toContain('Subject: Still: 1 leaver(s) still have access at idp');
    expect(post.letters[0]).toContain('look: rollcall failed');
  });

  it.each([
    ['says nothing', []],
    ['hangs in the middle of a letter', ['220 mail', '250 mail', '250 yes', '250 yes']],
  ] as const)(
    'leave a mail server that %s as soon as the house stops',
    async (_, lines) => {
      const test = await troubled();
      const asked = Promise.withResolvers<Socket>();
      const server = createTcpServer((socket) => {
        socket.on('error', () => {});
        const rest = [...lines];
        const answer = (): void => {
          const line = rest.shift();
          if (line === undefined) asked.resolve(socket);
          else socket.write(`${line}\r\n`);
        };
        socket.on('data', answer);
        answer();
      });
      await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
      onTestFinished(() => void server.close());
      const { settings, channels } = open(
        `mail: { host: 127.0.0.1, port: ${(server.address() as AddressInfo).port}, security: none, from: rollcall@example.com, to: [oncall@example.com] }`,
      );
      const stop = new AbortController();
      const telling = tellPeople(test.house, settings, channels.channels, stop.signal);
      const socket = await asked.promise;
      const left = new Promise((done) => socket.on('end', done).on('close', done));
      stop.abort();
      expect(await telling).toEqual([]);
      await left;
      expect((await test.house.store.setting('alerts-said')) ?? {}).toEqual({});
    },
    8_000,
  );

  it('name no person and no secret', async () => {
    const test = await troubled();
    const desk = await receiver();
    const { settings, channels } = open(`webhook: { url: "${desk.url}", secret: "\${env:HOOK}" }`);
    await tellPeople(test.house, settings, channels.channels, never);
    const all = desk.received.map(({ body }) => body).join('\n');
    for (const word of ['First10', 'Last10', '@example.com', 'let-me-in', SECRET, 'Ada'])
      expect(all).not.toContain(word);
  });

  it('call the dead-man switch', async () => {
    const desk = await receiver();
    const { channels } = open(`deadMan: { url: "${desk.url}" }`);
    expect(await channels.alive?.(never)).toBeNull();
    expect(desk.received).toHaveLength(1);
    desk.state.status = 404;
    expect(await channels.alive?.(never)).toBe('http-404');
  });

  it.each([
    ['webhook: { url: "http://alerts.example.com/", secret: "${env:HOOK}" }', 'the address is no https address'],
    ['webhook: { url: "https://alerts.example.com/", secret: "written out" }', 'a secret is a reference'],
    ['mail: { host: mail.example.com, security: none, from: a@example.com, to: [b@example.com] }', 'unencrypted'],
    ['mail: { host: mail.example.com, from: a@example.com }', 'mail.to is missing'],
    ['telegram: {}', 'the key telegram is not known'],
    ['severity: loud', 'Invalid'],
  ])('refuse %j with line and column', (text, words) => {
    const read = readAlertSettings('alerts.yaml', text);
    if (!('faults' in read)) throw new Error('it was taken');
    expect(read.faults.map(({ message }) => message).join()).toContain(words);
    expect(read.faults[0]?.place).toMatchObject({ file: 'alerts.yaml', line: 1 });
  });
});
