// Counts kept beside what they count: gathered while a transaction runs, written once at its end.
import type { Sql } from './sql.ts';

export type Tallied = 'worker' | 'operation';

export interface TallyRow {
  readonly scope: number;
  readonly a: string;
  readonly b: string;
  readonly count: number;
}

export interface Tallies {
  readonly add: (what: Tallied, scope: number, a: string, b: string, by: number) => void;
  readonly write: () => void;
  readonly forget: () => void;
  readonly all: (what: Tallied) => readonly TallyRow[];
}

interface Delta {
  readonly what: Tallied;
  readonly scope: number;
  readonly a: string;
  readonly b: string;
  by: number;
}

export function talliesOf(sql: Sql): Tallies {
  const start = sql.prepare<[string, number, string, string]>(
    `INSERT OR IGNORE INTO tallies (what, scope, a, b, count) VALUES (?, ?, ?, ?, 0)`,
  );
  const change = sql.prepare<[number, string, number, string, string]>(
    `UPDATE tallies SET count = count + ? WHERE what = ? AND scope = ? AND a = ? AND b = ?`,
  );
  const all = sql.prepare<[string], TallyRow>(
    `SELECT scope, a, b, count FROM tallies WHERE what = ? AND count > 0 ORDER BY scope, a, b`,
  );
  const deltas = new Map<string, Delta>();
  return {
    add: (what, scope, a, b, by) => {
      const key = `${what} ${scope} ${a} ${b}`;
      const delta = deltas.get(key);
      if (delta === undefined) deltas.set(key, { what, scope, a, b, by });
      else delta.by += by;
    },
    write: () => {
      for (const { what, scope, a, b, by } of deltas.values()) {
        if (by === 0) continue;
        if (change.run(by, what, scope, a, b).changes === 1) continue;
        start.run(what, scope, a, b);
        change.run(by, what, scope, a, b);
      }
      deltas.clear();
    },
    forget: () => deltas.clear(),
    all: (what) => all.all(what),
  };
}
