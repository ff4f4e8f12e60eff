// Marks the next operations as being sent and gathers what their requests need. Its cost depends on how many are claimed,
// never on how many wait.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { LANES, type Lane, type TransitionName } from '../lifecycle/operation.ts';
import type { OperationKind, OperationPayload } from '../planning/changeset.ts';
import type { Accounts } from './accounts.ts';
import type { ClaimedOperation } from './door.ts';
import type { Groups } from './groups.ts';
import type { Names } from './names.ts';
import { laneAt, laneRank } from './outbox.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';
import { accountOf, type WrittenAccount } from './written.ts';

/** Operations whose moment has come, moved to the front of one lane by one claim: a bound on its work after a long outage. */
const WOKEN_MAX = 500;

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
}

export interface ClaimOptions {
  readonly lanes: readonly Lane[];
  readonly limit: number;
  readonly now: Instant;
}

/** A claimed operation as it stands in the store: it becomes objects once, where it is used. */
export interface WrittenClaim extends Omit<ClaimedOperation, 'payload' | 'account'> {
  /** JSON. */
  readonly payload: string;
  readonly account: WrittenAccount;
}

export const claimedOf = (claim: WrittenClaim): ClaimedOperation => ({
  ...claim,
  payload: JSON.parse(claim.payload) as OperationPayload,
  account: accountOf(claim.account),
});

export interface Claims {
  readonly claim: (target: string, options: ClaimOptions) => readonly WrittenClaim[];
  readonly nextAttempt: (target: string, now: Instant) => Instant | null;
}

interface ClaimRooms {
  readonly accounts: Accounts;
  readonly groups: Groups;
  readonly connections: Names;
  readonly targets: Names;
  readonly tallies: Tallies;
}

export function claimsOf(sql: Sql, { accounts, groups, connections, targets, tallies }: ClaimRooms): Claims {
  const wake = sql.prepare<[number, number, Instant, number]>(
    `UPDATE operations SET turn = 'now' WHERE id IN (
       SELECT id FROM operations WHERE turn = 'later' AND target_id = ? AND lane = ? AND not_before <= ?
       ORDER BY not_before, id LIMIT ?)`,
  );
  const ready = sql.prepare<[number, number, number], ClaimRow>(
    `SELECT o.id, o.worker_id, w.connection_id, w.key AS worker_key, o.kind, o.lane, o.payload, o.attempts, o.ambiguous,
       o.transition, o.first_sent_at, o.created_at
     FROM operations o JOIN workers w ON w.id = o.worker_id
     WHERE o.turn = 'now' AND o.target_id = ? AND o.lane = ? ORDER BY o.id LIMIT ?`,
  );
  const send = sql.prepare<[Instant, number]>(
    `UPDATE operations SET state = 'sending', turn = 'out', first_sent_at = coalesce(first_sent_at, ?) WHERE id = ?`,
  );
  const anyReady = sql.prepare<[number], { found: number }>(
    `SELECT 1 AS found FROM operations WHERE turn = 'now' AND target_id = ? LIMIT 1`,
  );
  const nextLater = sql.prepare<[number, number], { at: Instant | null }>(
    `SELECT min(not_before) AS at FROM operations WHERE turn = 'later' AND target_id = ? AND lane = ?`,
  );

  const claimed = (row: ClaimRow, target: number, targetName: string, now: Instant): WrittenClaim => {
    const account = accounts.find(row.worker_id, target);
    assert(account !== null, `operation ${row.id} has an account`);
    const { managerKey, group } = referencesOf(row);
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
      groupRemoteId: group === null ? null : (groups.find(target, group)?.remoteId ?? null),
      transition: row.transition,
      firstSentAt: row.first_sent_at ?? now,
      createdAt: row.created_at,
    };
  };

  return {
    claim: (targetName, { lanes, limit, now }) => {
      const target = targets.id(targetName);
      if (target === null) return [];
      const taken: WrittenClaim[] = [];
      for (const lane of lanes.map(laneRank).sort()) {
        if (taken.length >= limit) break;
        wake.run(target, lane, now, Math.max(limit, WOKEN_MAX));
        for (const row of ready.all(target, lane, limit - taken.length)) {
          taken.push(claimed(row, target, targetName, now));
          send.run(now, row.id);
          tallies.add('operation', target, String(lane), 'queued', -1);
          tallies.add('operation', target, String(lane), 'sending', 1);
        }
      }
      return taken;
    },
    nextAttempt: (targetName, now) => {
      const target = targets.id(targetName);
      if (target === null) return null;
      if (anyReady.get(target) !== undefined) return now;
      let next: Instant | null = null;
      for (const lane of LANES.keys()) {
        const at = nextLater.get(target, lane)?.at ?? null;
        if (at !== null && (next === null || at < next)) next = at;
      }
      return next !== null && next < now ? now : next;
    },
  };
}

/** What a payload refers to. Most refer to nobody: then it need not be read for that. */
function referencesOf({ payload }: ClaimRow): { readonly managerKey: string | null; readonly group: string | null } {
  if (payload.endsWith(NO_MANAGER)) return { managerKey: null, group: null };
  const { managerKey, group } = JSON.parse(payload) as { readonly managerKey?: string | null; readonly group?: string };
  return { managerKey: managerKey ?? null, group: group ?? null };
}

/** The end of a payload whose last member says so. A text inside a string would have its quotes escaped. */
const NO_MANAGER = ',"managerKey":null}';
