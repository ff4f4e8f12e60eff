import { describe, expect, it } from 'vitest';
import { type Brought, openHttpDesk, type Script } from '../../support/http-desk.ts';

const LIST = { path: '/people', recordPath: 'items' };
const plain = ({ rows }: Brought): unknown =>
  rows.map(({ record, fault }) => fault?.code ?? JSON.parse(JSON.stringify(record)));
const read = async (items: readonly unknown[], source: object): Promise<Brought> =>
  (await openHttpDesk({ list: LIST, ...source }, () => ({ body: { items } }))).look();

describe('nested records', () => {
  it('become flat, in their joins as well, and lists stay', async () => {
    const desk = await openHttpDesk(
      { list: LIST, flatten: true, omit: ['meta.at'], joins: [{ as: 'job', path: '/jobs/{id}' }] },
      ({ path }) =>
        path === '/people'
          ? {
              body: {
                items: [{ id: '1', name: { given: { legal: 'A' } }, meta: { at: 1, by: 'x' }, tags: [{ t: 1 }] }],
              },
            }
          : { body: { title: 'T', unit: { code: 'U' } } },
    );
    expect(plain(await desk.look())).toEqual([
      { id: '1', name_given_legal: 'A', meta_by: 'x', tags: [{ t: 1 }], job_title: 'T', job_unit_code: 'U' },
    ]);
  });

  it('that would have two members of one name are a fault', async () => {
    expect(plain(await read([{ id: '1', a: { b: 1 }, a_b: 2 }, { id: '2' }], { flatten: true }))).toEqual([
      'row.two-members',
      { id: '2' },
    ]);
  });

  it('show a field that is hidden in the depth', async () => {
    const columns = async (work: object) => (await read([{ id: '1', work }], { flatten: true })).delivery?.columns;
    expect(await columns({ start: 'x', end: null })).toEqual(['id', 'work_start', 'work_end']);
    expect(await columns({ start: 'x' })).toEqual(['id', 'work_start']);
  });

  it('become several records, one for each element of a list in them', async () => {
    const items = [
      { person: 'p1', jobs: { results: [{ user: 'u1' }, { user: 'u2' }] } },
      { person: 'p2', jobs: { results: [] } },
      { person: 'p3' },
    ];
    expect(plain(await read(items, { explode: 'jobs.results', flatten: true, id: 'jobs.results.user' }))).toEqual([
      { person: 'p1', jobs_results_user: 'u1' },
      { person: 'p1', jobs_results_user: 'u2' },
      { person: 'p2', jobs_results: [] },
      { person: 'p3' },
    ]);
  });
});

describe('a list that a second request brings', () => {
  const source = {
    list: LIST,
    joins: [{ as: 'jobs', path: '/jobs/{id}', recordPath: 'all', many: true }],
    explode: 'jobs',
    flatten: true,
    one: { path: '/people/{id}' },
  };
  const jobs: Readonly<Record<string, readonly object[]>> = { 1: [{ id: 'a' }, { id: 'b' }], 2: [] };
  const script: Script = ({ path }) => {
    const id = path.split('/').at(-1) ?? '';
    if (path.startsWith('/jobs/')) return jobs[id] === undefined ? { status: 404 } : { body: { all: jobs[id] } };
    return { body: path === '/people' ? { items: [{ id: '1' }, { id: '2' }, { id: '3' }] } : { id } };
  };

  it('makes a record of each of its elements; a record without any stays, and one whose list is missing is set aside', async () => {
    const { rows } = await (await openHttpDesk(source, script)).look();
    expect(rows.flatMap(({ record }) => (record === null ? [] : [{ ...record }]))).toEqual([
      { id: '1', jobs_id: 'a' },
      { id: '1', jobs_id: 'b' },
      { id: '2', jobs: [] },
    ]);
    expect(rows.flatMap(({ fault }) => fault?.code ?? [])).toEqual(['row.join']);
  });

  it('does so for one worker as well, and counts people, not their jobs', async () => {
    const desk = await openHttpDesk(source, script);
    expect((await desk.look()).completeness?.proof).toContain('3 records');
    expect((await desk.about('1')).rows.map(({ record }) => record?.jobs_id)).toEqual(['a', 'b']);
  });
});

describe('records whose every attribute is wrapped', () => {
  it('read as their values, in the depth too', async () => {
    const wrapped = {
      id: { label: 'ID', value: 7 },
      boss: { label: 'Boss', value: { type: 'Person', attributes: { id: { value: 3 } } } },
    };
    expect(
      plain(
        await read([{ type: 'Person', attributes: wrapped }], {
          values: 'value',
          flatten: true,
          list: { ...LIST, unwrap: 'attributes' },
        }),
      ),
    ).toEqual([{ id: 7, boss_type: 'Person', boss_attributes_id: 3 }]);
  });
});

describe('a list whose elements become several records', () => {
  it('is counted by its elements', async () => {
    const jobs = (count: number) => Array.from({ length: count }, (_, index) => ({ user: `u${index}` }));
    const script = (total: number) => () => ({
      body: {
        total,
        items: [
          { person: 'p1', jobs: jobs(3) },
          { person: 'p2', jobs: jobs(1) },
        ],
      },
    });
    const source = { list: { ...LIST, paging: { kind: 'none', total: 'total' } }, explode: 'jobs', id: 'person' };
    expect((await (await openHttpDesk(source, script(2))).look()).completeness?.strength).toBe('strong');
    expect(await (await openHttpDesk(source, script(3))).problem()).toBe('feed.short');
  });
});

describe('records of OData', () => {
  it('have days where they write milliseconds, and the first of a list where the file says so', async () => {
    const items = [
      {
        d: '/Date(1714953600000)/',
        m: '/Date(1714953600001+0120)/',
        open: '/Date(253402214400000)/',
        odd: '/Date(x)/',
        nav: { results: [{ a: 1 }, { a: 2 }] },
      },
      { d: null, nav: { results: [] } },
    ];
    expect(plain(await read(items, { dates: 'odata', firstOf: ['nav.results'], flatten: true, id: 'd' }))).toEqual([
      { d: '2024-05-06', m: '2024-05-06T00:00:00.001Z', open: '9999-12-31', odd: '/Date(x)/', nav_results_a: 1 },
      { d: null, nav_results: null },
    ]);
  });
});

describe('a list in a record', () => {
  it('keeps the elements that count, and only the first of them where the file says so', async () => {
    const items = [
      {
        id: '1',
        jobs: [
          { primary: false, title: 'A' },
          { primary: true, title: 'B', boss: [{ id: 7 }] },
        ],
      },
      { id: '2', jobs: [] },
    ];
    const source = { keep: { jobs: { primary: true } }, firstOf: ['jobs', 'jobs.boss'], flatten: true };
    expect(plain(await read(items, source))).toEqual([
      { id: '1', jobs_primary: true, jobs_title: 'B', jobs_boss_id: 7 },
      { id: '2', jobs: null },
    ]);
  });
});
