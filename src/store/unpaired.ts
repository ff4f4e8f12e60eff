// Accounts that a person took away from a worker, and what that leaves behind.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { Unpairing } from '../planning/changeset.ts';
import type { Accounts } from './accounts.ts';
import { foldName } from './fold-name.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';
import type { WithheldNames } from './withheld-names.ts';
import type { Workers } from './workers.ts';

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
  {
    accounts,
    targets,
    withheld,
    workers,
  }: {
    accounts: Accounts;
    targets: Names;
    withheld: WithheldNames;
    workers: Pick<Workers, 'identityOf'>;
  },
): Unpaired {
  const has = sql.prepare<[number, string], unknown>('SELECT 1 FROM unpaired WHERE target_id = ? AND remote_id = ?');
  // Few rows, asked for at every plan. A join would walk over every worker of the connection, and SQLite makes a new plan for a
  // join, or for an order, whenever a value is bound.
  const all = sql.prepare<[number], { worker_id: number; remote_id: string }>(
    'SELECT worker_id, remote_id FROM unpaired WHERE target_id = ?',
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
      for (const { worker_id, remote_id } of all.all(target)) {
        const { connection_id, key } = workers.identityOf(worker_id);
        if (connection_id !== connection) continue;
        const taken = found.get(key);
        if (taken === undefined) found.set(key, [remote_id]);
        else taken.push(remote_id);
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
