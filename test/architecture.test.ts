import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { breaches, FLOORS, importsOf } from './support/architecture.ts';

const SRC = join(import.meta.dirname, '..', 'src');

function sources(): ReadonlyMap<string, string> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(SRC, path), 'utf8')]));
}

test('no file of the house breaks a rule of the house', () => {
  const files = sources();
  expect(files.size).toBeGreaterThan(10);
  expect(breaches(files)).toEqual([]);
});

test('the pure rooms hold files, so that the rule speaks of something', () => {
  const rooms = new Set([...sources().keys()].map((path) => path.split('/')[0]));
  for (const room of FLOORS.slice(0, 5).flat()) expect(rooms).toContain(room);
});

/** A small house in order, in which each planted line is the only breach. */
const HOUSE: Readonly<Record<string, string>> = {
  'base/assert.ts': 'export const a = 1;',
  'planning/guard.ts': "import { a } from '../base/assert.ts';\nimport type { B } from './limits.ts';",
  'planning/limits.ts': 'export interface B {}',
  'lifecycle/machine.ts': "import { setup } from 'xstate';",
  'runtime/clock.ts': 'export const nowMs = () => Date.now();',
  'sources/file/scan.ts': "import { createHash } from 'node:crypto';",
  'targets/target.ts': 'export interface Target {}',
  'store/outbox.ts': "import Database from 'better-sqlite3';\nconst sql = `SELECT id FROM operations`;",
  'pipeline/intake.ts': "import { nowMs } from '../runtime/clock.ts';",
  'http/server.ts': "import fastify from 'fastify';",
  'cli/plan.ts': "import { x } from '../http/server.ts';",
  'main.ts': "await import('./cli/plan.ts');\nconst port = process.env.PORT;",
};
const houseWith = (path: string, line: string) =>
  breaches(new Map(Object.entries({ ...HOUSE, [path]: `${HOUSE[path] ?? ''}\n${line}\n` })));

describe('the checker', () => {
  test('finds nothing in a house that is in order', () => {
    expect(breaches(new Map(Object.entries(HOUSE)))).toEqual([]);
  });

  test.each([
    ['base/assert.ts', "import { B } from '../planning/limits.ts';", 'imports planning/limits.ts from a higher floor'],
    [
      'planning/limits.ts',
      "import type { T } from '../targets/target.ts';",
      'imports targets/target.ts from a higher floor',
    ],
    ['store/outbox.ts', "import type { T } from '../targets/target.ts';", 'imports its neighbour targets/target.ts'],
    [
      'sources/file/scan.ts',
      "import type { O } from '../../store/outbox.ts';",
      'imports its neighbour store/outbox.ts',
    ],
    ['pipeline/intake.ts', "const cli = await import('../cli/plan.ts');", 'imports cli/plan.ts from a higher floor'],
    ['pipeline/intake.ts', "import {\n  type C,\n} from '../main.ts';", 'imports main.ts from a higher floor'],
    [
      'pipeline/intake.ts',
      "import { aWorker } from '../../test/support/people.ts';",
      'imports ../test/support/people.ts from outside src',
    ],
    ['pipeline/intake.ts', "export { x } from './gone.ts';", 'imports pipeline/gone.ts, which is no file of src'],
    ['planning/limits.ts', "import { z } from 'zod';", 'is pure but imports zod'],
    ['planning/limits.ts', "import { createHash } from 'node:crypto';", 'is pure but imports node:crypto'],
    ['lifecycle/machine.ts', "import 'node:fs';", 'is pure but imports node:fs'],
    ['lifecycle/machine.ts', "import { z } from '@marcbachmann/cel-js';", 'is pure but imports @marcbachmann/cel-js'],
    ['pipeline/intake.ts', "import Database from 'better-sqlite3';", 'imports better-sqlite3, which belongs to store'],
    ['planning/limits.ts', "import { judge } from './guard.ts';", 'is in a cycle'],
    ['pipeline/intake.ts', 'const sql = "INSERT INTO workers VALUES (1)";', 'contains SQL'],
    ['pipeline/intake.ts', 'const sql = `UPDATE workers SET stage = ?`;', 'contains SQL'],
    ['planning/limits.ts', 'const now = new Date();', 'uses the clock'],
    ['pipeline/intake.ts', 'const now = Date.now();', 'uses the clock'],
    ['pipeline/intake.ts', 'const day = new Date(0);', 'uses new Date'],
    ['planning/limits.ts', 'const dice = Math.random();', 'uses chance'],
    ['http/server.ts', 'const host = process.env.HOST;', 'uses the environment'],
    ['planning/limits.ts', 'process.stdout.write("");', 'is pure but reaches outside'],
    ['planning/limits.ts', 'export default 1;', 'has a default export'],
    ['planning/index.ts', 'export const a = 1;', 'is an index file'],
    ['planning/guardRails.ts', 'export const a = 1;', 'its name is not kebab-case'],
    ['helpers/text.ts', 'export const a = 1;', 'the room helpers stands on no floor'],
  ])('finds in %s the line %j', (path, line, sentence) => {
    const found = houseWith(path, line);
    expect(
      found.map((one) => one.slice(one.indexOf(': ') + 2)).some((one) => one.startsWith(sentence)),
      found.join('\n'),
    ).toBe(true);
  });

  test('does not take a comment, a text or a function for an import or for code', () => {
    expect(houseWith('planning/limits.ts', '// no Date.now() here\n/* Math.random(): never */')).toEqual([]);
    expect(
      importsOf('export function from(a: string) {\n  return a + " from \'x\'";\n}\nconst t = "import \'y\'";'),
    ).toEqual([]);
  });

  test('tells a cycle of three with its way', () => {
    const ring = new Map([
      ['base/a.ts', "import './b.ts';"],
      ['base/b.ts', "import './c.ts';"],
      ['base/c.ts', "import './a.ts';"],
    ]);
    expect(breaches(ring)).toEqual(['base/a.ts: is in a cycle: base/a.ts → base/b.ts → base/c.ts → base/a.ts']);
  });
});
