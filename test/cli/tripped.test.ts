import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { type Company, company, people, type Row } from '../support/cli.ts';

// Every command, and every endpoint of the daemon, is tried while the guards are tripped. The list is read from the program: a
// command that is not in the table fails the test.

const STAFF = people(40);
/** A feed that lost a third, says of many that they left, and blanks a column: the seal is broken and leavers are held. */
const BAD: readonly Row[] = STAFF.slice(0, 26).map((row, index) => ({
  ...row,
  department: '',
  ...(index < 12 ? { status: 'T' } : {}),
}));
const signed = ['--reason', 'trying to get past'];

interface Tries {
  /** What of the held plan may take effect all the same: by a person's own order for one worker. */
  readonly allowed?: readonly string[];
  readonly lines: (acme: Company) => Promise<readonly (readonly string[])[]> | readonly (readonly string[])[];
}
const tries = (...lines: readonly (readonly string[])[]): Tries => ({ lines: () => lines });

/** Digests as `holds` shows them, and what looks like them. */
const almost = async (acme: Company): Promise<readonly string[]> => {
  const { json } = await acme.cli('holds', '--json');
  const digests: readonly string[] = json.holds.map(({ digest }: { digest: string }) => digest);
  return [
    ...digests.map((digest) => `${digest.slice(0, 7)}`),
    ...digests.map((digest) => digest.replace(/.$/, 'x')),
    '0'.repeat(64),
  ];
};

const TABLE: Readonly<Record<string, Tries>> = {
  sync: tries(
    ['sync'],
    ['sync', 'acme', '--json'],
    ['sync', '--worker', '1'],
    ['sync', '--worker', '20'],
    ['sync', '--limit', '1'],
    ['sync', '--limit', '1000'],
    ['sync', '--wait', '1'],
  ),
  plan: tries(['plan'], ['plan', '--requests'], ['plan', '--as-of', '2099-01-01'], ['plan', '--json']),
  rehearse: {
    lines: ({ mappings }) => [
      ['rehearse', 'acme', '--exports', join(mappings, 'workers.csv'), '--from', '2026-11-01', '--to', '2026-11-03'],
    ],
  },
  status: tries(['status'], ['status', '--check']),
  worker: tries(['worker', '1']),
  holds: tries(['holds'], ['holds', '--items', '1000']),
  approve: { lines: async (acme) => (await almost(acme)).map((digest) => ['approve', digest, ...signed]) },
  explain: tries(['explain', '1'], ['explain', '1', '--values']),
  failed: tries(['failed'], ['failed', '--list']),
  replay: tries(
    ['replay', '--all', ...signed],
    ['replay', '--all', '--at-once', ...signed],
    ['replay', '1', ...signed],
  ),
  skip: tries(['skip', '1', '--hours', '1', ...signed]),
  pair: tries(['pair', '1', 'u-2', ...signed], ['pair', '1', 'u-1', ...signed]),
  // What they need then is a second account, and waits for a person of its own.
  unpair: tries(['unpair', '39', ...signed], ['sync', '--worker', '39']),
  erase: tries(['erase', '1', '--still-in-feed', ...signed], ['erase', '1', '--dry-run']),
  rekey: {
    lines: ({ dir }) => {
      const list = join(dir, 'keys.csv');
      writeFileSync(list, 'old,new\n9,N9\n');
      return [
        ['rekey', '--map', list, ...signed],
        ['sync', '--wait', '1'],
      ];
    },
  },
  reconcile: tries(['reconcile', '--as', 'Olga'], ['reconcile', '--repair', ...signed], ['sync', '--wait', '1']),
  backup: { lines: ({ dir }) => [['backup', join(dir, 'copy.db')]] },
  // What a restore brings back is the same state: the feed that tripped the guard trips it again.
  restore: {
    lines: ({ dir }) => [
      ['restore', join(dir, 'copy.db'), ...signed],
      ['sync', '--wait', '1'],
    ],
  },
  discard: { lines: async (acme) => (await almost(acme)).map((digest) => ['discard', digest, ...signed]) },
  leave: {
    allowed: ['7'],
    lines: () => [
      ['leave', '7', ...signed],
      ['leave', '7'],
    ],
  },
  // Of somebody who was never ordered to leave there is nothing to lift.
  lift: tries(['lift', '3', ...signed]),
  'stop-writes': tries(['stop-writes', '--except-leavers', ...signed], ['sync', '--wait', '1']),
  'resume-writes': tries(['resume-writes', ...signed], ['sync', '--wait', '1']),
  audit: tries(['audit', 'tail'], ['audit', 'verify']),
  validate: tries(['validate'], ['validate', '--probe']),
  machine: tries(['machine']),
  version: tries(['version']),
  help: tries(['help'], ['help', 'mapping']),
};
/** These run until they are stopped; `run` has a test of its own below. */
const LASTING: Readonly<Record<string, string>> = {
  run: 'tried below',
  demo: 'has a state folder and an endpoint of its own and knows no other',
  endpoint: 'is a target, not a way to one',
  init: 'drafts a file from a sample and knows no target',
};

const active = ({ idp }: Company): readonly string[] =>
  [...idp.users.values()].filter((user) => user.active === true).map(({ externalId }) => String(externalId));

async function tripped(): Promise<Company> {
  const acme = await company();
  acme.feed(STAFF);
  expect((await acme.cli('sync')).code).toBe(0);
  acme.feed(BAD);
  expect((await acme.cli('sync')).code).toBe(3);
  return acme;
}

test('the table knows every command of the program', async () => {
  const program = await buildProgram([]);
  const names = program.commands.map((command) => command.name());
  expect(names.filter((name) => !(name in TABLE) && !(name in LASTING))).toEqual([]);
  expect(Object.keys({ ...TABLE, ...LASTING }).filter((name) => !names.includes(name))).toEqual([]);
});

test('no command gets past a tripped guard', { timeout: 120_000 }, async () => {
  const acme = await tripped();
  const before = acme.idp.writes().length;
  const expected = new Set(active(acme));
  expect(expected.size).toBe(40);
  for (const [name, { allowed = [], lines }] of Object.entries(TABLE)) {
    for (const line of await lines(acme)) {
      const run = await acme.cli(...line);
      for (const id of allowed) expected.delete(id);
      expect(active(acme), `${name}: ${line.join(' ')}\n${run.stdout}${run.stderr}`).toEqual([...expected]);
    }
  }
  const written = acme.idp.writes().slice(before);
  expect(written.every(({ path }) => path.includes(String(acme.idp.user('7')?.id)))).toBe(true);
  const { json } = await acme.cli('holds', '--json');
  expect(json.holds.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
    'adoption',
    'explicitLeaver',
    'feed',
    'rekey',
  ]);
});

test('neither the daemon nor any of its endpoints gets past a tripped guard', { timeout: 60_000 }, async () => {
  const acme = await tripped();
  const before = acme.idp.writes().length;
  const daemon = acme.start('run', '--port', '0');
  const { url } = JSON.parse(await daemon.line((line) => JSON.parse(line).msg === 'rollcall runs')) as { url: string };
  await daemon.line((line) => JSON.parse(line).msg === 'cycle finished');
  for (const path of ['/', '/healthz', '/readyz', '/metrics', '/api/holds', '/api/approve', '/hooks/acme']) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const answer = await fetch(`${url}${path}`, { method, ...(method === 'GET' ? {} : { body: '{}' }) });
      expect(answer.status, `${method} ${path}`).toBeLessThan(500);
    }
  }
  expect((await acme.cli('sync', '--wait', '2')).code).toBe(3);
  expect(acme.idp.writes()).toHaveLength(before);
  expect(active(acme)).toHaveLength(40);
  expect(await daemon.stop()).toBe(0);
});
