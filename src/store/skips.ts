// Failed operations that a person has set aside.
import type { Instant } from '../base/instant.ts';
import type { Skip } from '../planning/changeset.ts';
import type { Sql } from './sql.ts';

interface SkipRow {
  readonly operation: number;
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
  readonly until: Instant;
  readonly facts: string;
  readonly mapping: string;
}

export interface Skips {
  readonly save: (connection: number, skip: Skip) => void;
  /** Of operations that are still open, oldest operation first. */
  readonly all: () => readonly Skip[];
}

export function skipsOf(sql: Sql): Skips {
  const save = sql.prepare<[number, number, string, string, Instant, Instant, string, string]>(
    `INSERT INTO skips (operation, connection_id, by, reason, at, until, facts, mapping) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (operation) DO UPDATE SET by = excluded.by, reason = excluded.reason, at = excluded.at,
       until = excluded.until, facts = excluded.facts, mapping = excluded.mapping`,
  );
  const all = sql.prepare<[], SkipRow>(
    `SELECT s.operation, s.by, s.reason, s.at, s.until, s.facts, s.mapping FROM skips s
     JOIN operations o ON o.id = s.operation WHERE o.turn IS NOT NULL ORDER BY s.operation`,
  );
  return {
    save: (connection, skip) => {
      save.run(skip.operation, connection, skip.by, skip.reason, skip.at, skip.until, skip.facts, skip.mapping);
    },
    all: () => all.all(),
  };
}
