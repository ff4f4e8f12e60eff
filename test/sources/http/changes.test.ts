import { describe, expect, it } from 'vitest';
import { column, type HttpDesk, openHttpDesk, records } from '../../support/http-desk.ts';

interface Change {
  readonly id: string;
  readonly at: string;
}

const SOURCE = {
  list: { path: '/people', recordPath: 'items' },
  one: { path: '/people/{id}' },
  changes: {
    path: '/changed',
    query: { since: '{since}' },
    recordPath: 'changed',
    watermark: 'latest',
    changedAt: 'at',
    overlapMinutes: 5,
  },
};

interface Feed {
  changed: Change[];
  latest: string;
  gone: string[];
}

async function openFeed(
  source: Readonly<Record<string, unknown>> = SOURCE,
): Promise<HttpDesk & { feed: Feed; accept: () => Promise<readonly string[]> }> {
  const feed: Feed = { changed: [], latest: '2026-11-23T11:00:00Z', gone: [] };
  const desk = await openHttpDesk(source, ({ path, query }) => {
    if (path === '/people') return { headers: { date: 'Mon, 23 Nov 2026 10:59:30 GMT' }, body: { items: records(5) } };
    if (path === '/changed')
      return { body: { latest: feed.latest, changed: feed.changed.filter(({ at }) => at >= String(query.since)) } };
    const id = path.split('/').at(-1) ?? '';
    return feed.gone.includes(id) ? { status: 404 } : { body: { id, name: `now ${id}` } };
  });
  return Object.assign(desk, {
    feed,
    /** One slot of changes; what it brings is accepted. */
    accept: async () => {
      desk.source.slot?.('changes');
      const brought = await desk.look();
      desk.watermark = brought.delivery?.watermark ?? desk.watermark;
      return column(brought, 'id');
    },
  });
}

const sinces = ({ asked }: HttpDesk): readonly unknown[] =>
  asked.flatMap(({ path, query }) => (path === '/changed' ? [query.since] : []));

describe('changes', () => {
  it('begin where the whole list began, by the clock of the source, with an overlap', async () => {
    const desk = await openFeed();
    const list = await desk.look();
    expect(list.delivery?.watermark).toBe('2026-11-23T10:59:30.000Z');
    desk.watermark = list.delivery?.watermark ?? null;
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:59:40Z' }];
    expect(await desk.accept()).toEqual(['2']);
    expect(sinces(desk)).toEqual(['2026-11-23T10:54:30Z']);
    expect(desk.watermark).toBe('2026-11-23T11:00:00.000Z');
  });

  it('are found in the only list of an answer where no path is given', async () => {
    const { recordPath: _, ...changes } = SOURCE.changes;
    const desk = await openFeed({ ...SOURCE, changes });
    await desk.accept();
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:59:40Z' }];
    expect(await desk.accept()).toEqual(['2']);
  });

  it('are not asked for before a whole list was accepted', async () => {
    const desk = await openFeed();
    desk.source.slot?.('changes');
    expect((await desk.look()).delivery?.content).toBe('snapshot');
    expect(sinces(desk)).toEqual([]);
  });

  it('that nobody accepted are brought again', async () => {
    const desk = await openFeed();
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:30:00Z' }];
    for (let time = 0; time < 2; time++) {
      desk.source.slot?.('changes');
      expect(column(await desk.look(), 'id')).toEqual(['2']);
    }
    await desk.reopen();
    expect(await desk.accept()).toEqual(['2']);
  });

  it('are read once within the overlap, and again when the worker changes again', async () => {
    const desk = await openFeed();
    desk.watermark = '2026-11-23T10:58:00.000Z';
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:58:30Z' }];
    expect(await desk.accept()).toEqual(['2']);
    desk.source.slot?.('snapshot');
    expect(await desk.accept()).toEqual(['1', '2', '3', '4', '5']);
    const read = desk.asked.length;
    desk.feed.latest = '2026-11-23T11:01:00Z';
    desk.source.slot?.('changes');
    expect(await desk.look()).toMatchObject({ kind: 'nothing' });
    expect(desk.asked.slice(read).map(({ path }) => path)).toEqual(['/changed']);
    desk.feed.changed.push({ id: '2', at: '2026-11-23T11:00:40Z' });
    desk.feed.latest = '2026-11-23T11:01:30Z';
    expect(await desk.accept()).toEqual(['2']);
    // So near to its reading a second change could bear the same moment: it is read once more.
    desk.feed.latest = '2026-11-23T11:02:00Z';
    expect(await desk.accept()).toEqual(['2']);
  });

  it('are read each time where the source does not say when they were made', async () => {
    const { changedAt: _, ...changes } = SOURCE.changes;
    const desk = await openFeed({ ...SOURCE, changes });
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:58:30Z' }];
    expect(await desk.accept()).toEqual(['2']);
    expect(await desk.accept()).toEqual(['2']);
  });

  it('of somebody whom the source does not know are nobody’s leave', async () => {
    const desk = await openFeed();
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.feed.changed = [{ id: '3', at: '2026-11-23T10:30:00Z' }];
    desk.feed.gone = ['3'];
    desk.source.slot?.('snapshot');
    const look = await desk.look();
    expect(column(look, 'id')).toEqual(['1', '2', '3', '4', '5']);
    desk.source.slot?.('changes');
    expect(await desk.look()).toMatchObject({ kind: 'nothing' });
  });

  it('in greater number than it makes sense to follow have the whole list read', async () => {
    const desk = await openFeed();
    await desk.look();
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.feed.changed = Array.from({ length: 20_001 }, (_, id) => ({ id: String(id), at: '2026-11-23T10:30:00Z' }));
    desk.source.slot?.('changes');
    expect(await desk.look()).toMatchObject({ kind: 'notYet' });
    desk.clock.advance(600_000);
    expect((await desk.look()).delivery?.content).toBe('snapshot');
  });

  it('may be records themselves, and a map by id', async () => {
    const desk = await openHttpDesk(
      {
        list: SOURCE.list,
        changes: {
          path: '/changed',
          recordPath: 'data',
          map: true,
          records: true,
          sinceForm: 'local',
          query: { since: '{since}' },
        },
      },
      () => ({ body: { data: { a: { id: '1', name: 'A' }, b: { id: '2', name: 'B' } } } }),
    );
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.source.slot?.('changes');
    const brought = await desk.look();
    expect(column(brought, 'name')).toEqual(['A', 'B']);
    expect(sinces(desk)).toEqual(['2026-11-23T09:50:00']);
    expect(brought.delivery?.watermark).toBe('2026-11-23T11:00:00.000Z');
  });

  it('up to a moment that lies ahead count up to now only', async () => {
    const desk = await openFeed();
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.feed.latest = '9999-12-31T00:00:00Z';
    desk.feed.changed = [{ id: '2', at: '2026-11-23T10:30:00Z' }];
    await desk.accept();
    expect(desk.watermark).toBe('2026-11-23T11:00:00.000Z');
  });

  it('without the moment up to which they go are refused, because nobody could go on from there', async () => {
    const desk = await openFeed({ ...SOURCE, changes: { ...SOURCE.changes, watermark: 'until' } });
    await desk.look();
    desk.watermark = '2026-11-23T10:00:00.000Z';
    desk.source.slot?.('changes');
    expect(await desk.problem()).toBe('source.watermark');
  });
});
