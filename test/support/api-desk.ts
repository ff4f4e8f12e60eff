// A house in the middle of a bad week behind its API: something of everything that an answer can speak of.
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { runDaemon } from '../../src/daemon.ts';
import { API_ROUTES } from '../../src/http/api/routes.ts';
import type { Logger } from '../../src/runtime/log.ts';
import { crowd, feed, mappingText, openTestHouse, type TestHouse } from './house.ts';

export const READ_TOKEN = 'reading-token-of-the-api-tests';
export const ACT_TOKEN = 'acting-token-of-the-api-tests';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts.
  readonly json: any;
}

export interface ApiDesk extends TestHouse {
  readonly url: string;
  readonly asked: (path: string, options?: { token?: string | null } & RequestInit) => Promise<Answered>;
  readonly post: (path: string, body: unknown, token?: string) => Promise<Answered>;
  /** Lets the daemon come to the acts that wait, and gives what came of this one. */
  readonly acted: (answer: Answered) => Promise<Answered>;
}

const STILL_TURNS = 50;
const DEPARTMENTS = ['Sales', 'Legal'];

/**
 * Forty people and their troubles: a failed creation, an unconfirmed leaver, a hold, rejected rows, somebody suspected, somebody on
 * leave, a leaver who is through, stopped writes at no target.
 */
export async function troubled(options: { readonly log?: Logger } = {}): Promise<TestHouse> {
  const test = await openTestHouse({
    mapping: mappingText({ 'kind: scim': 'kind: scim\n    reconcile: { schedule: never }' }),
    ...options,
  });
  const people = crowd(40, (index) => ({
    dept: DEPARTMENTS[index % 2] ?? '',
    ...(index > 0 && index < 5 ? { manager: '1000' } : {}),
  }));
  await test.sync(feed(people));
  test.idp.behaviours.add({
    method: 'POST',
    body: /First1050/,
    act: {
      kind: 'answer',
      status: 400,
      body: JSON.stringify({ detail: 'title is too long', scimType: 'invalidValue' }),
    },
  });
  test.idp.behaviours.add({
    method: 'PATCH',
    path: new RegExp(`^/Users/${test.idp.user('1003')?.id}`),
    act: { kind: 'answer', status: 400, body: '{}' },
  });
  const later = [
    ...people
      .filter(({ id }) => id !== '1020')
      .map((one) => {
        if (one.id === '1003') return { ...one, status: 'T', end: '2026-11-20' };
        if (one.id === '1004') return { ...one, status: 'L' };
        if (one.id === '1005') return { ...one, start: 'soon' };
        if (one.id === '1006') return { ...one, title: 'Head clerk' };
        return one;
      }),
    { id: '1050' },
    { id: '1051', status: 'P', start: '2026-12-24' },
  ];
  await test.sync(feed(later));
  // Beyond the limit of one: held.
  await test.sync(
    feed(later.map((one) => (Number(one.id) >= 1010 && Number(one.id) < 1016 ? { ...one, status: 'T' } : one))),
  );
  await test.act('reconcile', { target: '' });
  return test;
}

export async function openApiDesk(
  options: { readonly environment?: Readonly<Record<string, string>>; readonly log?: Logger } = {},
): Promise<ApiDesk> {
  const test = await troubled(options.log === undefined ? {} : { log: options.log });
  const stop = new AbortController();
  const config = readConfig(
    {
      IDP_URL: test.idp.url,
      IDP_TOKEN: 'let-me-in',
      ROLLCALL_HTTP_PORT: '0',
      ROLLCALL_API_TOKEN: READ_TOKEN,
      ROLLCALL_API_ACT_TOKEN: ACT_TOKEN,
      ...options.environment,
    },
    { mappings: test.mappingsDir, state: test.stateDir, logLevel: 'silent' },
  );
  const daemon = await runDaemon(test.house, config, stop.signal);
  const read = new Promise<void>((resolve) => daemon.onCycle(() => resolve()));
  onTestFinished(async () => {
    stop.abort();
    await daemon.stopped;
  });
  await read;
  // What the first look set in motion has ended once the log has stood still for so many turns.
  for (let seq = -1, still = 0; still < STILL_TURNS; ) {
    const head = await test.house.store.audit.head();
    still = head.seq === seq ? still + 1 : 0;
    seq = head.seq;
    await new Promise(setImmediate);
  }
  const asked: ApiDesk['asked'] = async (path, { token = READ_TOKEN, headers, ...more } = {}) => {
    const answer = await fetch(`${daemon.url}${path}`, {
      ...more,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
    const body = await answer.text();
    return { status: answer.status, headers: answer.headers, json: body === '' ? null : JSON.parse(body) };
  };
  const desk: ApiDesk = Object.assign(Object.create(test) as TestHouse, {
    url: daemon.url,
    asked,
    post: (path: string, body: unknown, token = ACT_TOKEN) =>
      asked(path, {
        token,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    acted: async (answer: Answered) => {
      for (;;) {
        const act = await asked(answer.json.href);
        if (act.json.finishedAt !== null) return act;
        test.clock.advance(300);
      }
    },
  });
  return desk;
}

/** What an answer has that its documented shape does not, and the other way round; '' where they agree. */
export function strangeIn(name: string, json: unknown): string {
  const route = API_ROUTES.find((one) => one.name === name);
  if (route === undefined) return `there is no route ${name}`;
  const read = route.answer.safeParse(json);
  return read.success ? '' : z.prettifyError(read.error);
}
