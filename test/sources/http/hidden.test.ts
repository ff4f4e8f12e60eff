// A member that every record had is missing from one: rights that were taken away for some people must not read as blank.
import { describe, expect, it } from 'vitest';
import { HIDDEN_CELL } from '../../../src/mapping/record-view.ts';
import { type Brought, openHttpDesk } from '../../support/http-desk.ts';

const SOURCE = { list: { path: '/people', recordPath: 'items' }, flatten: true, columns: ['id', 'end', 'boss_id'] };
const whole = (id: string, more: object = {}) => ({ id, end: null, boss: { id: '1' }, nick: 'x', ...more });
/** Members of each row that are marked as hidden. */
const hidden = ({ rows }: Brought): readonly string[][] =>
  rows.map(({ record }) =>
    Object.entries(record ?? {}).flatMap(([name, cell]) =>
      JSON.stringify(cell) === JSON.stringify(HIDDEN_CELL) ? [name] : [],
    ),
  );

async function listThen(second: readonly object[], source: Readonly<Record<string, unknown>> = SOURCE) {
  let items: readonly object[] = [whole('1'), whole('2')];
  const desk = await openHttpDesk(source, () => ({ body: { items } }));
  await desk.look();
  items = second;
  desk.source.slot?.('snapshot');
  return { desk, brought: await desk.look() };
}

describe('a member that every record of the last list had', () => {
  it('is marked in a record that lacks it, and in no other', async () => {
    const { brought } = await listThen([whole('1'), { id: '2', boss: { id: '1' } }]);
    expect(hidden(brought)).toEqual([[], ['end']]);
  });

  it('goes on being asked for in the lists that follow', async () => {
    const { desk } = await listThen([whole('1'), { id: '2', boss: { id: '1' } }]);
    desk.source.slot?.('snapshot');
    expect(hidden(await desk.look())).toEqual([[], ['end']]);
  });

  it('may be null, and lie within what is null', async () => {
    const { brought } = await listThen([whole('1', { boss: null }), whole('2', { end: '2026-11-30' })]);
    expect(hidden(brought)).toEqual([[], []]);
  });

  it('may be missing where the columns do not name it; without columns whatever reads it is refused', async () => {
    const { brought } = await listThen([whole('1'), { id: '2', end: null, boss: { id: '1' } }]);
    expect(hidden(brought)).toEqual([[], []]);
    const { columns: _, ...open } = SOURCE;
    expect(hidden((await listThen([whole('1'), { id: '2', end: null, boss: { id: '1' } }], open)).brought)).toEqual([
      [],
      ['nick'],
    ]);
  });

  it('is no column any more where no record has it', async () => {
    const { brought } = await listThen([
      { id: '1', boss: { id: '1' } },
      { id: '2', boss: { id: '1' } },
    ]);
    expect(brought.delivery?.columns).toEqual(['id', 'boss_id']);
  });
});
