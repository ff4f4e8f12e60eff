// Names that are given to nobody although no account here bears them: kept as a keyed hash, so that the database does not tell them.
// The key stands in the same database on purpose: a restored database without it would hand such a name out again.
import { createHmac } from 'node:crypto';
import type { Settings } from './settings.ts';
import type { Sql } from './sql.ts';

const KEY_BYTES = 32;
const KEY_SETTING = 'names.key';

/** Stands for a holder who is no worker: their number is never given. */
export const NOBODY = 0;

export interface WithheldNames {
  /** Who may have the name again, NOBODY where nobody may; null where it is not withheld. */
  readonly holderOf: (target: number, folded: string) => number | null;
  /** Whether any name is withheld at this target. */
  readonly any: (target: number) => boolean;
  /** Only inside a transaction; `worker` is who may have it again. */
  readonly withhold: (target: number, folded: string, worker: number | null) => void;
  readonly free: (target: number, folded: string) => void;
  /** What this worker could have had again is nobody's from now on. */
  readonly disown: (worker: number) => number;
}

export function withheldNamesOf(
  sql: Sql,
  settings: Settings,
  randomBytes: (length: number) => Uint8Array,
): WithheldNames {
  const any = sql.prepare<[number], unknown>('SELECT 1 FROM withheld_names WHERE target_id = ? LIMIT 1');
  const find = sql.prepare<[number, Buffer], { worker_id: number | null }>(
    'SELECT worker_id FROM withheld_names WHERE target_id = ? AND digest = ?',
  );
  const add = sql.prepare<[number, Buffer, number | null]>(
    `INSERT INTO withheld_names (target_id, digest, worker_id) VALUES (?, ?, ?)
     ON CONFLICT (target_id, digest) DO UPDATE SET worker_id = excluded.worker_id`,
  );
  const drop = sql.prepare<[number, Buffer]>('DELETE FROM withheld_names WHERE target_id = ? AND digest = ?');
  const disown = sql.prepare<[number]>('UPDATE withheld_names SET worker_id = NULL WHERE worker_id = ?');

  const known = (): string | null => {
    const key = settings.find(KEY_SETTING);
    return typeof key === 'string' ? key : null;
  };
  const keyForWriting = (): string => {
    const key = known();
    if (key !== null) return key;
    const made = Buffer.from(randomBytes(KEY_BYTES)).toString('hex');
    settings.save(KEY_SETTING, made);
    return made;
  };
  const digest = (key: string, folded: string): Buffer =>
    createHmac('sha256', Buffer.from(key, 'hex')).update(folded).digest();

  return {
    holderOf: (target, folded) => {
      if (any.get(target) === undefined) return null;
      const key = known();
      const row = key === null ? undefined : find.get(target, digest(key, folded));
      return row === undefined ? null : (row.worker_id ?? NOBODY);
    },
    any: (target) => any.get(target) !== undefined,
    withhold: (target, folded, worker) => {
      add.run(target, digest(keyForWriting(), folded), worker);
    },
    free: (target, folded) => {
      const key = known();
      if (key !== null) drop.run(target, digest(key, folded));
    },
    disown: (worker) => disown.run(worker).changes,
  };
}
