// What is kept for a named time only (design section 7): what operations were to write, and rows that HR's last delivery had rejected.
// Raw deliveries are not kept at all, and of requests the audit holds a hash.
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import type { Settings } from './settings.ts';
import type { Sql } from './sql.ts';

/** Payloads of operations that are over, and the target's words about them. */
export const PAYLOADS_KEPT_DAYS = 30;
export const REJECTIONS_KEPT_DAYS = 90;
/** What was still open when it was passed over is looked at again after this long. */
const ROUND_DAYS = 7;
const ROUND_SETTING = 'retention.operations';

interface Round {
  readonly begunAt: Instant;
  /** The last operation that was looked at. */
  readonly after: number;
}

export interface Retention {
  /** Looks at no more than `limit` rows; false when nothing is left to be forgotten now. */
  readonly sweep: (limit: number, now: Instant) => boolean;
}

export function retentionOf(sql: Sql, settings: Settings): Retention {
  const page = sql
    .prepare<[number, Instant, number], number>(
      'SELECT id FROM operations WHERE id > ? AND created_at < ? ORDER BY id LIMIT ? + 0',
    )
    .pluck();
  const forget = sql.prepare<[number, number]>(
    `UPDATE operations SET payload = '{}',
       last_outcome = CASE WHEN last_outcome IS NULL THEN NULL ELSE json_set(last_outcome, '$.detail', '') END
     WHERE id > ? AND id <= ? AND turn IS NULL AND payload <> '{}'`,
  );
  const forgetRejections = sql.prepare<[Instant]>(
    `DELETE FROM rejections WHERE connection_id IN (SELECT connection_id FROM checkpoints WHERE body ->> 'readAt' < ?)`,
  );

  return {
    sweep: (limit, now) => {
      forgetRejections.run(plusMs(now, -REJECTIONS_KEPT_DAYS * DAY_MS));
      const known = settings.find(ROUND_SETTING) as unknown as Round | null;
      const over = known === null || known.begunAt <= plusMs(now, -ROUND_DAYS * DAY_MS) || known.begunAt > now;
      const round = over ? { begunAt: now, after: 0 } : known;
      const ids = page.all(round.after, plusMs(now, -PAYLOADS_KEPT_DAYS * DAY_MS), limit);
      const last = ids.at(-1);
      if (last !== undefined) forget.run(round.after, last);
      if (over || last !== undefined) settings.save(ROUND_SETTING, { ...round, after: last ?? round.after });
      return ids.length === limit;
    },
  };
}
