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
      `SELECT key FROM laid.rows s WHERE n BETWEEN ? AND ? AND stage IS NOT NULL
         AND EXISTS (SELECT 1 FROM main.workers w WHERE w.connection_id = ? AND w.key = s.key)`,
    )
    .pluck();
  const othersEmployments = sql
    .prepare<[number, number, number], string>(
      `SELECT DISTINCT key FROM laid.rows s WHERE n BETWEEN ? AND ? AND employment IS NOT NULL
         AND EXISTS (SELECT 1 FROM main.employments e WHERE e.connection_id = ? AND e.employment_id = s.employment_id)`,
    )
    .pluck();
  const namesIn =
    'SELECT s.target, s.user_name AS userName, s.folded FROM laid.rows s WHERE s.n BETWEEN ? AND ? AND s.target IS NOT NULL';
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
     SELECT worker + ?, ?, key, 1, ${MACHINE_VERSION}, stage, delivery, facts, due_at
     FROM laid.rows WHERE n BETWEEN ? AND ? AND stage IS NOT NULL`,
  );
  const copyEmployments = sql.prepare<[number, number, number, number, number]>(
    `INSERT INTO main.employments (id, connection_id, employment_id, worker_id, body)
     SELECT employment + ?, ?, employment_id, worker + ?, body
     FROM laid.rows WHERE n BETWEEN ? AND ? AND employment IS NOT NULL`,
  );
  const copyAccounts = sql.prepare<[number, number, number]>(
    `INSERT INTO main.accounts (worker_id, target_id, remote_id, etag, user_name, external_id, active, origin, known,
       manager_known, manager_owed, groups, debt_payable)
     SELECT worker + ?, target, NULL, etag, user_name, external_id, active, origin, known, manager_known, manager_owed, groups, 0
     FROM laid.rows WHERE n BETWEEN ? AND ? AND target IS NOT NULL`,
  );
  const reserve = sql.prepare<[number, number, number]>(
    `INSERT INTO main.reserved_names (target_id, folded, worker_id)
     SELECT target, folded, worker + ? FROM laid.rows WHERE n BETWEEN ? AND ? AND target IS NOT NULL`,
  );
  const entries = sql
    .prepare<[number, number], [number, string]>(
      'SELECT worker, text FROM laid.rows WHERE n BETWEEN ? AND ? AND entry IS NOT NULL',
    )
    .raw();
  const copyPersonal = sql.prepare<[number, number, number]>(
    `INSERT INTO main.personal (seq, salt, body)
     SELECT entry + ?, salt, personal FROM laid.rows WHERE n BETWEEN ? AND ? AND personal IS NOT NULL`,
  );
  const copyOperations = sql.prepare<[number, Instant, number, number, number]>(
    `INSERT INTO main.operations (worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, created_at,
       entry_seq)
     SELECT worker + ?, operation_target, kind, lane, transition, payload, 'queued', turn, not_before, ?, decided + ?
     FROM laid.rows WHERE n BETWEEN ? AND ? AND kind IS NOT NULL`,
  );
  const copyFingerprints = sql.prepare<[number, number, number, number]>(
    `INSERT INTO main.fingerprints (generation, employment, digests, marks)
     SELECT ?, fingerprint_of + ?, digests, marks FROM laid.rows WHERE n BETWEEN ? AND ? AND digests IS NOT NULL`,
  );
  const anyFingerprint = sql.prepare<[number, number], unknown>(
    'SELECT 1 FROM laid.rows WHERE n BETWEEN ? AND ? AND digests IS NOT NULL LIMIT 1',
  );

  return {
    inTheWay: (connection, slice) => ({
      workers: [
        ...new Set([
          ...knownWorkers.all(...slice.rows, connection),
          ...othersEmployments.all(...slice.rows, connection),
        ]),
      ],
      names: ([...slice.targets].some(withheld.any) ? allNames.all(...slice.rows) : takenNames.all(...slice.rows))
        .filter(({ target, folded }) => accounts.holderOf(target, folded) !== null)
        .map(({ target, userName }) => ({ target: targets.nameOf(target), userName })),
    }),
    place: (connection, slice) => {
      const toWorker = Number(lastWorker.get() ?? 0) + 1 - slice.workers[0];
      const toEmployment = Number(lastEmployment.get() ?? 0) + 1 - slice.employments[0];
      copyWorkers.run(toWorker, connection, ...slice.rows);
      copyEmployments.run(toEmployment, connection, toWorker, ...slice.rows);
      for (const target of slice.targets) accounts.link(connection, target);
      copyAccounts.run(toWorker, ...slice.rows);
      reserve.run(toWorker, ...slice.rows);
      const toEntry = appender.nextSeq() - slice.entries[0];
      for (const [worker, text] of entries.all(...slice.rows)) appender.appendText(text, worker + toWorker);
      copyPersonal.run(toEntry, ...slice.rows);
      const { changes, lastInsertRowid } = copyOperations.run(toWorker, slice.at, toEntry, ...slice.rows);
      for (const [stage, delivery, count] of slice.standings.values()) {
        tallies.add('worker', connection, stage, delivery, count);
      }
      for (const [target, lane, count] of slice.queued.values()) {
        tallies.add('operation', target, String(lane), 'queued', count);
      }
      return {
        operationIds: Array.from({ length: changes }, (_, index) => Number(lastInsertRowid) - changes + 1 + index),
        hasFingerprints: anyFingerprint.get(...slice.rows) !== undefined,
        saveFingerprints: (generation) => void copyFingerprints.run(generation, toEmployment, ...slice.rows),
      };
    },
  };
}
