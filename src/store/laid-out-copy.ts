// From the file in which new workers are laid out into the tables. See laid-out.ts.
import type { Instant } from '../base/instant.ts';
import { MACHINE_VERSION } from '../lifecycle/standing.ts';
import type { RoomsNeeded, Slice } from './laid-out-file.ts';
import type { Sql } from './sql.ts';
import { LAST_WORKER } from './workers.ts';

/** What stands in the way of a slice; both are empty where nothing does. */
export interface InTheWay {
  readonly workers: readonly string[];
  readonly names: readonly { readonly target: string; readonly userName: string }[];
}

/** Where the rows of a slice came to stand. */
export interface Placed {
  readonly operationIds: readonly number[];
  readonly hasFingerprints: boolean;
  readonly saveFingerprints: (generation: number) => void;
}

export interface Copying {
  readonly inTheWay: (connection: number, slice: Slice) => InTheWay;
  readonly place: (connection: number, slice: Slice) => Placed;
}

export function copyingFrom(sql: Sql, rooms: RoomsNeeded): Copying {
  const { accounts, appender, targets, tallies, withheld } = rooms;
  const knownWorkers = sql
    .prepare<[number, number, number], string>(
      `SELECT s.key FROM laid.workers s WHERE s.n BETWEEN ? AND ?
         AND EXISTS (SELECT 1 FROM main.workers w WHERE w.connection_id = ? AND w.key = s.key)`,
    )
    .pluck();
  const othersEmployments = sql
    .prepare<[number, number, number], string>(
      `SELECT DISTINCT s.key FROM laid.employments l JOIN laid.workers s ON s.n = l.worker WHERE l.n BETWEEN ? AND ?
         AND EXISTS (SELECT 1 FROM main.employments e WHERE e.connection_id = ? AND e.employment_id = l.employment_id)`,
    )
    .pluck();
  const namesIn = 'SELECT s.target, s.user_name AS userName, s.folded FROM laid.accounts s WHERE s.n BETWEEN ? AND ?';
  interface NameRow {
    readonly target: number;
    readonly userName: string;
    readonly folded: string;
  }
  const allNames = sql.prepare<[number, number], NameRow>(namesIn);
  const takenNames = sql.prepare<[number, number], NameRow>(
    `${namesIn} AND EXISTS (SELECT 1 FROM main.reserved_names r WHERE r.target_id = s.target AND r.folded = s.folded)`,
  );
  const lastOf = (table: string) => sql.prepare<[], number>(`SELECT coalesce(max(id), 0) FROM main.${table}`).pluck();
  const lastWorker = sql.prepare<[], number>(`SELECT ${LAST_WORKER}`).pluck();
  const lastEmployment = lastOf('employments');
  const copyWorkers = sql.prepare<[number, number, number, number]>(
    `INSERT INTO main.workers (id, connection_id, key, revision, machine_version, stage, delivery, facts, due_at)
     SELECT n + ?, ?, key, 1, ${MACHINE_VERSION}, stage, delivery, facts, due_at FROM laid.workers WHERE n BETWEEN ? AND ?`,
  );
  const copyEmployments = sql.prepare<[number, number, number, number, number]>(
    `INSERT INTO main.employments (id, connection_id, employment_id, worker_id, body)
     SELECT n + ?, ?, employment_id, worker + ?, body FROM laid.employments WHERE n BETWEEN ? AND ?`,
  );
  const copyAccounts = sql.prepare<[number, number, number]>(
    `INSERT INTO main.accounts (worker_id, target_id, remote_id, etag, user_name, external_id, active, origin, known,
       manager_known, manager_owed, groups, debt_payable)
     SELECT worker + ?, target, NULL, etag, user_name, external_id, active, origin, known, manager_known, manager_owed, groups, 0
     FROM laid.accounts WHERE n BETWEEN ? AND ?`,
  );
  const reserve = sql.prepare<[number, number, number]>(
    `INSERT INTO main.reserved_names (target_id, folded, worker_id)
     SELECT target, folded, worker + ? FROM laid.accounts WHERE n BETWEEN ? AND ?`,
  );
  const entries = sql
    .prepare<[number, number], [number, string]>('SELECT worker, text FROM laid.entries WHERE n BETWEEN ? AND ?')
    .raw();
  const copyPersonal = sql.prepare<[number, number, number]>(
    `INSERT INTO main.personal (seq, salt, body)
     SELECT n + ?, salt, personal FROM laid.entries WHERE n BETWEEN ? AND ? AND personal IS NOT NULL`,
  );
  const copyOperations = sql.prepare<[number, Instant, number, number, number]>(
    `INSERT INTO main.operations (worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, created_at,
       entry_seq)
     SELECT worker + ?, target, kind, lane, transition, payload, 'queued', turn, not_before, ?, entry + ?
     FROM laid.operations WHERE n BETWEEN ? AND ?`,
  );
  const copyFingerprints = sql.prepare<[number, number, number, number]>(
    `INSERT INTO main.fingerprints (generation, employment, digests, marks)
     SELECT ?, employment + ?, digests, marks FROM laid.fingerprints WHERE n BETWEEN ? AND ?`,
  );

  return {
    inTheWay: (connection, slice) => ({
      workers: [
        ...new Set([
          ...knownWorkers.all(...slice.workers, connection),
          ...othersEmployments.all(...slice.employments, connection),
        ]),
      ],
      names: ([...slice.targets].some(withheld.any)
        ? allNames.all(...slice.accounts)
        : takenNames.all(...slice.accounts)
      )
        .filter(({ target, folded }) => accounts.holderOf(target, folded) !== null)
        .map(({ target, userName }) => ({ target: targets.nameOf(target), userName })),
    }),
    place: (connection, slice) => {
      const toWorker = Number(lastWorker.get() ?? 0) + 1 - slice.workers[0];
      const toEmployment = Number(lastEmployment.get() ?? 0) + 1 - slice.employments[0];
      copyWorkers.run(toWorker, connection, ...slice.workers);
      copyEmployments.run(toEmployment, connection, toWorker, ...slice.employments);
      for (const target of slice.targets) accounts.link(connection, target);
      copyAccounts.run(toWorker, ...slice.accounts);
      reserve.run(toWorker, ...slice.accounts);
      const toEntry = appender.nextSeq() - slice.entries[0];
      for (const [worker, text] of entries.all(...slice.entries)) appender.appendText(text, worker + toWorker);
      copyPersonal.run(toEntry, ...slice.entries);
      const { changes, lastInsertRowid } = copyOperations.run(toWorker, slice.at, toEntry, ...slice.operations);
      for (const [stage, delivery, count] of slice.standings.values()) {
        tallies.add('worker', connection, stage, delivery, count);
      }
      for (const [target, lane, count] of slice.queued.values()) {
        tallies.add('operation', target, String(lane), 'queued', count);
      }
      const [first, last] = slice.fingerprints;
      return {
        operationIds: Array.from({ length: changes }, (_, index) => Number(lastInsertRowid) - changes + 1 + index),
        hasFingerprints: last >= first,
        saveFingerprints: (generation) => void copyFingerprints.run(generation, toEmployment, first, last),
      };
    },
  };
}
