// Databases as earlier versions of this code have written them, in the states that were ever whole: schema 1, 7 and 12, and from there
// one for each schema. Each was made by the code of its time, which ran `UPGRADE_STORY` on a house of its own.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { crowd, feed, type Person, type TestHouse } from './house.ts';

const FOLDER = join(import.meta.dirname, '../store/upgrades');
const MIGRATIONS = join(import.meta.dirname, '../../src/store/migrations');

const migrations = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort();
export const PRESENT_SCHEMA = migrations.length;

export const fixtureOf = (schema: number): string => join(FOLDER, `${String(schema).padStart(3, '0')}.db.gz`);

/** Schemas that a fixture was written by. */
export const WRITTEN: readonly number[] = migrations
  .map((_, index) => index + 1)
  .filter((schema) => existsSync(fixtureOf(schema)));

const people: readonly Person[] = [
  ...crowd(20),
  { id: 'boss', first: 'Ada', last: 'Okoro' },
  { id: 'mover', first: 'Bob', last: 'Berg', manager: 'boss' },
  { id: 'leaver', first: 'Eve', last: 'Lund' },
  { id: 'later', start: '2027-06-01', status: 'P' },
];
const moved = people.map((one) => (one.id === 'mover' ? { ...one, title: 'Chief', dept: 'Labs' } : one));
const left = moved.map((one) => (one.id === 'leaver' ? { ...one, status: 'T', end: '2026-11-20' } : one));

/** What the feed said in turn: a first load, a mover, a leaver. */
export const UPGRADE_STORY: readonly string[] = [people, moved, left].map(feed);

export async function tellUpgradeStory({ sync }: TestHouse): Promise<void> {
  for (const delivery of UPGRADE_STORY) await sync(delivery);
}

/** The fixture at or before this schema, brought to it by the migrations themselves: a state in which an upgrade may have ended. */
export function databaseAt(schema: number): Buffer {
  const written = WRITTEN.findLast((one) => one <= schema);
  if (written === undefined) throw new Error(`no fixture leads to schema ${schema}`);
  const sql = new BetterSqlite3(gunzipSync(readFileSync(fixtureOf(written))));
  for (const name of migrations.slice(written, schema)) {
    sql.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
    sql.pragma(`user_version = ${Number.parseInt(name, 10)}`);
  }
  const bytes = sql.serialize();
  sql.close();
  return bytes;
}
