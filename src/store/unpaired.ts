// Accounts that a person took away from a worker, and what that leaves behind.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { Unpairing } from '../planning/changeset.ts';
import type { Accounts } from './accounts.ts';
import { foldName } from './fold-name.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';
import type { WithheldNames } from './withheld-names.ts';

export interface Unpaired {
  readonly has: (target: number, remoteId: string) => boolean;
  /** Of one connection: who lost which accounts at this target. */
  readonly at: (connection: number, target: number) => ReadonlyMap<string, readonly string[]>;
  /** The account is a worker's again. */
  readonly take: (target: number, remoteId: string) => void;
  /** Takes the account from the worker, in the transaction that says so in the audit. */
  readonly add: (connection: number, worker: number, unpairing: Unpairing, at: Instant) => void;
}

export function unpairedOf(
  sql: Sql,
  { accounts, targets, withheld }: { accounts: Accounts; targets: Names; withheld: WithheldNames },
): Unpaired {
  const has = sql.prepare<[number, string], unknown>('SELECT 1 FROM unpaired WHERE target_id = ? AND remote_id = ?');
  const all = sql.prepare<[number, number], { key: string | null; remote_id: string }>(
    // Of few rows, each with its worker: a join would walk over every worker of the connection.
    `SELECT (SELECT key FROM workers WHERE id = worker_id AND connection_id = ?) AS key, remote_id FROM unpaired
     WHERE target_id = ? ORDER BY remote_id`,
  );
  const add = sql.prepare<[number, string, number, Instant]>(
    `INSERT INTO unpaired (target_id, remote_id, worker_id, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (target_id, remote_id) DO UPDATE SET worker_id = excluded.worker_id, at = excluded.at`,
  );
  const take = sql.prepare<[number, string]>('DELETE FROM unpaired WHERE target_id = ? AND remote_id = ?');

  return {
    has: (target, remoteId) => has.get(target, remoteId) !== undefined,
    at: (connection, target) => {
      const found = new Map<string, string[]>();
      for (const { key, remote_id } of all.all(connection, target)) {
        if (key === null) continue;
        const accounts = found.get(key);
        if (accounts === undefined) found.set(key, [remote_id]);
        else accounts.push(remote_id);
      }
      return found;
    },
    take: (target, remoteId) => {
      take.run(target, remoteId);
    },
    add: (connection, worker, { target: name, workerKey, remoteId }, at) => {
      const target = targets.idForWriting(name);
      add.run(target, remoteId, worker, at);
      // The account still bears the name at the target: nobody is given it beside it.
      const account = accounts.find(worker, target);
      assert(account !== null, 'an account that is taken from a worker is theirs');
      const folded = foldName(account.userName);
      accounts.release(target, folded);
      withheld.withhold(target, folded, null);
      accounts.remove({ connection, worker, key: workerKey }, target);
    },
  };
}
