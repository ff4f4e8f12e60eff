import { describe, expect, it } from 'vitest';
import { HIDDEN_CELL } from '../../../src/mapping/record-view.ts';
import { column, openHttpDesk, records } from '../../support/http-desk.ts';

const PEOPLE = records(5).map((one) => ({ ...one, end: null }));
const LIST = { list: { path: '/people', recordPath: 'items' } };
const ONE = { ...LIST, one: { path: '/people/{id}', recordPath: 'item' } };

describe('a hint', () => {
  it('brings the present record of the worker, as the list would', async () => {
    const desk = await openHttpDesk(ONE, ({ path }) =>
      path === '/people' ? { body: { items: PEOPLE } } : { body: { item: PEOPLE[Number(path.slice(-1)) - 1] } },
    );
    const list = await desk.look();
    const brought = await desk.about('3', '3');
    expect(brought.delivery).toMatchObject({ content: 'delta', format: list.delivery?.format });
    expect(brought.rows.map(({ digest }) => digest)).toEqual([list.rows[2]?.digest]);
    expect(desk.asked).toHaveLength(2);
  });

  it('about somebody whom the source does not know brings nobody, and no leave', async () => {
    const desk = await openHttpDesk(ONE, () => ({ status: 404 }));
    expect(await desk.about('9')).toMatchObject({ kind: 'nothing' });
  });

  it('is not answered by somebody else’s record', async () => {
    const desk = await openHttpDesk({ ...LIST, one: { path: '/search?id={id}', recordPath: 'items' } }, () => ({
      body: { items: PEOPLE },
    }));
    expect(column(await desk.about('4'), 'id')).toEqual(['4']);
    expect(await desk.about('44')).toMatchObject({ kind: 'nothing' });
  });

  it('that lacks a member which everybody in the list had is not believed in that', async () => {
    const desk = await openHttpDesk(ONE, ({ path }) =>
      path === '/people' ? { body: { items: PEOPLE } } : { body: { item: { id: '3', name: 'N3' } } },
    );
    await desk.look();
    const brought = await desk.about('3');
    expect(brought.rows.map(({ record }) => ({ ...record }))).toEqual([{ id: '3', name: 'N3', end: HIDDEN_CELL }]);
    expect(brought.delivery?.columns).toEqual(expect.arrayContaining(['id', 'name', 'end']));
  });

  it('names ids that would change the address, and they stay values', async () => {
    const desk = await openHttpDesk(ONE, () => ({ status: 404 }));
    await desk.about('../admin?x=1#y', '..', '.');
    expect(desk.asked[0]?.path).toBe('/people/..%2Fadmin%3Fx%3D1%23y');
    expect(desk.asked[0]?.query).toEqual({});
  });

  it('travels with others in one request where the source takes several', async () => {
    const source = {
      ...LIST,
      one: {
        method: 'POST',
        path: '/some',
        body: { ids: ['{id}'], deep: [{ who: '{id}' }] },
        batch: 3,
        key: 'id',
        recordPath: 'items',
      },
    };
    const desk = await openHttpDesk(source, ({ body }) => {
      const { ids } = JSON.parse(body) as { ids: string[] };
      return { body: { items: PEOPLE.filter(({ id }) => ids.includes(id)).toReversed() } };
    });
    expect(column(await desk.about('1', '2', '3', '4'), 'id').toSorted()).toEqual(['1', '2', '3', '4']);
    expect(desk.asked.map(({ body }) => JSON.parse(body))).toEqual(
      expect.arrayContaining([{ ids: ['1', '2', '3'], deep: [{ who: '1' }, { who: '2' }, { who: '3' }] }]),
    );
    expect(desk.asked).toHaveLength(2);
  });
});

describe('joins', () => {
  const batched = {
    ...LIST,
    joins: [
      {
        as: 'job',
        method: 'POST',
        path: '/jobs',
        body: { requests: [{ who: '{id}' }] },
        batch: 2,
        key: 'who',
        unwrap: 'body',
        element: { code: 200 },
        recordPath: 'responses',
      },
    ],
  };

  it('add what a second request knows, and one bad element is one worker’s fault', async () => {
    const desk = await openHttpDesk(batched, ({ path, body }) => {
      if (path === '/people') return { body: { items: PEOPLE } };
      const { requests } = JSON.parse(body) as { requests: { who: string }[] };
      return {
        body: {
          responses: requests.flatMap<object>(({ who }) =>
            who === '2'
              ? [{ who, code: 404, body: { message: '?' } }]
              : who === '4'
                ? []
                : [{ who, code: 200, body: { title: `T${who}` } }],
          ),
        },
      };
    });
    const brought = await desk.look();
    expect(
      brought.rows.map(({ record, fault }) => fault?.code ?? (record?.job as { title?: string } | undefined)?.title),
    ).toEqual(['T1', 'row.join', 'T3', 'row.join', 'T5']);
    expect(desk.asked.filter(({ path }) => path === '/jobs')).toHaveLength(3);
  });

  it('ask only for those for whom `when` holds, and may bring lists', async () => {
    const source = { ...LIST, joins: [{ as: 'ends', path: '/people/{id}/ends', when: { gone: true }, many: true }] };
    const desk = await openHttpDesk(source, ({ path }) =>
      path === '/people'
        ? { body: { items: PEOPLE.map((one) => ({ ...one, gone: one.id === '2' })) } }
        : { body: [{ on: 'a' }, { on: 'b' }] },
    );
    const { rows } = await desk.look();
    expect(rows.map(({ record }) => record?.ends ?? null)).toEqual([
      null,
      [{ on: 'a' }, { on: 'b' }],
      null,
      null,
      null,
    ]);
    expect(desk.asked).toHaveLength(2);
  });

  it('that are forbidden refuse the look as a whole', async () => {
    const desk = await openHttpDesk(batched, ({ path }) =>
      path === '/people' ? { body: { items: PEOPLE } } : { status: 403 },
    );
    expect(await desk.problem()).toBe('source.forbidden');
  });

  it('can be all that there is of one worker', async () => {
    const desk = await openHttpDesk({ ...batched, one: {} }, ({ body }) => {
      const { requests } = JSON.parse(body) as { requests: { who: string }[] };
      return { body: { responses: requests.map(({ who }) => ({ who, code: 200, body: { title: who } })) } };
    });
    expect((await desk.about('7')).rows[0]?.record).toEqual({ id: '7', job: { title: '7' } });
  });
});

describe('an answer that did not change', () => {
  const script =
    (content: { items: readonly object[]; etag: string }) => (asked: { headers: Readonly<Record<string, unknown>> }) =>
      asked.headers['if-none-match'] === content.etag
        ? { status: 304 }
        : { headers: { etag: content.etag }, body: { items: content.items } };

  it('is the delivery of before, and is read again only where somebody has to be judged', async () => {
    const content = { items: [...PEOPLE], etag: '"v1"' };
    const desk = await openHttpDesk(LIST, script(content));
    const first = await desk.look();
    desk.source.slot?.('snapshot');
    const look = await desk.patiently(desk.source.look(desk.clock.now(), new AbortController().signal));
    if (look.kind !== 'delivery') throw new Error(look.kind);
    await using delivery = look.delivery;
    expect(delivery.id).toBe(first.delivery?.id);
    expect(await delivery.contentDigest(new AbortController().signal)).toBe(first.contentDigest);
    expect(desk.asked).toHaveLength(2);
    const scan = await desk.patiently(delivery.scan({ size: 0, indexOf: () => -1 }, new AbortController().signal));
    expect(scan.rows).toBe(5);
    expect(desk.asked).toHaveLength(3);

    content.items = PEOPLE.slice(1);
    content.etag = '"v2"';
    desk.source.slot?.('snapshot');
    const second = await desk.look();
    expect(second.rows).toHaveLength(4);
    expect(second.delivery?.id).not.toBe(first.delivery?.id);
  });

  it('is never asked for on condition where pages or joins make up the list', async () => {
    const paged = { list: { ...LIST.list, paging: { kind: 'page' } } };
    const desk = await openHttpDesk(paged, ({ query }) => ({
      headers: { etag: '"x"' },
      body: { items: query.page === '1' ? PEOPLE : [] },
    }));
    await desk.look();
    desk.source.slot?.('snapshot');
    await desk.look();
    expect(desk.asked.every(({ headers }) => headers['if-none-match'] === undefined)).toBe(true);
  });
});
