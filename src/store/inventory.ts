// A target's own list of accounts as it was at first contact. A new listing is staged page by page and becomes visible as a whole.
import type { JsonObject } from '../base/json.ts';
import type { CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import { foldName } from './fold-name.ts';
import type { Sql } from './sql.ts';

interface InventoryRow {
  readonly body: string;
}

export interface Inventory {
  readonly newVersion: (target: number) => number;
  readonly add: (version: number, account: ListedAccount, values: readonly CorrelationValue[]) => void;
  /** Makes this version the one that readers see; returns its number of accounts. */
  readonly show: (target: number, version: number) => number;
  readonly byValue: (target: number, value: CorrelationValue) => readonly ListedAccount[];
  readonly hasName: (target: number, folded: string) => boolean;
  /** Most targets of a first load hold nobody: then nobody need be looked up. */
  readonly isEmpty: (target: number) => boolean;
  readonly sweep: (limit: number, kept: ReadonlySet<number>) => boolean;
}

/** userNames and mail addresses compare without regard to case (RFC 7643 sections 4.1.1 and 4.1.2); identifiers compare exactly. */
export function comparable({ path, value }: CorrelationValue): string {
  return path === 'userName' || path.startsWith('emails') ? foldName(value) : value;
}

/** Asked for everybody who is planned, and no join: SQLite makes a new plan for a join whenever a value is bound to it. */
const VERSION = '(SELECT inventory_version FROM targets WHERE id = ?)';

export function inventoryOf(sql: Sql): Inventory {
  const addVersion = sql.prepare<[number]>('INSERT INTO inventory_versions (target_id) VALUES (?)');
  const addAccount = sql.prepare<[number, string, string | null, string]>(
    `INSERT INTO inventory_accounts (version, remote_id, folded_name, body) VALUES (?, ?, ?, ?)
     ON CONFLICT (version, remote_id) DO NOTHING`,
  );
  const addValue = sql.prepare<[number, string, string, number]>(
    'INSERT OR IGNORE INTO inventory_values (version, path, value, account) VALUES (?, ?, ?, ?)',
  );
  const show = sql.prepare<[number, number]>('UPDATE targets SET inventory_version = ? WHERE id = ?');
  const count = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM inventory_accounts WHERE version = ?',
  );
  const byValue = sql.prepare<[number, string, string], InventoryRow>(
    `SELECT body FROM inventory_accounts WHERE id IN (
       SELECT account FROM inventory_values WHERE version = ${VERSION} AND path = ? AND value = ?) ORDER BY id`,
  );
  const byName = sql.prepare<[number, string], { found: number }>(
    `SELECT 1 AS found FROM inventory_accounts WHERE version = ${VERSION} AND folded_name = ? LIMIT 1`,
  );
  const anybody = sql.prepare<[number], { found: number }>(
    `SELECT 1 AS found FROM inventory_accounts WHERE version = ${VERSION} LIMIT 1`,
  );
  const orphans = sql.prepare<[], { id: number }>(
    `SELECT id FROM inventory_versions
     WHERE id NOT IN (SELECT inventory_version FROM targets WHERE inventory_version IS NOT NULL)`,
  );
  const someOf = sql.prepare<[number, number], { id: number }>(
    'SELECT id FROM inventory_accounts WHERE version = ? LIMIT ?',
  );
  const dropValues = sql.prepare<[number]>('DELETE FROM inventory_values WHERE account = ?');
  const dropAccount = sql.prepare<[number]>('DELETE FROM inventory_accounts WHERE id = ?');
  const dropVersion = sql.prepare<[number]>('DELETE FROM inventory_versions WHERE id = ?');

  return {
    newVersion: (target) => Number(addVersion.run(target).lastInsertRowid),
    add: (version, account, values) => {
      const folded = account.userName === null ? null : foldName(account.userName);
      const added = addAccount.run(version, account.remoteId, folded, JSON.stringify(account));
      if (added.changes === 0) return;
      const id = Number(added.lastInsertRowid);
      for (const value of values) addValue.run(version, value.path, comparable(value), id);
    },
    show: (target, version) => {
      show.run(version, target);
      return count.get(version)?.count ?? 0;
    },
    byValue: (target, value) => byValue.all(target, value.path, comparable(value)).map(accountOf),
    isEmpty: (target) => anybody.get(target) === undefined,
    hasName: (target, folded) => byName.get(target, folded) !== undefined,
    sweep: (limit, kept) => {
      const version = orphans.all().find((row) => !kept.has(row.id));
      if (version === undefined) return false;
      const rows = someOf.all(version.id, limit);
      for (const row of rows) {
        dropValues.run(row.id);
        dropAccount.run(row.id);
      }
      if (rows.length === 0) dropVersion.run(version.id);
      return true;
    },
  };
}

const accountOf = (row: InventoryRow): ListedAccount => {
  const listed = JSON.parse(row.body) as ListedAccount & { resource: JsonObject };
  return listed;
};
