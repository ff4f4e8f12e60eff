import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { httpDateOfMs, msOf } from '../../../src/base/instant.ts';
import { column, NOW, openHttpDesk, records } from '../../support/http-desk.ts';

const LIST = { list: { path: '/people', recordPath: 'items' } };
const GOOD = { body: { items: records(2) } };
const BEARER = { ...LIST, auth: { kind: 'bearer', token: '${env:HR_TOKEN}' } };

describe('a source that throttles', () => {
  it.each([
    ['seconds', { 'retry-after': '30' }, 30],
    [
      'a date, counted from its own clock',
      { 'retry-after': httpDateOfMs(msOf(NOW) + 3_645_000), date: httpDateOfMs(msOf(NOW) + 3_600_000) },
      45,
    ],
  ])('is left alone for as long as it asks in %s', async (_name, headers, seconds) => {
    const desk = await openHttpDesk(LIST, (_asked, count) => (count === 1 ? { status: 429, headers } : GOOD));
    expect(column(await desk.look(), 'id')).toEqual(['1', '2']);
    expect((desk.asked[1]?.atMs ?? 0) - msOf(NOW)).toBe(seconds * 1_000);
  });

  it('is put off to another look where it asks for more than a look waits', async () => {
    const desk = await openHttpDesk(LIST, () => ({ status: 503, headers: { 'retry-after': '1800' } }));
    expect(await desk.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 1_800_000 });
    expect(desk.asked).toHaveLength(1);
  });

  it('pauses as a whole: no request of a join goes on meanwhile', async () => {
    const source = { ...LIST, joins: [{ as: 'more', path: '/people/{id}' }] };
    const desk = await openHttpDesk(source, ({ path }, count) => {
      if (path === '/people') return { body: { items: records(20) } };
      return count === 2 ? { status: 429, headers: { 'retry-after': '60' } } : { body: { ok: 1 } };
    });
    expect((await desk.look()).rows).toHaveLength(20);
    const later = desk.asked.filter(({ atMs }) => atMs >= msOf(NOW) + 60_000).length;
    // Those that were on their way already come back; everybody else waits.
    expect(later).toBeGreaterThanOrEqual(12);
    expect(desk.asked.filter(({ atMs }) => atMs > msOf(NOW) && atMs < msOf(NOW) + 60_000)).toEqual([]);
  });

  it('is not asked more often than the file allows', async () => {
    const source = { list: { ...LIST.list, paging: { kind: 'page', total: 'total' } }, limits: { perSecond: 2 } };
    const desk = await openHttpDesk(source, ({ query }) => ({
      body: { total: 4, items: records(1, Number(query.page)) },
    }));
    await desk.look();
    expect(desk.asked.map(({ atMs }) => atMs - msOf(NOW))).toEqual([0, 500, 1_000, 1_500]);
  });
});

describe('a source in trouble', () => {
  it('is asked again after faults that pass, and put off after too many', async () => {
    const desk = await openHttpDesk(LIST, (_asked, count) =>
      count < 4 ? { status: [500, 502, 408][count - 1] ?? 500 } : GOOD,
    );
    expect((await desk.look()).rows).toHaveLength(2);
    const down = await openHttpDesk(LIST, () => ({ status: 503 }));
    expect(await down.look()).toMatchObject({ kind: 'notYet', reason: expect.stringContaining('HTTP 503') });
    expect(down.asked).toHaveLength(4);
  });

  it('that drips is given up when the time of a look is over', async () => {
    const drip = (response: ServerResponse): void => {
      response.writeHead(200);
      response.write('{"items":[');
    };
    const desk = await openHttpDesk({ ...LIST, limits: { minutes: 5 }, timeoutMs: 60_000 }, () => ({ by: drip }));
    expect(await desk.problem()).toBe('source.too-slow');
  });

  it('that fails for its whole list still tells its changes, and the other way round', async () => {
    const source = {
      ...LIST,
      one: { path: '/people/{id}' },
      changes: { path: '/changed', recordPath: 'ids', watermark: 'until' },
    };
    let broken = 'nothing';
    const desk = await openHttpDesk(source, ({ path }) => {
      if (path === broken) return { status: 403 };
      if (path === '/changed') return { body: { until: '2026-11-23T10:59:00Z', ids: [{ id: '1' }] } };
      return path === '/people' ? GOOD : { body: { id: '1', name: 'Changed' } };
    });
    desk.watermark = '2026-11-23T10:00:00.000Z';
    broken = '/people';
    desk.source.slot?.('changes');
    expect((await desk.look()).delivery?.content).toBe('delta');
    expect(await desk.problem()).toBe('source.forbidden');
    broken = '/changed';
    desk.source.slot?.('snapshot');
    desk.source.slot?.('changes');
    expect((await desk.look()).delivery?.content).toBe('snapshot');
    desk.source.slot?.('changes');
    expect(await desk.problem()).toBe('source.forbidden');
  });
});

describe('credentials', () => {
  it('that are not taken are read again once, and then the reference is named', async () => {
    const environment: Record<string, string> = { HR_TOKEN: 'old' };
    const desk = await openHttpDesk(
      BEARER,
      ({ headers }) => {
        const good = headers.authorization === 'Bearer new';
        environment.HR_TOKEN = 'new';
        return good ? GOOD : { status: 401 };
      },
      environment,
    );
    expect((await desk.look()).rows).toHaveLength(2);
    const refused = await openHttpDesk(BEARER, () => ({ status: 401 }), { HR_TOKEN: 'x' });
    const problem = await refused.patiently(refused.look()).catch((error: Error) => error);
    expect(JSON.stringify(problem)).toContain('source.credentials');
    expect(JSON.stringify(problem)).toContain('${env:HR_TOKEN}');
    expect(refused.asked).toHaveLength(1);
  });

  it('that are missing are named, and nothing is asked', async () => {
    const desk = await openHttpDesk(BEARER, () => GOOD);
    expect(await desk.problem()).toBe('source.credentials');
    expect(desk.asked).toEqual([]);
  });

  it.each([
    ['a header', { kind: 'apiKey', name: 'X-Key', value: '${env:HR_KEY}' }, { 'x-key': 'k&y' }, {}],
    ['the query', { kind: 'apiKey', in: 'query', name: 'key', value: '${env:HR_KEY}' }, {}, { key: 'k&y' }],
    [
      'a user without a password',
      { kind: 'apiKey', in: 'user', value: '${env:HR_KEY}' },
      { authorization: `Basic ${btoa('k&y:x')}` },
      {},
    ],
    [
      'a user with one',
      { kind: 'basic', user: 'isu', password: '${env:HR_KEY}' },
      { authorization: `Basic ${btoa('isu:k&y')}` },
      {},
    ],
  ])('stand in %s', async (_name, auth, headers, query) => {
    const desk = await openHttpDesk({ ...LIST, auth }, () => GOOD, { HR_KEY: 'k&y' });
    await desk.look();
    expect(desk.asked[0]?.headers).toMatchObject(headers);
    expect(desk.asked[0]?.query).toEqual(query);
  });
});

describe('a hint to a source that cannot be asked about one worker', () => {
  it('has the whole list read, but not again and again', async () => {
    const desk = await openHttpDesk(LIST, () => GOOD);
    await desk.look();
    expect(await desk.look()).toMatchObject({ kind: 'nothing' });
    desk.source.slot?.('hint');
    expect(await desk.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 600_000 });
    desk.clock.advance(600_000);
    expect(await desk.look()).toMatchObject({ kind: 'delivery' });
    expect(await desk.look()).toMatchObject({ kind: 'nothing' });
    // The schedule is not held up by it.
    desk.source.slot?.('hint');
    desk.source.slot?.('snapshot');
    expect(await desk.look()).toMatchObject({ kind: 'delivery' });
    expect(desk.asked).toHaveLength(3);
  });
});
