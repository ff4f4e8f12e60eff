// Names of workers who were laid out. Names come in no order: reserved one by one, nearly each of them rewrites a page of its own,
// in the log and at the checkpoint, which is a third of what storing a first load costs. They wait in memory, seen by whoever
// writes here, until some thousands are reserved at once in the order of their index. The accounts that bear them are stored by
// then, and a setting tells from which account on, so that the next start makes up for what a dead process had not come to.
import { foldName } from './fold-name.ts';
import type { Participant } from './group-commit.ts';
import type { Settings } from './settings.ts';
import type { Sql } from './sql.ts';

/** About 80 ms of work for the store's thread, and 2 MB of memory. */
const WAITING_MAX = 20_000;
/** Number of the first account whose name may not be reserved yet; null where all are. */
const FROM_SETTING = 'names.lateFrom';

export interface LateNames extends Participant {
  /** Who is to have this folded name at this target; null where it does not wait here. */
  readonly holderOf: (target: number, folded: string) => number | null;
  /** Only inside the transaction that stores the accounts: runs `add`, which puts names here and tells how many. */
  readonly take: (add: () => number) => void;
  /** Only inside a transaction: reserves all that wait. */
  readonly settle: () => void;
  readonly any: () => boolean;
  /** What a process that died had not come to. */
  readonly makeUp: () => void;
}

export function lateNamesOf(sql: Sql, settings: Settings, waitingMax = WAITING_MAX): LateNames {
  sql.exec(`CREATE TEMP TABLE late_names (target_id INTEGER NOT NULL, folded TEXT NOT NULL, worker_id INTEGER NOT NULL,
    PRIMARY KEY (target_id, folded)) WITHOUT ROWID`);
  const find = sql.prepare<[number, string], { worker_id: number }>(
    'SELECT worker_id FROM temp.late_names WHERE target_id = ? AND folded = ?',
  );
  const count = sql.prepare<[], number>('SELECT count(*) FROM temp.late_names').pluck();
  const nextAccount = sql.prepare<[], number>('SELECT coalesce(max(id), 0) + 1 FROM main.accounts').pluck();
  const reserve = sql.prepare<[]>(
    `INSERT INTO main.reserved_names (target_id, folded, worker_id)
     SELECT target_id, folded, worker_id FROM temp.late_names ORDER BY target_id, folded`,
  );
  const clear = sql.prepare<[]>('DELETE FROM temp.late_names');
  const unsure = sql.prepare<[number], { target_id: number; user_name: string; worker_id: number }>(
    'SELECT target_id, user_name, worker_id FROM main.accounts WHERE id >= ?',
  );
  const reserveOne = sql.prepare<[number, string, number]>(
    'INSERT OR IGNORE INTO main.reserved_names (target_id, folded, worker_id) VALUES (?, ?, ?)',
  );
  let waiting = 0;

  const settle = (): void => {
    if (waiting === 0) return;
    reserve.run();
    clear.run();
    settings.save(FROM_SETTING, null);
    waiting = 0;
  };

  return {
    holderOf: (target, folded) => (waiting === 0 ? null : (find.get(target, folded)?.worker_id ?? null)),
    take: (add) => {
      if (waiting === 0) settings.save(FROM_SETTING, Number(nextAccount.get()));
      waiting += add();
      if (waiting >= waitingMax) settle();
    },
    settle,
    any: () => waiting > 0,
    makeUp: () => {
      const from = settings.find(FROM_SETTING);
      if (typeof from !== 'number') return;
      const make = sql.transaction(() => {
        for (const { target_id, user_name, worker_id } of unsure.all(from)) {
          reserveOne.run(target_id, foldName(user_name), worker_id);
        }
        settings.save(FROM_SETTING, null);
      });
      make.immediate();
    },
    beforeCommit: () => {},
    afterRollback: () => {
      waiting = Number(count.get());
    },
  };
}
