import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConnection } from '../src/mapping/connection-file.ts';
import { LIMITS } from '../src/planning/limits.ts';
import { VERSION } from '../src/version.ts';
import {
  apiDocument,
  mappingDocument,
  messagesDocument,
  outcomesDocument,
  profilesDocument,
  sourcesDocument,
} from './support/documents.ts';
import { messagesOf } from './support/messages.ts';
import { commandsIn, faultOf } from './support/printed-commands.ts';

const ROOT = join(import.meta.dirname, '..');
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const WRITTEN = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'docs/deliveries.md',
  'docs/api.md',
  'docs/audit-format.md',
  'docs/delivery.md',
  'docs/entra.md',
  'docs/mapping.md',
  'docs/okta.md',
  'docs/outcomes.md',
  'docs/profiles.md',
  'docs/runbook.md',
  'docs/sources.md',
  'docs/webhooks.md',
  'docs/why-nothing-happened.md',
  'mappings/examples/README.md',
];

describe('documents made from code', () => {
  test.each([
    ['docs/outcomes.md', outcomesDocument],
    ['docs/mapping.md', mappingDocument],
    ['docs/profiles.md', profilesDocument],
    ['docs/sources.md', sourcesDocument],
    ['docs/messages.md', messagesDocument],
    ['docs/api.md', apiDocument],
  ])('%s says what the code says', (path, made) => {
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(join(ROOT, path), made());
    expect(textOf(path)).toBe(made());
  });
});

describe('messages', () => {
  test('all have a sentence for whoever meets them', () => {
    const messages = messagesOf();
    expect(messages.length).toBeGreaterThan(150);
    expect(messages.filter(({ says }) => says === '').map(({ code }) => code)).toEqual([]);
  });
});

describe('the runbook', () => {
  test('tells of every alarm what it means, what to look at and what to do, and of no other', () => {
    const raising = readdirSync(join(ROOT, 'src/pipeline'))
      .map((file) => textOf(`src/pipeline/${file}`))
      .filter((text) => /raiseAlarm|settleAlarms|SEAL_BROKEN = /.test(text));
    const raised = new Set(
      raising.flatMap((text) =>
        [
          ...text.matchAll(
            /const [A-Z_]+ = '((?:account|emergency|webhook|target|delivery|feed|further|credentials)\.[a-z-]+)'/g,
          ),
        ].map(([, code]) => code ?? ''),
      ),
    );
    const [, table = ''] = /\n## RollcallAlarm\n([\s\S]*?)\n## /.exec(textOf('docs/runbook.md')) ?? [];
    const rows = [...table.matchAll(/^\| `([a-z.-]+)` \|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)];
    expect(rows.map(([, code]) => code).toSorted()).toEqual([...raised].toSorted());
    expect(raised.size).toBeGreaterThanOrEqual(18);
    for (const [, , ...cells] of rows) for (const cell of cells) expect(cell.trim().length).toBeGreaterThan(10);
  });

  test('names every drill that is played, and no other', () => {
    const played = ['drills', 'drills-feed', 'drills-house'].flatMap((file) => {
      const text = textOf(`test/stories/${file}.test.ts`);
      const named = [...text.matchAll(/^ {2}test\('([^']+)'/gm)].map(([, name]) => name ?? '');
      // The one table of drills: what was renamed.
      const each = [...text.matchAll(/^ {2}\]\)\('a renamed %s'/gm)].flatMap(() => [
        'a renamed connection',
        'a renamed target',
      ]);
      return [...named, ...each];
    });
    const [, table = ''] = /\n## Drills\n([\s\S]*)$/.exec(textOf('docs/runbook.md')) ?? [];
    const told = [...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, name]) => (name ?? '').trim()).slice(1);
    expect(told.toSorted()).toEqual(played.toSorted());
    expect(told.length).toBeGreaterThanOrEqual(20);
  });

  test.each(['README.md', 'docs/runbook.md', 'docs/messages.md', 'docs/why-nothing-happened.md'])(
    'and %s name only commands that the program takes, with those flags',
    async (path) => {
      const wrong: string[] = [];
      let seen = 0;
      for (const command of await commandsIn(textOf(path))) {
        seen += 1;
        const fault = await faultOf(command, 'documents');
        if (fault !== null) wrong.push(`${command.text}: ${fault}`);
      }
      expect(wrong).toEqual([]);
      expect(seen).toBeGreaterThan(5);
    },
  );
});

describe('documents written by hand', () => {
  test.each(WRITTEN)('%s links only to files that exist', (path) => {
    const links = [...textOf(path).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link ?? '');
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(path), link)))).toEqual([]);
  });

  test('README and ARCHITECTURE name only files and scripts of this tree', () => {
    const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);
    for (const path of ['README.md', 'ARCHITECTURE.md']) {
      const text = textOf(path);
      const files = [...text.matchAll(/`((?:src|test|bench|docs|mappings|\.ci)\/[\w./-]*\w\/?)`/g)].map(
        ([, file]) => file ?? '',
      );
      expect(
        files.filter((file) => !existsSync(join(ROOT, file))),
        path,
      ).toEqual([]);
      const named = [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, script]) => script ?? '');
      expect(
        named.filter((script) => !scripts.includes(script)),
        path,
      ).toEqual([]);
    }
  });

  test('README lists every guard under the name that a connection file uses', () => {
    const readme = textOf('README.md');
    // No key of a connection file lowers these.
    const unnamed = ['adoption', 'protectedRescind', 'merge', 'absence', 'accountsGone', 'erased'];
    for (const kind of Object.keys(LIMITS).filter((one) => !unnamed.includes(one)))
      expect(readme).toContain(`\`${kind}\``);
  });

  test('the connection file that README shows is one', () => {
    const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(textOf('README.md')) ?? [];
    const read = readConnection('acme.yaml', text, { sha256: (value) => hash('sha256', value) });
    expect('faults' in read ? read.faults : []).toEqual([]);
    const columns = 'Employee_ID First_Name Last_Name Status Hire_Date Last_Day Manager_ID Department'.split(' ');
    const bound = 'connection' in read ? read.connection.bind(columns) : null;
    expect(bound !== null && 'mapping' in bound ? bound.mapping.connection : bound).toBe('acme');
  });

  test('CHANGELOG has a section for this version', () => {
    expect(textOf('CHANGELOG.md')).toContain(`## [${VERSION}]`);
    expect(JSON.parse(textOf('package.json')).version).toBe(VERSION);
  });
});
