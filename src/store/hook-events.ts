// Events that webhooks brought: the inbox, and the memory by which an event that is sent again is known.
import { type Instant, plusMs } from '../base/instant.ts';
import { WAIT_MAX_MS } from '../runtime/backoff.ts';
import type { EventEnd, HookState, NewHookEvent, Received, WaitingEvent } from './door.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';

/** Events of one connection that wait; beyond it the sender is asked to come again. */
export const WAITING_MAX = 10_000;
/** Emergencies find room beyond that. */
const EMERGENCY_ROOM = 1_000;
/** Events remembered in all, counted by their numbers. */
const REMEMBERED_MAX = 1_000_000;

export interface HookEvents {
  readonly receive: (connection: number, event: NewHookEvent) => Received;
  readonly end: (event: EventEnd, at: Instant) => void;
  readonly waiting: (
    connection: number,
    kind: WaitingEvent['kind'],
    now: Instant,
    limit: number,
  ) => readonly WaitingEvent[];
  readonly nextAt: (connection: number, kind: WaitingEvent['kind']) => Instant | null;
  readonly states: (connection: number | null) => readonly HookState[];
  /** After a rollback: what was counted in it never came. */
  readonly recount: () => void;
  /** Forgets at most `limit` events that ended before `before`; false when none are left. */
  readonly sweep: (limit: number, before: Instant) => boolean;
}

interface EventRow extends Omit<WaitingEvent, 'receivedAt' | 'body'> {
  readonly body: Uint8Array;
  readonly received_at: Instant;
}

interface StateRow {
  readonly connection_id: number;
  readonly hook: string;
  readonly kind: WaitingEvent['kind'];
  readonly last_at: Instant;
  readonly waiting: number;
  readonly oldest: Instant | null;
  readonly stuck: string | null;
  readonly rejected: number;
  readonly rejected_at: Instant | null;
  readonly rejected_reason: string | null;
}

export function hookEventsOf(sql: Sql, connections: Names): HookEvents {
  const known = sql
    .prepare<[number, string, Uint8Array], number>(
      'SELECT 1 FROM hook_events WHERE connection_id = ? AND hook = ? AND identity = ?',
    )
    .pluck();
  const waitingCount = sql
    .prepare<[number], number>("SELECT count(*) FROM hook_events WHERE connection_id = ? AND state = 'waiting'")
    .pluck();
  const span = sql.prepare<[], number>('SELECT coalesce(max(id) - min(id), 0) FROM hook_events').pluck();
  const add = sql.prepare<[number, string, string, Uint8Array, number, Uint8Array, string, Instant, Instant]>(
    `INSERT INTO hook_events (connection_id, hook, kind, identity, keyed, state, body, form, received_at, not_before)
     VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)`,
  );
  const end = sql
    .prepare<[{ state: string; reason: string; at: Instant; id: number }], number>(
      `UPDATE hook_events SET state = @state, reason = @reason, ended_at = @at, body = NULL,
       identity = CASE WHEN keyed = 1 AND @state = 'done' THEN identity END
     WHERE id = @id AND state = 'waiting' RETURNING connection_id`,
    )
    .pluck();
  const wait = sql.prepare<[Instant, string, number]>(
    `UPDATE hook_events SET not_before = ?, tries = tries + 1, reason = ? WHERE id = ? AND state = 'waiting'`,
  );
  const waiting = sql.prepare<[number, string, Instant, number], EventRow>(
    `SELECT id, hook, kind, form, body, received_at, tries FROM hook_events
     WHERE connection_id = ? AND kind = ? AND state = 'waiting' AND not_before <= ? ORDER BY id LIMIT ?`,
  );
  const ahead = sql.prepare<[number, string, Instant, number], EventRow>(
    `SELECT id, hook, kind, form, body, received_at, tries FROM hook_events
     WHERE connection_id = ? AND kind = ? AND state = 'waiting' AND not_before > ? ORDER BY id LIMIT ?`,
  );
  const nextAt = sql
    .prepare<[number, string], Instant | null>(
      "SELECT min(not_before) FROM hook_events WHERE connection_id = ? AND kind = ? AND state = 'waiting'",
    )
    .pluck();
  const states = sql.prepare<[{ connection: number | null }], StateRow>(
    `SELECT connection_id, hook, max(kind) AS kind, max(received_at) AS last_at,
       sum(state = 'waiting') AS waiting, min(CASE state WHEN 'waiting' THEN received_at END) AS oldest,
       max(CASE WHEN state = 'waiting' AND tries > 0 THEN reason END) AS stuck,
       sum(state = 'rejected') AS rejected, max(CASE state WHEN 'rejected' THEN ended_at END) AS rejected_at,
       (SELECT r.reason FROM hook_events r WHERE r.connection_id = e.connection_id AND r.hook = e.hook
          AND r.state = 'rejected' ORDER BY r.id DESC LIMIT 1) AS rejected_reason
     FROM hook_events e WHERE @connection IS NULL OR connection_id = @connection
     GROUP BY connection_id, hook ORDER BY connection_id, hook`,
  );
  const sweep = sql.prepare<[Instant, number]>(
    'DELETE FROM hook_events WHERE id IN (SELECT id FROM hook_events WHERE ended_at < ? ORDER BY ended_at LIMIT ?)',
  );
  /** Waiting events by connection: counted once, for a burst asks each time. */
  const counts = new Map<number, number>();
  const countOf = (connection: number): number => {
    const known = counts.get(connection) ?? waitingCount.get(connection) ?? 0;
    counts.set(connection, known);
    return known;
  };
  return {
    recount: () => counts.clear(),
    receive: (connection, event) => {
      const { hook, kind, identity, keyed, body, form, receivedAt } = event;
      if (known.get(connection, hook, identity) !== undefined) return 'duplicate';
      const room = WAITING_MAX + (kind === 'emergency' ? EMERGENCY_ROOM : 0);
      const waits = countOf(connection);
      if (waits >= room || (span.get() ?? 0) >= REMEMBERED_MAX) return 'full';
      add.run(connection, hook, kind, identity, Number(keyed), body, form, receivedAt, receivedAt);
      counts.set(connection, waits + 1);
      return 'stored';
    },
    end: ({ id, state, reason, notBefore }, at) => {
      if (state === 'waiting') wait.run(notBefore ?? at, reason, id);
      else {
        const connection = end.get({ state, reason, at, id });
        const waits = connection === undefined ? undefined : counts.get(connection);
        if (connection !== undefined && waits !== undefined) counts.set(connection, waits - 1);
      }
    },
    waiting: (connection, kind, now, limit) => {
      const due = waiting.all(connection, kind, now, limit);
      const latest = plusMs(now, kind === 'emergency' ? WAIT_MAX_MS.urgent : WAIT_MAX_MS.ordinary);
      return [...due, ...ahead.all(connection, kind, latest, limit - due.length)].map(
        ({ received_at, body, ...row }) => ({ ...row, body: Buffer.from(body), receivedAt: received_at }),
      );
    },
    nextAt: (connection, kind) => nextAt.get(connection, kind) ?? null,
    states: (connection) =>
      states.all({ connection }).map((row) => ({
        connection: connections.nameOf(row.connection_id),
        hook: row.hook,
        kind: row.kind,
        lastAt: row.last_at,
        waiting: row.waiting,
        waitingSince: row.oldest,
        waitingFor: row.stuck,
        rejected: row.rejected,
        rejectedAt: row.rejected_at,
        rejectedFor: row.rejected_reason,
      })),
    sweep: (limit, before) => sweep.run(before, limit).changes > 0,
  };
}
