import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Answer, column, type HttpDesk, openHttpDesk, records } from '../../support/http-desk.ts';

const LIST = { list: { path: '/people', recordPath: 'items' } };
const answering = (answer: Answer, source: Readonly<Record<string, unknown>> = LIST): Promise<HttpDesk> =>
  openHttpDesk(source, () => answer);
const raw = (text: string): Answer => ({ body: text });

describe('an answer that is none', () => {
  const list = (more: object) => ({ list: { ...LIST.list, ...more } });

  it.each<readonly [string, object, Answer, string]>([
    [
      'an error where the list should be',
      { error: 'error' },
      { body: { error: { code: 429 } } },
      'source.error-inside',
    ],
    [
      'an error beside an empty list',
      { error: 'errors' },
      { body: { items: [], errors: ['no'] } },
      'source.error-inside',
    ],
    [
      'success: false',
      { ok: { success: 'true' } },
      { body: { success: false, items: records(2) } },
      'source.error-inside',
    ],
    [
      'a login page',
      {},
      { headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html>log in</html>' },
      'source.web-page',
    ],
    ['no list at all', {}, { body: { people: {} } }, 'feed.no-records'],
    ['two lists under one name', {}, raw('{"items":[{"id":"1"}],"items":[{"id":"2"}]}'), 'feed.two-arrays'],
    ['brackets that do not fit', {}, raw('{"items":[{"id":"1"]}]}'), 'feed.json'],
    ['bytes that are no UTF-8', {}, { body: Buffer.from('{"items":[{"id":"\xff"}]}', 'latin1') }, 'feed.encoding'],
    ['a packing that nobody asked for', {}, { headers: { 'content-encoding': 'br' }, body: '{}' }, 'source.encoding'],
    ['a redirect', {}, { status: 302, headers: { location: 'https://login.example.com/' } }, 'source.redirect'],
    ['a refusal', {}, { status: 400 }, 'source.refused'],
    ['a page that is not there', {}, { status: 404 }, 'source.not-found'],
    ['no right to read', {}, { status: 403 }, 'source.forbidden'],
  ])('%s has no effect', async (_name, more, answer, code) => {
    const desk = await answering(answer, list(more));
    expect(await desk.problem()).toBe(code);
    expect(desk.asked).toHaveLength(1);
  });

  it('that breaks off is asked for again, and put off when it breaks off each time', async () => {
    const whole = JSON.stringify({ items: records(600) });
    const broken: Answer = {
      by: (response) => {
        response.writeHead(200, { 'content-length': String(whole.length) });
        response.write(whole.slice(0, -50), () => response.destroy());
      },
    };
    // A body without a length simply ends early.
    const cut: Answer = { by: (response) => void response.writeHead(200).end(whole.slice(0, -50)) };
    const desk = await openHttpDesk(LIST, (_asked, count) =>
      count === 1 ? broken : count === 2 ? cut : { body: whole },
    );
    const brought = await desk.look();
    expect(column(brought, 'id')).toEqual(records(600).map(({ id }) => id));
    expect(desk.asked).toHaveLength(3);
    const never = await answering(broken);
    expect(await never.look()).toMatchObject({ kind: 'notYet', retryAfterMs: 300_000 });
    expect(never.asked).toHaveLength(4);
  });
});

describe('records', () => {
  it('have the same digest however their members are ordered and written', async () => {
    const one = await (await answering(raw('{"items":[{"id":"1","a":{"x":1,"y":"é"}}]}'))).look();
    const other = await (await answering(raw('{"items" : [ {"a":{"y":"\\u00e9", "x":1.0},\n "id":"1"} ] }'))).look();
    expect(other.rows[0]?.digest).toBe(one.rows[0]?.digest);
    expect(other.contentDigest).toBe(one.contentDigest);
  });

  it('leave out what changes although nothing did, and stand where unwrap says', async () => {
    const source = { list: { ...LIST.list, unwrap: 'attributes' }, omit: ['exportedAt', 'meta.etag'] };
    const item = (time: string) => ({
      type: 'Person',
      attributes: { id: 1, exportedAt: time, meta: { etag: time, kept: 'k' } },
    });
    const one = await (await answering({ body: { items: [item('a')] } }, source)).look();
    const other = await (await answering({ body: { items: [item('b')] } }, source)).look();
    expect(one.rows[0]?.record).toEqual({ id: 1, meta: { kept: 'k' } });
    expect(other.contentDigest).toBe(one.contentDigest);
    expect(one.delivery?.columns).toEqual(['id', 'meta']);
  });

  it.each<readonly [string, string, string]>([
    ['a number beyond all numbers', '{"id":"1","pay":1e400}', '!row.number'],
    ['nesting without end', `{"id":"1","a":${'['.repeat(30)}${']'.repeat(30)}}`, '!row.too-deep'],
    ['a member that comes twice', '{"id":"1","id":"2"}', '!row.duplicate-key'],
    ['no object', '"1"', '!row.not-object'],
    ['no JSON', '{"id":1x}', '!row.not-json'],
    ['a record longer than a record', `{"id":"1","a":"${'x'.repeat(1_100_000)}"}`, '!row.too-long'],
    [
      'thousands of members',
      `{"id":"1",${Array.from({ length: 1_500 }, (_, i) => `"m${i}":1`).join()}}`,
      '!row.too-many-columns',
    ],
  ])('with %s are a fault of their own, and the others are read', async (_name, text, fault) => {
    const brought = await (await answering(raw(`{"items":[${text},{"id":"2"}]}`))).look();
    expect(column(brought, 'id')).toEqual([fault, '2']);
  });

  it('keep long numbers, prototypes and blanks as they are written', async () => {
    const brought = await (
      await answering(raw('{"items":[{"id":12345678901234567890,"__proto__":{"x":"p"},"n":null}]}'))
    ).look();
    const [row] = brought.rows;
    expect(row?.record?.id).toBe('12345678901234567890');
    expect(Object.hasOwn(row?.record ?? {}, '__proto__')).toBe(true);
    expect(row?.record?.n).toBeNull();
    expect(({} as { x?: string }).x).toBeUndefined();
  });

  it('have for columns whatever any of them has, so that one that lacks a member hides nothing', async () => {
    const brought = await (await answering({ body: { items: [{ id: 1 }, { id: 2, end: 'x' }] } })).look();
    expect(brought.delivery?.columns).toEqual(['id', 'end']);
  });
});

describe('packed answers', () => {
  const gzip = (body: Buffer): Answer => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(body) });

  it('are unpacked', async () => {
    const desk = await answering(gzip(Buffer.from(JSON.stringify({ items: records(3) }))));
    expect(column(await desk.look(), 'id')).toEqual(['1', '2', '3']);
    expect(desk.asked[0]?.headers['accept-encoding']).toBe('gzip');
  });

  it('are given up when they grow beyond the bound', async () => {
    const bomb = gzip(
      Buffer.concat([Buffer.from('{"items":[{"id":"'), Buffer.alloc(24 * 1024 * 1024, 0x41), Buffer.from('"}]}')]),
    );
    const desk = await answering(bomb, { ...LIST, limits: { megabytes: 4 } });
    expect(await desk.problem()).toBe('source.too-large');
  });

  it('are asked for again when they are cut', async () => {
    const whole = gzipSync(JSON.stringify({ items: records(3) }));
    const headers = { 'content-encoding': 'gzip' };
    const desk = await openHttpDesk(LIST, (_asked, count) => ({
      headers,
      body: count === 1 ? whole.subarray(0, 20) : whole,
    }));
    expect(column(await desk.look(), 'id')).toEqual(['1', '2', '3']);
  });
});

describe('XML', () => {
  const XML = { list: { path: '/r', format: 'xml', recordPath: 'Report.Entry', lists: ['Phones.Phone'] } };
  const xml = (text: string): Answer => ({ headers: { 'content-type': 'text/xml' }, body: text });

  it('becomes records of texts, with lists where the file says so', async () => {
    const brought = await (
      await answering(
        xml(`<?xml version="1.0"?><r:Report xmlns:r="urn:x"><r:Entry kind="e"><id>007</id><n>Zo&#xEB; &amp; &lt;Co&gt;</n><Phones><Phone>1</Phone></Phones></r:Entry>
          <r:Entry><id>8</id><n><![CDATA[<b>&amp;]]></n><Phones/></r:Entry></r:Report>`),
        XML,
      )
    ).look();
    expect(brought.rows.map(({ record }) => ({ ...record }))).toEqual([
      { '@kind': 'e', id: '007', n: 'Zoë & <Co>', Phones: { Phone: ['1'] } },
      { id: '8', n: '<b>&amp;', Phones: '' },
    ]);
  });

  it('with one record is a list of one', async () => {
    const brought = await (await answering(xml('<Report><Entry><id>1</id></Entry></Report>'), XML)).look();
    expect(column(brought, 'id')).toEqual(['1']);
  });

  it.each<readonly [string, string, string]>([
    [
      'a billion laughs',
      '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Report><Entry><id>&b;</id></Entry></Report>',
      'feed.xml-doctype',
    ],
    [
      'a file of ours',
      '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Report><Entry><id>&x;</id></Entry></Report>',
      'feed.xml-doctype',
    ],
    ['nesting without end', `<Report>${'<a>'.repeat(500)}${'</a>'.repeat(500)}</Report>`, 'feed.xml'],
  ])('with %s is refused', async (_name, text, code) => {
    expect(await (await answering(xml(text), XML)).problem()).toBe(code);
  });

  it('that is cut is put off', async () => {
    expect(await (await answering(xml('<Report><Entry><id>1</id>'), XML)).look()).toMatchObject({ kind: 'notYet' });
  });
});

describe('CSV', () => {
  const CSV = { list: { path: '/r.csv', format: 'csv', paging: { kind: 'page', size: 2 } } };
  const csv = (text: string): Answer => ({ headers: { 'content-type': 'text/csv' }, body: text });

  it('is read over its pages under one header, as a file would be', async () => {
    const pages = ['\ufeffid,name\r\n1,"A, B"\r\n2,"C\nD"\r\n', 'id,name\r\n3,E', 'id,name\r\n'];
    const desk = await openHttpDesk(CSV, ({ query }) => csv(pages[Number(query.page) - 1] ?? ''));
    const brought = await desk.look();
    expect(brought.rows.map(({ record }) => ({ ...record }))).toEqual([
      { id: '1', name: 'A, B' },
      { id: '2', name: 'C\nD' },
      { id: '3', name: 'E' },
    ]);
    expect(brought.delivery?.columns).toEqual(['id', 'name']);
  });

  it('with another header on a later page is refused', async () => {
    const desk = await openHttpDesk(CSV, ({ query }) =>
      csv(query.page === '1' ? 'id,name\n1,A\n2,B\n' : 'name,id\nC,3\nD,4\n'),
    );
    expect(await desk.problem()).toBe('feed.header');
  });
});
