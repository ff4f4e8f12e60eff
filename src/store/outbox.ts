// Operations and whose turn it is. Of one worker at one target the oldest open operation goes first; everything that
// changes an operation or the account's remote id is followed by `takeTurns`, so that a claim only walks one index.
// The few rows of one worker are sorted here: with ORDER BY such a look-up costs SQLite several times as much.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { LANES, type Lane } from '../lifecycle/operation.ts';
import type {
  OpenOperation,
  OperationKind,
  OperationPayload,
  OperationResult,
  OperationState,
} from '../planning/changeset.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';
import type { WrittenOperation } from './written.ts';

export type Turn = 'behind' | 'later' | 'now' | 'out' | 'stuck';

/** What is needed to tell whether an operation may still change. */
export interface HeldOperation {
  readonly id: number;
  readonly worker_id: number;
  readonly target_id: number;
  readonly kind: OperationKind;
  readonly lane: number;
  readonly state: OperationState;
}

/** One that newer work may replace. */
export interface ReplaceableOperation extends HeldOperation {
  readonly ambiguous: number;
}

interface OpenRow extends ReplaceableOperation {
  readonly payload: string;
}

interface InLine {
  readonly id: number;
  readonly kind: OperationKind;
  readonly turn: Turn;
  readonly not_before: Instant;
  /** 1 for a disable that the target refused for good: it is asked again rarely. */
  readonly refused: number;
}

export interface Outbox {
  readonly openOf: (worker: number) => readonly OpenOperation[];
  readonly held: (id: number) => ReplaceableOperation | null;
  /** `decided` is the entry of the decision. With `alone` the worker has nothing else open at this target. */
  readonly add: (worker: number, target: number, operation: WrittenOperation, context: AddContext) => number;
  /** Never for what is being sent. */
  readonly supersede: (operation: HeldOperation) => void;
  readonly settle: (operation: HeldOperation, result: OperationResult) => void;
  readonly takeTurns: (worker: number, target: number, at: Instant, hasRemoteId: () => boolean) => void;
  /** Queues what was being sent; each of them has to take its turn anew: a leave may have been decided behind it. */
  readonly recoverSending: () => readonly HeldOperation[];
}

export interface AddContext {
  readonly at: Instant;
  readonly decided: number | null;
  readonly alone: boolean;
  /** It replaces one that may have taken effect: it looks before it writes, too. */
  readonly ambiguous: boolean;
}

export function laneRank(lane: Lane): number {
  const rank = LANES.indexOf(lane);
  assert(rank >= 0, `${lane} is a lane`);
  return rank;
}

export function laneAt(rank: number): Lane {
  const lane = LANES[rank];
  assert(lane !== undefined, `there is a lane ${rank}`);
  return lane;
}

const ENDED: ReadonlySet<OperationState> = new Set(['done', 'superseded', 'skipped']);
export const hasEnded = (state: OperationState): boolean => ENDED.has(state);

/** What was accepted waits for a target that does it in its own time: newer work is not kept waiting by that. */
export const isReplaceable = (state: OperationState): boolean =>
  state === 'queued' || state === 'failed' || state === 'accepted';

/** A membership needs the account's remote id in its request; everything else can find the account by itself. */
export const needsAccount = (kind: OperationKind): boolean => kind === 'addMember' || kind === 'removeMember';

/** Whether a try that may have taken effect leaves doubt about the account itself. */
export const changesAccount = (kind: OperationKind): boolean => !needsAccount(kind) && kind !== 'revokeSessions';

/** The turn that a state implies; queued operations are placed by `takeTurns`. */
function turnOf(state: OperationState): Turn | null {
  if (state === 'queued') return 'behind';
  if (state === 'failed') return 'stuck';
  return hasEnded(state) ? null : 'out';
}

const waits = ({ turn }: InLine): boolean => turn !== 'out' && turn !== 'stuck';

/** The open operations of one worker at one target in the order in which they shall go. */
function inTurn(rows: InLine[], at: Instant): readonly InLine[] {
  rows.sort((a, b) => a.id - b.id);
  // Access ends before memberships change: a group that the target refuses never keeps a leaver waiting.
  const lead = rows.findIndex((row) => waits(row) && changesAccount(row.kind));
  if (rows[lead]?.kind === 'disable') rows.unshift(...rows.splice(lead, 1));
  const ends = rows.filter((row) => waits(row) && row.kind === 'revokeSessions');
  if (ends.length === 0) return rows;
  // Sessions end after whatever changes the account, and neither wait for a membership that is refused nor keep one waiting:
  // of the two goes first who may go first. Only the first of a line counts.
  const soonest = (row: InLine): Instant => (row.not_before > at ? row.not_before : at);
  const sorted = ends.toSorted((a, b) => (soonest(a) < soonest(b) ? -1 : soonest(a) > soonest(b) ? 1 : a.id - b.id));
  const [first] = sorted as [InLine];
  const others = rows.filter((row) => !ends.includes(row));
  const lastChange = others.findLastIndex((row) => waits(row) && changesAccount(row.kind));
  const membership = others.findIndex((row) => waits(row) && needsAccount(row.kind));
  const place = membership >= 0 && soonest(others[membership] as InLine) < soonest(first) ? membership + 1 : 0;
  return others.toSpliced(Math.max(place, lastChange + 1), 0, ...sorted);
}

export function outboxOf(sql: Sql, targets: Names, tallies: Tallies): Outbox {
  const open = sql.prepare<[number], OpenRow>(
    `SELECT id, worker_id, target_id, kind, lane, state, payload, ambiguous FROM operations
     WHERE worker_id = ? AND turn IS NOT NULL`,
  );
  const held = sql.prepare<[number], ReplaceableOperation>(
    'SELECT id, worker_id, target_id, kind, lane, state, ambiguous FROM operations WHERE id = ?',
  );
  type NewValues = [
    number,
    number,
    string,
    number,
    string | null,
    string,
    OperationState,
    Turn,
    Instant,
    Instant,
    string | null,
    number | null,
    number,
  ];
  const insert = sql.prepare<NewValues>(
    `INSERT INTO operations (worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, created_at,
       last_outcome, entry_seq, ambiguous) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const end = sql.prepare<[OperationState, Turn | null, number]>(
    'UPDATE operations SET state = ?, turn = ? WHERE id = ?',
  );
  const settle = sql.prepare<[OperationState, Turn | null, Instant, number, number, string | null, number]>(
    `UPDATE operations SET state = ?, turn = ?, not_before = ?, attempts = ?, ambiguous = ?,
       last_outcome = coalesce(?, last_outcome) WHERE id = ?`,
  );
  const line = sql.prepare<[number, number], InLine>(
    `SELECT id, kind, turn, not_before, CASE WHEN kind = 'disable' AND last_outcome IS NOT NULL
         THEN json_extract(last_outcome, '$.class') IN ('permanent', 'gone') ELSE 0 END AS refused
     FROM operations WHERE worker_id = ? AND target_id = ? AND turn IS NOT NULL`,
  );
  const place = sql.prepare<[Turn, number]>('UPDATE operations SET turn = ? WHERE id = ?');
  const sending = sql.prepare<[], HeldOperation>(
    `SELECT id, worker_id, target_id, kind, lane, state FROM operations WHERE turn = 'out' AND state = 'sending'`,
  );
  const requeue = sql.prepare<[number]>(
    `UPDATE operations SET state = 'queued', turn = 'behind', ambiguous = 1 WHERE id = ?`,
  );

  const count = (operation: HeldOperation, from: OperationState | null, to: OperationState) => {
    if (from === to) return;
    const lane = String(operation.lane);
    if (from !== null) tallies.add('operation', operation.target_id, lane, from, -1);
    tallies.add('operation', operation.target_id, lane, to, 1);
  };

  return {
    openOf: (worker) =>
      // Of one worker only a few: sorting here spares a sorter for each question.
      open
        .all(worker)
        .sort((a, b) => a.id - b.id)
        .map((row) => ({
          id: row.id,
          target: targets.nameOf(row.target_id),
          kind: row.kind,
          lane: laneAt(row.lane),
          state: row.state,
          payload: JSON.parse(row.payload) as OperationPayload,
          ambiguous: row.ambiguous === 1,
        })),
    held: (id) => held.get(id) ?? null,
    add: (worker, target, operation, { at, decided, alone, ambiguous }) => {
      const state = operation.refused === null ? 'queued' : 'failed';
      let turn = turnOf(state);
      assert(turn !== null, 'a new operation has not ended');
      if (alone && state === 'queued') turn = operation.notBefore <= at ? 'now' : 'later';
      const lane = laneRank(operation.lane);
      const result = insert.run(
        worker,
        target,
        operation.kind,
        lane,
        operation.transition,
        operation.payload,
        state,
        turn,
        operation.notBefore,
        at,
        operation.refused,
        decided,
        Number(ambiguous),
      );
      tallies.add('operation', target, String(lane), state, 1);
      return Number(result.lastInsertRowid);
    },
    supersede: (operation) => {
      assert(isReplaceable(operation.state), 'only what is not being sent is superseded');
      end.run('superseded', null, operation.id);
      count(operation, operation.state, 'superseded');
    },
    settle: (operation, result) => {
      settle.run(
        result.state,
        turnOf(result.state),
        result.notBefore,
        result.attempts,
        Number(result.ambiguous),
        result.outcome === null ? null : JSON.stringify(result.outcome),
        operation.id,
      );
      count(operation, operation.state, result.state);
    },
    takeTurns: (worker, target, at, hasRemoteId) => {
      const found = line.all(worker, target);
      if (found.length === 0) return;
      const rows = inTurn(found, at);
      let taken = rows.some((row) => row.turn === 'out');
      let changing = false;
      for (const row of rows) {
        if (row.turn === 'out' || row.turn === 'stuck') continue;
        changing ||= changesAccount(row.kind);
        // A membership without an account is passed over: what makes the account may have been decided after it.
        // Sessions that end before the account is inactive are opened again, refused or not.
        const early = row.kind === 'revokeSessions' && changing;
        const mayGo = !taken && !early && (!needsAccount(row.kind) || hasRemoteId());
        const turn: Turn = !mayGo ? 'behind' : row.not_before <= at ? 'now' : 'later';
        // What else ends somebody's access does not wait for a disable that is refused.
        if (mayGo && !(turn === 'later' && row.refused === 1)) taken = true;
        if (turn !== row.turn) place.run(turn, row.id);
      }
    },
    recoverSending: () => {
      const rows = sending.all();
      for (const row of rows) {
        requeue.run(row.id);
        count(row, 'sending', 'queued');
      }
      return rows;
    },
  };
}
