// Numbered SQL files, forward only, one transaction each. `PRAGMA user_version` is the number of the last one applied.
import { readdirSync, readFileSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { Sql } from './sql.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

interface Migration {
  readonly number: number;
  readonly text: string;
}

function migrations(): readonly Migration[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  return files.sort().map((name, index) => {
    const number = Number.parseInt(name, 10);
    assert(number === index + 1, `migration ${name} is out of order`);
    return { number, text: readFileSync(new URL(name, FOLDER), 'utf8') };
  });
}

const versionOf = (sql: Sql): number => sql.pragma('user_version', { simple: true }) as number;

/** Brings an older database to this version. @throws Problem `state.newer` for one that a newer Rollcall has written. */
export function migrate(sql: Sql): void {
  const all = migrations();
  refuseNewer(sql, all.length);
  for (const migration of all) {
    const apply = sql.transaction(() => {
      // Read again inside: another process may have been faster.
      if (versionOf(sql) >= migration.number) return;
      sql.exec(migration.text);
      sql.pragma(`user_version = ${migration.number}`);
    });
    apply.immediate();
  }
}

/** For readers, who cannot migrate. @throws Problem `state.newer` or `state.older`. */
export function requirePresentSchema(sql: Sql): void {
  const present = migrations().length;
  refuseNewer(sql, present);
  const found = versionOf(sql);
  if (found === present) return;
  throw new Problem({
    code: 'state.older',
    message: `the state folder has schema ${found}, this Rollcall reads schema ${present}`,
    hint: 'start the daemon or run `rollcall sync` once, which brings it up to date',
  });
}

function refuseNewer(sql: Sql, present: number): void {
  const found = versionOf(sql);
  if (found <= present) return;
  throw new Problem({
    code: 'state.newer',
    message: `the state folder has schema ${found}, this Rollcall knows schemas up to ${present}`,
    hint: 'run the newer Rollcall again, or restore a backup that this one has written',
  });
}
