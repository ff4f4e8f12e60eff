import { describe, expect, it } from 'vitest';
import { bound, evaluated, faultOf, mapped, record, rejectionOf, smallFile } from '../support/mappings.ts';

describe('an expression', () => {
  it.each([
    ['record.a', { a: ' two  words ' }, 'two words'],
    ['record["Employee ID"]', { 'Employee ID': '007' }, '007'],
    ['record.a + "-" + record.b', { a: 'x', b: 'y' }, 'x-y'],
    ['record.a == "" ? "none" : record.a', { a: '' }, 'none'],
    ['coalesce(record.a, record.b, "c")', { a: '  ', b: 'second' }, 'second'],
    ['coalesce(record.?nope, record.a)', { a: 'here' }, 'here'],
    ['coalesce(record.a)', { a: '' }, ''],
    ['record.?nope.orValue("none")', { a: '' }, 'none'],
    ['join([record.a, "", record.b], " ")', { a: 'Zoë', b: 'Okafor' }, 'Zoë Okafor'],
    ['[record.a, "b"].join("/")', { a: 'x' }, 'x/b'],
    ['record.a.split(";")', { a: 'x; y ;;z' }, ['x', 'y', 'z']],
    ['record.a.split(";", 2)', { a: 'x;y;z' }, ['x', 'y;z']],
    ['record.a.split("")', { a: 'xyz' }, ['x', 'y', 'z']],
    ['record.a.split(";").filter(p, p != "y").map(p, upper(p)).join("+")', { a: 'x;y;z' }, 'X+Z'],
    ['lower(record.a) + upper(record.a) + trim(" t ")', { a: 'aB' }, 'abABt'],
    ['slug(record.a)', { a: 'Łódź Süd' }, 'lodz-sud'],
    ['transliterate(record.a)', { a: 'Łódź Süd' }, 'Lodz Sud'],
    ['date(record.a, "dd.MM.yyyy")', { a: '31.12.2025' }, '2025-12-31'],
    ['date(record.a, "dd.MM.yyyy")', { a: '31.13.2025' }, '!date'],
    ['instant(record.a)', { a: '2026-03-01T00:00:00+01:00' }, '2026-02-28T23:00:00.000Z'],
    ['instant(record.a)', { a: 'now' }, '!instant'],
    ['int(record.a) + 1', { a: '41' }, 42],
    ['int(record.a)', { a: 'many' }, '!expression'],
    ['int(record.a)', { a: '9007199254740993' }, '!expression'],
    ['double(record.a) / 2.0', { a: '3' }, 1.5],
    ['1.0 / double(record.a)', { a: '0' }, '!expression'],
    ['1 / int(record.a)', { a: '0' }, '!expression'],
    ['record.a == "yes"', { a: 'yes' }, true],
    ['record.a in ["x", "y"]', { a: 'y' }, true],
    ['record.a.contains("b") && !record.a.startsWith("b") && record.a.endsWith("c")', { a: 'abc' }, true],
    ['record.a.matches("^[0-9]{3}$")', { a: '123' }, true],
    ['record.a.matches("^[0-9]{3}$")', { a: '1234' }, false],
    ['record.a.indexOf("b") == 1 && record.a.lastIndexOf("b") == 3', { a: 'abcb' }, true],
    ['record.a.substring(0, 2)', { a: 'Zoë' }, 'Zo'],
    ['record.a.substring(5)', { a: 'Zoë' }, '!expression'],
    ['string(size(record.a))', { a: 'Zoë' }, '3'],
    ['"literal"', { a: '' }, 'literal'],
    ['has(record.a) ? "there" : "not"', { a: '' }, 'there'],
    ['["b", 1, true].exists(x, x == record.a)', { a: 'b' }, true],
  ])('%s on %j gives %j', (expression, cells, value) => {
    expect(evaluated(expression, cells)).toEqual(value);
  });

  it.each([
    ['record.a + 1', /text \+ int/],
    ['record.a = "x"', /unexpected character/],
    ['"open', /unterminated/],
    ['', /is empty/],
    ['   ', /is empty/],
    ['work', /"work" is not known here.*'"work"'/],
    ['records.a', /"records" is not known here.*did you mean "record"/],
    ['record', /used as a whole/],
    ['record[record.a]', /must be named, not computed/],
    ['lookup(record.a, record.b)', /must be named, not computed/],
    ['date(record.a, record.b)', /must be written out/],
    ['record.a.matches(record.b)', /must be written out/],
    ['record.a.matches("(")', /pattern cannot be used/],
    ['record.a.matches("(?=x)")', /pattern cannot be used/],
    ['record.a.matches("((a{100}){100}){10}")', /pattern cannot be used/],
    ['timestamp(record.a)', /"timestamp" is not known/],
    ['record.a.getFullYear()', /"\.getFullYear\(\)" is not known/],
    ['cel.bind(x, record.a, x + x)', /"\.bind\(\)" is not known|"cel" is not known/],
    ['contains(record.a)', /written after its text/],
    ['record.a.slug()', /written before its text/],
    ['unique([record.a], "@x")', /for userName only/],
    ['randomPassword()', /attributes of the account only/],
    ['coalesce(1, record.a)', /coalesce\(\) takes texts/],
    ['{"a": record.a}', /gives a value of type map/],
    ['b"bytes"', /byte and unsigned/],
    ['1u', /byte and unsigned/],
    ['null', /null does not exist/],
    ['record.a.toUpperCase()', /is not known/],
    ['record.a.uperAscii()', /did you mean "upperAscii"/],
    ['[1, 2]', /gives a value of type list/],
    ['x'.repeat(4001), /longer than 4000/],
    [`${'(('.repeat(30)}record.a${'))'.repeat(30)}`, /too large or too deeply nested/],
    [Array(300).fill('record.a').join(' + '), /too large or too deeply nested/],
    ['worker.surname', /"worker" is not known here/],
  ])('%s is a fault', (expression, message) => {
    expect(faultOf(expression)).toMatch(message);
  });

  it('reads columns whose names look like parts of JavaScript as nothing but columns', () => {
    for (const column of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'get', 'size']) {
      const mapping = bound(smallFile({ attributes: { x: `record["${column}"]` } }), ['id', column]);
      const raw = Object.create(null);
      Object.defineProperty(raw, 'id', { value: '1', enumerable: true });
      Object.defineProperty(raw, column, { value: `cell of ${column}`, enumerable: true });
      expect(mapped(mapping, raw)).toMatchObject({
        kind: 'employment',
        employment: { attributes: { x: `cell of ${column}` } },
      });
      const empty = mapped(mapping, record({ id: '1' }));
      expect(empty).toMatchObject({ kind: 'employment', employment: { attributes: {} } });
    }
  });
});

describe('a JSON record', () => {
  const json = (expression: string, cells: Parameters<typeof record>[0]) => evaluated(expression, cells, 'json');

  it.each([
    ['record.a', { a: 7 }, '7'],
    ['record.a', { a: 0.5 }, '0.5'],
    ['record.a', { a: true }, 'true'],
    ['record.a', { a: null }, ''],
    ['record.a == "true"', { a: true }, true],
    ['record.a.b', { a: { b: 'x' } }, 'x'],
    ['record.a.b.c', { a: { b: { c: 3 } } }, '3'],
    ['record.a.?b.orValue("none")', { a: {} }, 'none'],
    ['record.a.?b.orValue("none")', { a: null }, 'none'],
    ['record.a.b', { a: {} }, '!expression'],
    ['coalesce(record.a.b, record.a.c)', { a: { c: 'second' } }, 'second'],
    ['coalesce(record.a.b, "none")', { a: null }, 'none'],
    ['record.a[0].b', { a: [{ b: 'first' }] }, 'first'],
    ['record.a[1].b', { a: [{ b: 'first' }] }, '!expression'],
    ['record.a.map(x, x.b).join(",")', { a: [{ b: 'p' }, { b: 'q' }] }, 'p,q'],
    [
      'record.a.filter(x, x.t == "work").map(x, x.v)',
      {
        a: [
          { t: 'home', v: '1' },
          { t: 'work', v: '2' },
        ],
      },
      ['2'],
    ],
    ['record.a.exists(x, x.t == "work")', { a: [{ t: 'work' }] }, true],
    ['join(record.a, " ")', { a: ['p', 'q'] }, 'p q'],
    ['record.a["constructor"]', { a: { constructor: 'plain' } }, 'plain'],
    ['record.a', { a: { b: 1 } }, '!not-text'],
    ['record.a + "x"', { a: [1] }, '!expression'],
    ['record.a.map(x, x.b).join(",")', { a: Array(101).fill({ b: 'x' }) }, '!too-long'],
  ])('%s on %j gives %j', (expression, cells, value) => {
    expect(json(expression, cells as never)).toEqual(value);
  });

  it('lacks members that others have without being rejected', () => {
    const mapping = bound(smallFile({ attributes: { x: 'record.a + record.b' }, format: 'jsonl' }), ['id', 'a', 'b']);
    expect(mapped(mapping, record({ id: '1', a: 'x' }))).toMatchObject({ employment: { attributes: { x: 'x' } } });
  });

  it('has an optional member that no record showed while the columns were learnt', () => {
    const mapping = bound(smallFile({ attributes: { x: 'record.?late.orValue("none")' }, format: 'jsonl' }), ['id']);
    expect(mapped(mapping, record({ id: '1', late: 'here' }))).toMatchObject({
      employment: { attributes: { x: 'here' } },
    });
    expect(mapped(mapping, record({ id: '1' }))).toMatchObject({ employment: { attributes: { x: 'none' } } });
  });
});

describe('a rejection by an expression', () => {
  const mapping = bound(
    smallFile({
      worker: '  status: lookup("words", record.Status)\n  startDate: date(record.Hired, "MM/dd/yyyy")',
      more: 'tables: { words: { A: active } }',
    }),
    ['id', 'Status', 'Hired'],
  );

  it('names the table and the word', () => {
    const rejection = rejectionOf(mapping, record({ id: '1', Status: 'On Sabbatical', Hired: '01/01/2020' }));
    expect(rejection).toMatchObject({ key: '1', code: 'lookup', column: 'Status', saysTerminated: false });
    expect(rejection.reason).toBe('column Status: table "words" has no entry for "On Sabbatical"');
  });

  it('shows a long word cut and without control characters', () => {
    const { reason } = rejectionOf(mapping, record({ id: '1', Status: `\u001b[2J${'x'.repeat(500)}`, Hired: '' }));
    expect(reason.length).toBeLessThan(120);
    expect(reason).not.toContain('\u001b');
  });

  it('names the column and the form of a date, never what stood there', () => {
    const rejection = rejectionOf(mapping, record({ id: '1', Status: 'A', Hired: '078-05-1120' }));
    expect(rejection).toMatchObject({
      code: 'date',
      column: 'Hired',
      place: { file: 'workers.csv', line: 2, key: 'Hired' },
    });
    expect(rejection.reason).toBe('column Hired: a date is not a real day in the form MM/dd/yyyy');
  });

  it('is independent of the record before', () => {
    const good = record({ id: '1', Status: 'A', Hired: '01/01/2020' });
    const before = mapped(mapping, good);
    mapped(mapping, record({ id: '2', Status: 'x'.repeat(70_000), Hired: '' }));
    mapped(mapping, record({}));
    expect(mapped(mapping, good)).toEqual(before);
  });
});
