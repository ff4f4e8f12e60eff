// The outbox as people look at it.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { TransitionName } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { OperationKind, OperationState } from '../planning/changeset.ts';
import type { OperationFilter, QueueAge, QueueDepth, ShownOperation } from './door.ts';
import type { Names } from './names.ts';
import { hasEnded, laneAt, type Turn } from './outbox.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';

interface ShownRow {
  readonly id: number;
  readonly connection_id: number;
  readonly worker_key: string;
  readonly target_id: number;
  readonly kind: OperationKind;
  readonly lane: number;
  readonly state: OperationState;
  readonly transition: TransitionName | null;
  readonly attempts: number;
  readonly not_before: Instant;
  readonly created_at: Instant;
  readonly first_sent_at: Instant | null;
  readonly last_outcome: string | null;
}

const IDS_MAX = 1_000;

export interface Queue {
  readonly operations: (filter: OperationFilter) => readonly ShownOperation[];
  readonly unconfirmedLeavers: (limit: number) => readonly ShownOperation[];
  readonly openSessions: (limit: number) => readonly ShownOperation[];
  readonly byIds: (ids: readonly number[]) => readonly ShownOperation[];
  readonly depths: () => readonly QueueDepth[];
  readonly ages: () => readonly QueueAge[];
  /** Operations of one connection that are on their way or will be, by kind. */
  readonly queuedKinds: (connection: number) => Readonly<Record<string, number>>;
}

const OPEN_STATES: readonly OperationState[] = ['queued', 'sending', 'accepted', 'failed'];

const SHOWN = `SELECT o.id, w.connection_id, w.key AS worker_key, o.target_id, o.kind, o.lane, o.state, o.transition, o.attempts,
  o.not_before, o.created_at, o.first_sent_at, o.last_outcome FROM operations o JOIN workers w ON w.id = o.worker_id`;

const TURNS: Readonly<Partial<Record<OperationState, readonly Turn[]>>> = {
  queued: ['behind', 'later', 'now'],
  sending: ['out'],
  accepted: ['out'],
  failed: ['stuck'],
};

const WAITING_TURNS: readonly Turn[] = ['behind', 'later', 'now', 'out'];
const WAITING_STATES: ReadonlySet<string> = new Set<OperationState>(['queued', 'sending', 'accepted']);

interface Values {
  readonly states: string;
  readonly turns: string;
  readonly connection: number | null;
  readonly target: number | null;
  readonly limit: number;
}

export function queueOf(sql: Sql, connections: Names, targets: Names, tallies: Tallies): Queue {
  // Chosen by number first, from an index that holds what has not ended: rows are only read where they are shown.
  const open = sql.prepare<[Values], ShownRow>(
    `${SHOWN} WHERE o.id IN (
       SELECT id FROM operations INDEXED BY operations_in_turn
       WHERE turn IN (SELECT value FROM json_each(@turns)) AND (@target IS NULL OR target_id = @target)
         AND (turn <> 'out' OR state IN (SELECT value FROM json_each(@states)))
         AND (@connection IS NULL OR (SELECT connection_id FROM workers WHERE id = worker_id) = @connection)
       ORDER BY id LIMIT @limit)
     ORDER BY o.id`,
  );
  const ofWorker = sql.prepare<[Values & { workerKey: string }], ShownRow>(
    `${SHOWN} WHERE o.worker_id IN (
       SELECT w2.id FROM connections c JOIN workers w2 ON w2.connection_id = c.id AND w2.key = @workerKey
       WHERE @connection IS NULL OR c.id = @connection)
       AND (@target IS NULL OR o.target_id = @target) AND o.state IN (SELECT value FROM json_each(@states))
     ORDER BY o.id LIMIT @limit`,
  );
  const disabling = sql.prepare<[number], ShownRow>(
    `${SHOWN} WHERE o.turn IS NOT NULL AND o.kind = 'disable' ORDER BY o.id LIMIT ?`,
  );

  const revoking = sql.prepare<[number], ShownRow>(
    `${SHOWN} WHERE o.turn IS NOT NULL AND o.kind = 'revokeSessions' ORDER BY o.id LIMIT ?`,
  );

  const byIds = sql.prepare<[string], ShownRow>(
    `${SHOWN} WHERE o.id IN (SELECT value FROM json_each(?)) ORDER BY o.id`,
  );

  // Numbers grow with time: the lowest of each turn is found by one look into the index.
  const first = sql.prepare<[Turn, number, number], { created_at: Instant }>(
    `SELECT created_at FROM operations INDEXED BY operations_in_turn
     WHERE turn = ? AND target_id = ? AND lane = ? ORDER BY id LIMIT 1`,
  );
  const kinds = sql.prepare<[number], { kind: OperationKind; count: number }>(
    `SELECT o.kind, count(*) AS count FROM operations o INDEXED BY operations_in_turn JOIN workers w ON w.id = o.worker_id
     WHERE o.turn IN ('behind', 'later', 'now', 'out') AND w.connection_id = ? GROUP BY o.kind ORDER BY o.kind`,
  );

  const shown = (row: ShownRow): ShownOperation => ({
    id: row.id,
    connection: connections.nameOf(row.connection_id),
    workerKey: row.worker_key,
    target: targets.nameOf(row.target_id),
    kind: row.kind,
    lane: laneAt(row.lane),
    state: row.state,
    transition: row.transition,
    attempts: row.attempts,
    notBefore: row.not_before,
    createdAt: row.created_at,
    firstSentAt: row.first_sent_at,
    lastOutcome: row.last_outcome === null ? null : (JSON.parse(row.last_outcome) as Outcome),
  });

  return {
    operations: (filter) => {
      const connection = filter.connection === undefined ? null : connections.id(filter.connection);
      const target = filter.target === undefined ? null : targets.id(filter.target);
      if (filter.connection !== undefined && connection === null) return [];
      if (filter.target !== undefined && target === null) return [];
      const states = filter.states ?? OPEN_STATES;
      assert(
        filter.workerKey !== undefined || states.every((state) => !hasEnded(state)),
        'operations that have ended are only listed for one worker',
      );
      const turns = states.flatMap((state) => TURNS[state] ?? []);
      const values: Values = {
        states: JSON.stringify(states),
        turns: JSON.stringify(turns),
        connection,
        target,
        limit: filter.limit,
      };
      const rows =
        filter.workerKey === undefined ? open.all(values) : ofWorker.all({ ...values, workerKey: filter.workerKey });
      return rows.map(shown);
    },
    unconfirmedLeavers: (limit) => disabling.all(limit).map(shown),
    openSessions: (limit) => revoking.all(limit).map(shown),
    byIds: (ids) => {
      assert(ids.length <= IDS_MAX, `at most ${IDS_MAX} operations are asked for at once`);
      return byIds.all(JSON.stringify(ids)).map(shown);
    },
    queuedKinds: (connection) => Object.fromEntries(kinds.all(connection).map(({ kind, count }) => [kind, count])),
    ages: () => {
      const lanes = tallies.all('operation').filter(({ b, count }) => count > 0 && WAITING_STATES.has(b));
      const named = new Map(lanes.map(({ scope, a }) => [`${scope} ${a}`, { target: scope, lane: Number(a) }]));
      return [...named.values()].flatMap(({ target, lane }) => {
        const [oldestAt] = WAITING_TURNS.flatMap((turn) => first.get(turn, target, lane)?.created_at ?? []).sort();
        return oldestAt === undefined ? [] : [{ target: targets.nameOf(target), lane: laneAt(lane), oldestAt }];
      });
    },
    depths: () =>
      tallies.all('operation').map((row) => ({
        target: targets.nameOf(row.scope),
        lane: laneAt(Number(row.a)),
        state: row.b as OperationState,
        operations: row.count,
      })),
  };
}
