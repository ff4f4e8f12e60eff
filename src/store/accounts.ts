// Accounts at targets, and the names reserved there.
import type { AccountState } from '../planning/changeset.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';
import type { WithheldNames } from './withheld-names.ts';
import { accountOf, type WrittenAccount } from './written.ts';

export interface AccountRow {
  readonly target_id: number;
  readonly remote_id: string | null;
  readonly etag: string | null;
  readonly user_name: string;
  readonly external_id: string;
  readonly active: number | null;
  readonly origin: 'created' | 'adopted';
  readonly known: string;
  readonly manager_known: string;
  readonly manager_owed: string;
  readonly groups: string;
}

export interface Accounts {
  readonly of: (worker: number) => readonly AccountState[];
  readonly find: (worker: number, target: number) => WrittenAccount | null;
  /** Null when the worker has none there, or one without a remote id. */
  readonly remoteIdOf: (connection: number, target: number, workerKey: string) => string | null;
  /** Those with a remote id, in the order of their numbers. */
  readonly existing: (
    connection: number,
    target: number,
    after: number,
    limit: number,
  ) => readonly { readonly id: number; readonly workerKey: string; readonly remoteId: string }[];
  readonly hasRemoteId: (worker: number, target: number) => boolean;
  /** This connection has accounts at this target. */
  readonly link: (connection: number, target: number) => void;
  readonly save: (owner: AccountOwner, target: number, account: WrittenAccount) => void;
  /** The worker whose account has this remote id. */
  readonly ownerOf: (target: number, remoteId: string) => number | null;
  /** Names of the targets at which this connection has accounts. */
  readonly targetsOf: (connection: number) => readonly string[];
  /** After a rollback: what was stored in it never was. */
  readonly forget: () => void;
  readonly payableDebts: (connection: number, target: number, limit: number) => readonly string[];
  readonly debtors: (connection: number, target: number, managerKey: string, limit: number) => readonly string[];
  /** The worker who has this folded name at this target, NOBODY where it is withheld from everybody; null when it is free. */
  readonly holderOf: (target: number, folded: string) => number | null;
  readonly reserve: (target: number, folded: string, worker: number) => void;
  /** Folded names reserved for this worker at this target. Looks at all of them: not for everyday work. */
  readonly namesOf: (worker: number, target: number) => readonly string[];
  readonly release: (target: number, folded: string) => void;
  /** The worker has no account there any more. What referred to it as a manager's is owed again. */
  readonly remove: (owner: Omit<AccountOwner, 'isNew'>, target: number) => void;
  /** As `remove`, of an account that is gone at the target: nothing refers to it. */
  readonly drop: (worker: number, target: number) => void;
}

export interface AccountOwner {
  readonly worker: number;
  readonly connection: number;
  readonly key: string;
  readonly isNew: boolean;
}

const COLUMNS = `target_id, remote_id, etag, user_name, external_id, active, origin, known, manager_known, manager_owed, groups`;

export function accountsOf(sql: Sql, targets: Names, withheld: Pick<WithheldNames, 'holderOf'>): Accounts {
  const ofWorker = sql.prepare<[number], AccountRow>(`SELECT ${COLUMNS} FROM accounts WHERE worker_id = ?`);
  const find = sql.prepare<[number, number], AccountRow>(
    `SELECT ${COLUMNS} FROM accounts WHERE worker_id = ? AND target_id = ?`,
  );
  const workerId = sql.prepare<[number, string], { id: number }>(
    'SELECT id FROM workers WHERE connection_id = ? AND key = ?',
  );
  const remoteId = sql.prepare<[number, number], { remote_id: string | null }>(
    'SELECT remote_id FROM accounts WHERE worker_id = ? AND target_id = ?',
  );
  type Values = [
    number,
    number,
    string | null,
    string | null,
    string,
    string,
    number | null,
    string,
    string,
    string,
    string,
    string,
    number,
  ];
  const save = sql.prepare<Values>(
    `INSERT INTO accounts (worker_id, ${COLUMNS}, debt_payable) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (worker_id, target_id) DO UPDATE SET remote_id = excluded.remote_id, etag = excluded.etag,
       user_name = excluded.user_name, external_id = excluded.external_id, active = excluded.active, origin = excluded.origin,
       known = excluded.known, manager_known = excluded.manager_known, manager_owed = excluded.manager_owed,
       groups = excluded.groups, debt_payable = excluded.debt_payable`,
  );
  const debtors = sql.prepare<[number, string, number, number], { key: string }>(
    `SELECT w.key FROM accounts a JOIN workers w ON w.id = a.worker_id
     WHERE a.target_id = ? AND a.manager_owed = ? AND a.manager_owed <> '' AND w.connection_id = ? ORDER BY a.id LIMIT ?`,
  );
  const owner = sql.prepare<[number, string], { worker_id: number }>(
    'SELECT worker_id FROM accounts WHERE target_id = ? AND remote_id = ? ORDER BY id LIMIT 1',
  );
  const payable = sql.prepare<[number, number, number], { key: string }>(
    `SELECT w.key FROM accounts a JOIN workers w ON w.id = a.worker_id
     WHERE a.debt_payable = 1 AND a.target_id = ? AND w.connection_id = ? ORDER BY a.id LIMIT ?`,
  );
  const anyOwing = sql.prepare<[number, string], { found: number }>(
    `SELECT 1 AS found FROM accounts WHERE target_id = ? AND manager_owed = ? AND manager_owed <> '' LIMIT 1`,
  );
  const ripen = sql.prepare<[number, number, string, number]>(
    `UPDATE accounts SET debt_payable = (? AND remote_id IS NOT NULL)
     WHERE target_id = ? AND manager_owed = ? AND manager_owed <> ''
       AND (SELECT connection_id FROM workers WHERE id = worker_id) = ?`,
  );
  const link = sql.prepare<[number, number]>(
    'INSERT OR IGNORE INTO connection_targets (connection_id, target_id) VALUES (?, ?)',
  );
  const linked = sql.prepare<[number], { name: string }>(
    `SELECT t.name FROM connection_targets c JOIN targets t ON t.id = c.target_id WHERE c.connection_id = ? ORDER BY t.name`,
  );
  const existing = sql.prepare<[number, number, number, number], { id: number; workerKey: string; remoteId: string }>(
    `SELECT a.id, w.key AS workerKey, a.remote_id AS remoteId FROM accounts a JOIN workers w ON w.id = a.worker_id
     WHERE a.id > ? AND a.target_id = ? AND w.connection_id = ? AND a.remote_id IS NOT NULL ORDER BY a.id LIMIT ? + 0`,
  );
  const links = new Set<string>();
  const holder = sql.prepare<[number, string], { worker_id: number }>(
    'SELECT worker_id FROM reserved_names WHERE target_id = ? AND folded = ?',
  );
  const reserve = sql.prepare<[number, string, number]>(
    'INSERT INTO reserved_names (target_id, folded, worker_id) VALUES (?, ?, ?)',
  );
  const names = sql
    .prepare<[number, number], string>('SELECT folded FROM reserved_names WHERE worker_id = ? AND target_id = ?')
    .pluck();
  const release = sql.prepare<[number, string]>('DELETE FROM reserved_names WHERE target_id = ? AND folded = ?');
  const drop = sql.prepare<[number, number]>('DELETE FROM accounts WHERE worker_id = ? AND target_id = ?');
  const ownReports = `target_id = @target AND manager_known = @key
    AND (SELECT connection_id FROM workers w WHERE w.id = worker_id) = @connection`;
  // Whoever was planned with the reference as it stood is planned again.
  const overtake = sql.prepare<[{ target: number; key: string; connection: number }]>(
    `UPDATE workers SET revision = revision + 1 WHERE id IN (SELECT worker_id FROM accounts WHERE ${ownReports})`,
  );
  const owe = sql.prepare<[{ target: number; key: string; connection: number }]>(
    `UPDATE accounts SET manager_owed = CASE WHEN manager_owed = '' THEN manager_known ELSE manager_owed END,
       manager_known = '', debt_payable = 0 WHERE ${ownReports}`,
  );

  const written = (row: AccountRow): WrittenAccount => ({
    target: targets.nameOf(row.target_id),
    remoteId: row.remote_id,
    etag: row.etag,
    userName: row.user_name,
    externalId: row.external_id,
    active: row.active === null ? null : row.active === 1,
    origin: row.origin,
    known: row.known,
    managerKnown: row.manager_known,
    managerOwed: row.manager_owed,
    groups: row.groups,
  });
  const stateOf = (row: AccountRow): AccountState => accountOf(written(row));

  const remoteIdOf: Accounts['remoteIdOf'] = (connection, target, workerKey) => {
    const worker = workerId.get(connection, workerKey);
    return worker === undefined ? null : (remoteId.get(worker.id, target)?.remote_id ?? null);
  };

  const linkOnce: Accounts['link'] = (connection, target) => {
    const pair = `${connection} ${target}`;
    if (links.has(pair)) return;
    link.run(connection, target);
    links.add(pair);
  };

  return {
    link: linkOnce,
    of: (worker) =>
      ofWorker
        .all(worker)
        .sort((a, b) => a.target_id - b.target_id)
        .map(stateOf),
    find: (worker, target) => {
      const row = find.get(worker, target);
      return row === undefined ? null : written(row);
    },
    remoteIdOf,
    existing: (connection, target, after, limit) => existing.all(after, target, connection, limit),
    hasRemoteId: (worker, target) => (remoteId.get(worker, target)?.remote_id ?? null) !== null,
    targetsOf: (connection) => linked.all(connection).map((row) => row.name),
    forget: () => links.clear(),
    ownerOf: (target, found) => owner.get(target, found)?.worker_id ?? null,
    payableDebts: (connection, target, limit) => payable.all(target, connection, limit).map((row) => row.key),
    save: (saved, target, account) => {
      linkOnce(saved.connection, target);
      const owed = account.managerOwed;
      const payableNow =
        owed !== '' && account.remoteId !== null && remoteIdOf(saved.connection, target, owed) !== null;
      save.run(
        saved.worker,
        target,
        account.remoteId,
        account.etag,
        account.userName,
        account.externalId,
        account.active === null ? null : Number(account.active),
        account.origin,
        account.known,
        account.managerKnown,
        owed,
        account.groups,
        Number(payableNow),
      );
      // Nobody can be owed by an account that has just been planned.
      if ((!saved.isNew || account.remoteId !== null) && anyOwing.get(target, saved.key) !== undefined) {
        ripen.run(Number(account.remoteId !== null), target, saved.key, saved.connection);
      }
    },
    debtors: (connection, target, managerKey, limit) =>
      debtors.all(target, managerKey, connection, limit).map((row) => row.key),
    holderOf: (target, folded) => holder.get(target, folded)?.worker_id ?? withheld.holderOf(target, folded),
    reserve: (target, folded, worker) => {
      reserve.run(target, folded, worker);
    },
    namesOf: (worker, target) => names.all(worker, target),
    release: (target, folded) => {
      release.run(target, folded);
    },
    remove: ({ worker, connection, key }, target) => {
      drop.run(worker, target);
      ripen.run(0, target, key, connection);
      const reports = { target, key, connection };
      overtake.run(reports);
      owe.run(reports);
    },
    drop: (worker, target) => {
      drop.run(worker, target);
    },
  };
}
