// Alarms: one open for each connection, code and subject.
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import type { AlarmChange } from '../planning/changeset.ts';
import type { RaisedAlarm } from './door.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';

/** Cleared alarms are forgotten after this long; the audit keeps them. */
const KEPT_MS = 90 * DAY_MS;
/** Alarms shown at once: beyond so many nobody reads them one by one. */
const SHOWN_MAX = 1_000;

interface AlarmRow {
  readonly connection_id: number;
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  readonly hint: string | null;
  readonly worker_key: string | null;
  readonly raised_at: Instant;
  readonly said_at: Instant;
}

export interface Alarms {
  readonly apply: (connection: number, at: Instant, change: AlarmChange) => void;
  /** Open ones, oldest first; null = every connection. */
  readonly open: (connection: number | null) => readonly RaisedAlarm[];
}

export function alarmsOf(sql: Sql, connections: Names): Alarms {
  const raise = sql.prepare<[number, string, string, string, string | null, string | null, Instant, Instant]>(
    `INSERT INTO alarms (connection_id, code, subject, message, hint, worker_key, raised_at, said_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (connection_id, code, subject) WHERE cleared_at IS NULL
     DO UPDATE SET message = excluded.message, hint = excluded.hint, said_at = excluded.said_at`,
  );
  const clear = sql.prepare<[Instant, number, string, string]>(
    'UPDATE alarms SET cleared_at = ? WHERE connection_id = ? AND code = ? AND subject = ? AND cleared_at IS NULL',
  );
  const forget = sql.prepare<[Instant]>('DELETE FROM alarms WHERE cleared_at < ?');
  const open = sql.prepare<[{ connection: number | null; limit: number }], AlarmRow>(
    `SELECT connection_id, code, subject, message, hint, worker_key, raised_at, said_at FROM alarms
     WHERE cleared_at IS NULL AND (@connection IS NULL OR connection_id = @connection) ORDER BY id LIMIT @limit + 0`,
  );
  return {
    apply: (connection, at, change) => {
      const { code, subject } = change;
      if (change.set === 'cleared') {
        clear.run(at, connection, code, subject);
        forget.run(plusMs(at, -KEPT_MS));
      } else {
        const { message, hint = null, worker = null } = change;
        raise.run(connection, code, subject, message, hint, worker, at, at);
      }
    },
    open: (connection) =>
      open.all({ connection, limit: SHOWN_MAX }).map((row) => ({
        connection: connections.nameOf(row.connection_id),
        code: row.code,
        subject: row.subject,
        message: row.message,
        hint: row.hint,
        worker: row.worker_key,
        raisedAt: row.raised_at,
        saidAt: row.said_at,
      })),
  };
}
