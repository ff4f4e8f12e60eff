import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, type Brought, column, openHttpDesk, records } from '../../support/http-desk.ts';

const IDS = ['1', '2', '3', '4', '5', '6', '7'];
const PEOPLE = records(7);
const list = (paging: object, more: object = {}) => ({
  list: { path: '/people', recordPath: 'items', paging, ...more },
});
const from = (offset: number, size: number) => PEOPLE.slice(offset, offset + size);

/** Seven people, three on a page, in every way of dividing them. */
const WAYS: readonly (readonly [string, object, (asked: Asked) => Answer])[] = [
  [
    'numbered pages with a total',
    { kind: 'page', parameter: 'p', sizeParameter: 'per', size: 3, total: 'meta.total' },
    ({ query }) => ({ body: { meta: { total: 7 }, items: from((Number(query.p) - 1) * 3, Number(query.per)) } }),
  ],
  [
    'pages numbered from 0 in the body of a POST',
    {
      kind: 'page',
      in: 'body',
      parameter: 'paging.page',
      first: 0,
      sizeParameter: 'paging.size',
      size: 3,
      total: 'total',
    },
    ({ body }) => {
      const { paging } = JSON.parse(body) as { paging: { page: number; size: number } };
      return { body: { total: '7', items: from(paging.page * paging.size, paging.size) } };
    },
  ],
  [
    'offsets with a total in a header',
    { kind: 'offset', parameter: 'skip', sizeParameter: 'top', size: 3, total: 'header:X-Total-Count' },
    ({ query }) => ({
      headers: { 'x-total-count': '7' },
      body: { items: from(Number(query.skip), Number(query.top)) },
    }),
  ],
  [
    'cursors',
    { kind: 'cursor', parameter: 'after', path: 'next', endIsDocumented: true },
    ({ query }) => {
      const at = Number(query.after ?? 0);
      return { body: { items: from(at, 3), next: at + 3 < 7 ? String(at + 3) : null } };
    },
  ],
  [
    'addresses in the answer',
    { kind: 'next', path: 'd.__next', endIsDocumented: true },
    ({ query }) => {
      const at = Number(query.at ?? 0);
      return { body: { items: from(at, 3), d: at + 3 < 7 ? { __next: `/people?at=${at + 3}` } : {} } };
    },
  ],
  [
    'Link headers',
    { kind: 'link' },
    ({ query }) => {
      const at = Number(query.at ?? 0);
      const link = `</people?at=0>; rel="first"${at + 3 < 7 ? `, </people?at=${at + 3}>; title="a, b"; rel="next"` : ''}`;
      return { headers: { link }, body: { items: from(at, 3) } };
    },
  ],
];

describe('a list in pages', () => {
  it.each(WAYS)('is read to its end, proven strongly, by %s', async (_name, paging, script) => {
    const method = 'in' in paging ? { method: 'POST', body: {} } : {};
    const desk = await openHttpDesk(list(paging, method), script);
    const brought = await desk.look();
    expect(column(brought, 'id')).toEqual(IDS);
    expect(brought.completeness?.strength).toBe('strong');
    expect(desk.asked).toHaveLength(3);
  });

  it('goes on to an empty page where nobody says how many there are, and is proven weakly', async () => {
    const desk = await openHttpDesk(list({ kind: 'page', size: 100 }), ({ query }) => ({
      // The server caps the size: a page shorter than what was asked for is not the last one.
      body: { items: from((Number(query.page) - 1) * 3, 3) },
    }));
    const brought = await desk.look();
    expect(column(brought, 'id')).toEqual(IDS);
    expect(brought.completeness?.strength).toBe('weak');
  });

  it('goes on behind a page that is short for another reason where only an empty one is the end', async () => {
    const read = async (untilEmpty: boolean): Promise<Brought> => {
      const paging = { kind: 'offset', sizeParameter: 'top', size: 3, untilEmpty };
      const desk = await openHttpDesk(list(paging), ({ query }) => {
        const page = from(Number(query.offset), 3);
        // Somebody whom we may not see is left out once the page is cut.
        return page.length === 0 ? { status: 204 } : { body: { items: page.filter(({ id }) => id !== '4') } };
      });
      return desk.look();
    };
    const others = IDS.filter((id) => id !== '4');
    expect(column(await read(false), 'id')).not.toEqual(expect.arrayContaining(others));
    expect([...new Set(column(await read(true), 'id'))]).toEqual(others);
  });

  it('takes one answer for everybody only where the vendor documents it', async () => {
    const once = () => ({ body: { items: PEOPLE } });
    const weak = await (await openHttpDesk(list({ kind: 'none' }), once)).look();
    const strong = await (await openHttpDesk(list({ kind: 'none', wholeAnswer: true }), once)).look();
    expect([weak.completeness?.strength, strong.completeness?.strength]).toEqual(['weak', 'strong']);
  });

  it('ends where the answer says that there is no more, whatever cursor it still names', async () => {
    const desk = await openHttpDesk(
      list({ kind: 'cursor', path: 'cursor', more: 'hasMore', endIsDocumented: true }),
      ({ query }) => ({ body: { items: query.cursor ? from(3, 3) : from(0, 3), cursor: 'x', hasMore: !query.cursor } }),
    );
    expect(column(await desk.look(), 'id')).toEqual(['1', '2', '3', '4', '5', '6']);
  });
});

describe('a list that is not whole', () => {
  const counted = { kind: 'offset', size: 3, sizeParameter: 'limit', total: 'total' };

  it('is refused when a page is lost', async () => {
    const desk = await openHttpDesk(list(counted), ({ query }) => ({
      body: { total: 7, items: Number(query.offset) >= 3 ? [] : from(0, 3) },
    }));
    expect(await desk.problem()).toBe('feed.short');
  });

  it('is refused when somebody came twice and somebody else therefore not at all', async () => {
    const desk = await openHttpDesk(list(counted), ({ query }) => ({
      body: {
        total: 7,
        items: [from(0, 3), from(2, 3), from(6, 1)][Math.min(2, Math.floor(Number(query.offset) / 3))],
      },
    }));
    expect(await desk.problem()).toBe('feed.short');
  });

  it('is proven weakly when its total moves while it is read', async () => {
    const desk = await openHttpDesk(list(counted), ({ query }, count) => ({
      body: { total: count === 1 ? 6 : 7, items: from(Number(query.offset), 3) },
    }));
    expect((await desk.look()).completeness).toMatchObject({
      strength: 'weak',
      proof: expect.stringContaining('moved'),
    });
  });

  it('is refused when a page comes again instead of the next one', async () => {
    const desk = await openHttpDesk(list({ kind: 'page', size: 3 }), () => ({ body: { items: from(0, 3) } }));
    expect(await desk.problem()).toBe('feed.page-repeated');
  });

  it('is refused when a cursor never ends', async () => {
    const desk = await openHttpDesk(
      { ...list({ kind: 'cursor', path: 'next' }), limits: { pages: 20 } },
      (_asked, count) => ({ body: { items: records(2, count * 10), next: `c${count}` } }),
    );
    expect(await desk.problem()).toBe('source.endless');
  });

  it('is refused when the next page is said to be somewhere else: credentials do not follow', async () => {
    for (const url of [
      'https://evil.example.com/people?at=3',
      '//evil.example.com/x',
      'http://u:p@127.0.0.1:1/',
      'file:///etc/passwd',
    ]) {
      const desk = await openHttpDesk(list({ kind: 'next', path: 'next' }), () => ({
        body: { items: from(0, 3), next: url },
      }));
      expect(await desk.problem(), url).toBe('source.elsewhere');
      expect(desk.asked).toHaveLength(1);
    }
  });

  it('is refused when it is empty, with a good status or with none at all', async () => {
    for (const answer of [{ body: { items: [] } }, { status: 204 }]) {
      const desk = await openHttpDesk(list({ kind: 'none' }), () => answer);
      expect(await desk.problem()).toBe('feed.empty');
    }
  });
});
