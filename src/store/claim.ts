// Marks the next operations as being sent and gathers what their requests need. Its cost depends on how many are claimed,
// never on how many wait.
import { assert } from '../base/assert.ts';
import { type Instant, plusMs } from '../base/instant.ts';
import { LANES, type Lane, type TransitionName } from '../lifecycle/operation.ts';
import type { Delivery, Stage } from '../lifecycle/standing.ts';
import type { OperationKind, OperationPayload } from '../planning/changeset.ts';
import { WAIT_MAX_MS } from '../runtime/backoff.ts';
import type { Accounts } from './accounts.ts';
import type { AcceptedOperation, ClaimedOperation, MembersClaim } from './door.ts';
import type { Groups } from './groups.ts';
import type { Names } from './names.ts';
import { laneAt, laneRank } from './outbox.ts';
import { type Sql, unread, unreadText } from './sql.ts';
import type { Tallies } from './tallies.ts';
import { standingOf } from './workers.ts';
import { accountOf, type WrittenAccount } from './written.ts';

/** Operations whose moment has come, moved to the front of one lane by one claim: a bound on its work after a long outage. */
const WOKEN_MAX = 500;

/** `accompanied`: something else is open for the worker, here or at another target. */
const CLAIMED = `SELECT o.id, o.worker_id, w.connection_id, w.key AS worker_key, o.kind, o.lane, o.payload, o.attempts, o.ambiguous,
     o.transition, o.first_sent_at, o.created_at, w.revision, w.stage, w.delivery, w.facts, w.due_at,
     EXISTS (SELECT 1 FROM operations x WHERE x.worker_id = o.worker_id AND x.turn IS NOT NULL AND x.id <> o.id) AS accompanied
   FROM operations o`;
const readyIn = (index: string): string =>
  `${CLAIMED} INDEXED BY ${index} JOIN workers w ON w.id = o.worker_id WHERE o.turn = 'now'`;

/** Memberships of one kind and group in one lane. */
interface ReadyGroup {
  readonly kind: OperationKind;
  readonly name: string;
  readonly ready: number;
}

interface ClaimRow {
  readonly id: number;
  readonly worker_id: number;
  readonly connection_id: number;
  readonly worker_key: string;
  readonly kind: OperationKind;
  readonly lane: number;
  readonly payload: string;
  readonly attempts: number;
  readonly ambiguous: number;
  readonly transition: TransitionName | null;
  readonly first_sent_at: Instant | null;
  readonly created_at: Instant;
  readonly revision: number;
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly facts: string;
  readonly due_at: Instant | null;
  readonly accompanied: number;
}

interface AcceptedRow {
  readonly id: number;
  readonly connection_id: number;
  readonly worker_key: string;
  readonly kind: OperationKind;
  readonly lane: number;
  readonly attempts: number;
  readonly not_before: Instant;
  readonly external_id: string;
  readonly user_name: string;
  readonly remote_id: string | null;
  readonly active: number | null;
  readonly group_name: string | null;
  readonly ticket: string | null;
}

export interface ClaimOptions {
  readonly lanes: readonly Lane[];
  readonly limit: number;
  readonly now: Instant;
  /** Whether to take the ends of sessions; both kinds of work are taken unless told. */
  readonly sessions?: 'only' | 'without';
  /** Memberships by the batch instead of one by one; a batch counts as one of `limit`. Never with `sessions: only`. */
  readonly members?: MembersClaim;
}

/** A claimed operation as it stands in the store: it becomes objects once, where it is used. */
export interface WrittenClaim extends Omit<ClaimedOperation, 'payload' | 'account' | 'worker'> {
  /** JSON. */
  readonly payload: string;
  readonly account: WrittenAccount;
  readonly worker: WrittenStanding | null;
}

interface WrittenStanding {
  readonly revision: number;
  readonly stage: Stage;
  readonly delivery: Delivery;
  /** JSON. */
  readonly facts: string;
  readonly dueAt: Instant | null;
}

export const claimedOf = (claim: WrittenClaim): ClaimedOperation => ({
  ...claim,
  payload: JSON.parse(claim.payload) as OperationPayload,
  account: accountOf(claim.account),
  worker:
    claim.worker === null
      ? null
      : { revision: claim.worker.revision, standing: standingOf(claim.worker), dueAt: claim.worker.dueAt },
});

export interface Claims {
  readonly claim: (target: string, options: ClaimOptions) => readonly WrittenClaim[];
  readonly nextAttempt: (target: string, now: Instant, lanes?: readonly Lane[]) => Instant | null;
  /** See `Store.overtaken`. */
  readonly overtaken: (ids: readonly number[]) => readonly number[];
  /** See `Store.accepted`; one page of one lane. */
  readonly accepted: (target: number, lane: number, after: number, limit: number) => readonly AcceptedOperation[];
  /** Those of them that are still accepted. */
  readonly acceptedClaims: (target: string, ids: readonly number[], now: Instant) => readonly WrittenClaim[];
}

interface ClaimRooms {
  readonly accounts: Accounts;
  readonly groups: Groups;
  readonly connections: Names;
  readonly targets: Names;
  readonly tallies: Tallies;
}

/** A bare `LIMIT ?` is looked at by the planner: SQLite then prepares the statement anew at every run. Hence `? + 0`. */
export function claimsOf(sql: Sql, { accounts, groups, connections, targets, tallies }: ClaimRooms): Claims {
  const putRight = sql.prepare<[{ target: number; lane: number; now: Instant; latest: Instant; limit: number }]>(
    `UPDATE operations SET not_before = @now WHERE id IN (
       SELECT id FROM operations WHERE turn = 'later' AND target_id = ${unread('@target')} AND lane = ${unread('@lane')}
         AND not_before > @latest LIMIT ${unread('@limit')})`,
  );
  // One of a line only: beside a disable that was refused, what does not wait for it may be due as well.
  const wake = sql.prepare<[{ target: number; lane: number; now: Instant; limit: number }]>(
    `UPDATE operations SET turn = 'now' WHERE id IN (
       SELECT o.id FROM operations o WHERE o.turn = 'later' AND o.target_id = ${unread('@target')} AND o.lane = ${unread('@lane')}
         AND o.not_before <= @now AND NOT EXISTS (
           SELECT 1 FROM operations x WHERE x.worker_id = o.worker_id AND x.target_id = o.target_id
             AND x.turn IS NOT NULL
             AND (x.turn IN ('now', 'out') OR (x.turn = 'later' AND x.not_before <= @now AND x.id < o.id)))
       ORDER BY o.not_before, o.id LIMIT ${unread('@limit')})`,
  );
  const readyWhere = (more: string, index = 'operations_in_turn') =>
    sql.prepare<[number, number, number], ClaimRow>(
      `${readyIn(index)} AND o.target_id = ${unread('?')} AND o.lane = ${unread('?')} ${more}
       ORDER BY o.id LIMIT ${unread('?')}`,
    );
  // Without being told, SQLite walks past every membership that waits for its batch.
  const readyOnAccounts = readyWhere(
    `AND o.kind <> 'addMember' AND o.kind <> 'removeMember' AND o.kind <> 'revokeSessions'`,
    'operations_on_accounts',
  );
  const readyGroups = sql.prepare<[number, number], ReadyGroup>(
    `SELECT kind, json_extract(payload, '$.group') AS name, count(*) AS ready FROM operations
     WHERE turn = 'now' AND kind IN ('addMember', 'removeMember') AND target_id = ${unread('?')} AND lane = ${unread('?')}
     GROUP BY kind, json_extract(payload, '$.group')`,
  );
  const readyMembers = sql.prepare<[number, number, string, string, number], ClaimRow>(
    `${readyIn('operations_of_group')} AND o.kind IN ('addMember', 'removeMember') AND o.target_id = ${unread('?')}
       AND o.lane = ${unread('?')} AND o.kind = ${unreadText('?')} AND json_extract(o.payload, '$.group') = ${unreadText('?')}
     ORDER BY o.id LIMIT ${unread('?')}`,
  );
  const ready = {
    all: readyWhere(''),
    only: readyWhere(`AND o.kind = 'revokeSessions'`),
    without: readyWhere(`AND o.kind <> 'revokeSessions'`),
  } as const;
  const send = sql.prepare<[Instant, number]>(
    `UPDATE operations SET state = 'sending', turn = 'out', first_sent_at = coalesce(first_sent_at, ?) WHERE id = ?`,
  );
  const anyReady = sql.prepare<[number, number], { found: number }>(
    `SELECT 1 AS found FROM operations WHERE turn = 'now' AND target_id = ${unread('?')} AND lane = ${unread('?')} LIMIT 1`,
  );
  const nextLater = sql.prepare<[number, number], { at: Instant | null }>(
    `SELECT min(not_before) AS at FROM operations WHERE turn = 'later' AND target_id = ${unread('?')} AND lane = ${unread('?')}`,
  );

  const overtaken = sql.prepare<[string], { id: number }>(
    `SELECT o.id FROM operations o WHERE o.id IN (SELECT value FROM json_each(?)) AND o.turn = 'out' AND EXISTS (
       SELECT 1 FROM operations x WHERE x.worker_id = o.worker_id AND x.target_id = o.target_id AND x.turn = 'behind'
         AND x.id > o.id AND x.lane <= ${LANES.indexOf('leaver')} AND x.lane < o.lane)`,
  );

  const accepted = sql.prepare<[number, number, number, number], AcceptedRow>(
    `SELECT o.id, w.connection_id, w.key AS worker_key, o.kind, o.lane, o.attempts, o.not_before, a.external_id, a.user_name, a.remote_id,
       json_extract(o.payload, '$.active') AS active, json_extract(o.payload, '$.group') AS group_name,
       json_extract(o.last_outcome, '$.ticket') AS ticket
     FROM operations o INDEXED BY operations_in_turn JOIN workers w ON w.id = o.worker_id
       JOIN accounts a ON a.worker_id = o.worker_id AND a.target_id = o.target_id
     WHERE o.turn = 'out' AND o.target_id = ${unread('?')} AND o.lane = ${unread('?')} AND o.id > ${unread('?')}
       AND o.state = 'accepted' ORDER BY o.id LIMIT ${unread('?')}`,
  );
  const acceptedClaims = sql.prepare<[number, string], ClaimRow>(
    `${CLAIMED} JOIN workers w ON w.id = o.worker_id
     WHERE o.target_id = ? AND o.state = 'accepted' AND o.id IN (SELECT value FROM json_each(?)) ORDER BY o.id`,
  );

  const claimed = (row: ClaimRow, target: number, targetName: string, now: Instant): WrittenClaim => {
    const account = accounts.find(row.worker_id, target);
    assert(account !== null, `operation ${row.id} has an account`);
    const { managerKey, group } = referencesOf(row);
    const managerStands = managerKey === null && group === null ? account.managerKnown : '';
    return {
      id: row.id,
      workerKey: row.worker_key,
      connection: connections.nameOf(row.connection_id),
      target: targetName,
      kind: row.kind,
      lane: laneAt(row.lane),
      payload: row.payload,
      attempts: row.attempts,
      ambiguous: row.ambiguous === 1,
      account,
      managerRemoteId:
        managerKey === null || managerKey === '' ? null : accounts.remoteIdOf(row.connection_id, target, managerKey),
      ...(managerStands === ''
        ? {}
        : { managerStandsRemoteId: accounts.remoteIdOf(row.connection_id, target, managerStands) }),
      groupRemoteId: group === null ? null : (groups.find(target, group)?.remoteId ?? null),
      transition: row.transition,
      firstSentAt: row.first_sent_at ?? now,
      createdAt: row.created_at,
      worker:
        row.accompanied === 1
          ? null
          : {
              revision: row.revision,
              stage: row.stage,
              delivery: row.delivery,
              facts: row.facts,
              dueAt: row.due_at,
            },
    };
  };

  return {
    claim: (targetName, { lanes, limit, now, sessions, members }) => {
      assert(members === undefined || sessions !== 'only', 'ends of sessions are no memberships');
      const target = targets.id(targetName);
      if (target === null) return [];
      const taken: WrittenClaim[] = [];
      let open = limit;
      let onAccounts = 0;
      const take = (rows: readonly ClaimRow[]): void => {
        for (const row of rows) {
          taken.push(claimed(row, target, targetName, now));
          send.run(now, row.id);
          tallies.add('operation', target, String(row.lane), 'queued', -1);
          tallies.add('operation', target, String(row.lane), 'sending', 1);
        }
      };
      const takeMembers = (lane: number, { max, busy }: MembersClaim, least: number): void => {
        for (const { kind, name, ready: count } of readyGroups.all(target, lane)) {
          if (open <= 0) return;
          if (count < least || (busy.includes(name) && !isUrgent(lane))) continue;
          take(readyMembers.all(target, lane, kind, name, max));
          open -= 1;
        }
      };
      const takeAccounts = (lane: number): void => {
        const rows = readyOnAccounts.all(target, lane, open);
        take(rows);
        open -= rows.length;
        onAccounts += rows.length;
      };
      const ranks = lanes.map(laneRank).sort((a, b) => a - b);
      for (const lane of ranks) {
        if (open <= 0) break;
        const woken = Math.max(limit, WOKEN_MAX);
        putRight.run({ target, lane, now, latest: latestIn(lane, now), limit: woken });
        wake.run({ target, lane, now, limit: woken });
        if (members === undefined) {
          const rows = ready[sessions ?? 'all'].all(target, lane, open);
          take(rows);
          open -= rows.length;
        } else if (isUrgent(lane)) {
          takeAccounts(lane);
          takeMembers(lane, members, 1);
        } else {
          if (members.which !== 'none') takeMembers(lane, members, members.which === 'any' ? 1 : members.max);
          takeAccounts(lane);
        }
      }
      if (members?.which === 'idle' && onAccounts === 0) {
        for (const lane of ranks) if (!isUrgent(lane)) takeMembers(lane, members, 1);
      }
      return taken;
    },
    accepted: (target, lane, after, limit) =>
      accepted.all(target, lane, after, limit).map((row) => ({
        id: row.id,
        connection: connections.nameOf(row.connection_id),
        workerKey: row.worker_key,
        kind: row.kind,
        lane: laneAt(row.lane),
        externalId: row.external_id,
        userName: row.user_name,
        remoteId: row.remote_id,
        active: row.active === 1,
        group: row.group_name,
        ticket: row.ticket ?? '',
        deadline: row.not_before,
        attempts: row.attempts,
      })),
    acceptedClaims: (targetName, ids, now) => {
      const target = targets.id(targetName);
      if (target === null) return [];
      return acceptedClaims.all(target, JSON.stringify(ids)).map((row) => claimed(row, target, targetName, now));
    },
    overtaken: (ids) => overtaken.all(JSON.stringify(ids)).map(({ id }) => id),
    nextAttempt: (targetName, now, lanes = LANES) => {
      const target = targets.id(targetName);
      if (target === null) return null;
      const ranks = lanes.map(laneRank);
      if (ranks.some((lane) => anyReady.get(target, lane) !== undefined)) return now;
      let next: Instant | null = null;
      for (const lane of ranks) {
        const at = nextLater.get(target, lane)?.at ?? null;
        if (at !== null && at > latestIn(lane, now)) return now;
        if (at !== null && (next === null || at < next)) next = at;
      }
      return next !== null && next < now ? now : next;
    },
  };
}

const URGENT_RANKS: ReadonlySet<number> = new Set([laneRank('emergency'), laneRank('leaver')]);
const isUrgent = (lane: number): boolean => URGENT_RANKS.has(lane);
/** Until when an operation of this lane may have been told to wait. */
const latestIn = (lane: number, now: Instant): Instant =>
  plusMs(now, isUrgent(lane) ? WAIT_MAX_MS.urgent : WAIT_MAX_MS.ordinary);

/** What a payload refers to. Most refer to nobody: then it need not be read for that. */
function referencesOf({ payload }: ClaimRow): { readonly managerKey: string | null; readonly group: string | null } {
  if (payload.endsWith(NO_MANAGER)) return { managerKey: null, group: null };
  const { managerKey, group } = JSON.parse(payload) as { readonly managerKey?: string | null; readonly group?: string };
  return { managerKey: managerKey ?? null, group: group ?? null };
}

/** The end of a payload whose last member says so. A text inside a string would have its quotes escaped. */
const NO_MANAGER = ',"managerKey":null}';
