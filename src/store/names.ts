// Connections and targets are met by name and stored by number.
import type { Sql } from './sql.ts';

export interface Names {
  /** Null when nobody has written about it yet. */
  readonly id: (name: string) => number | null;
  /** Only inside a transaction. */
  readonly idForWriting: (name: string) => number;
  readonly nameOf: (id: number) => string;
  /** After a rollback: numbers given in it never existed. */
  readonly forget: () => void;
}

export function namesOf(sql: Sql, table: 'connections' | 'targets'): Names {
  const byName = sql.prepare<[string], { id: number }>(`SELECT id FROM ${table} WHERE name = ?`);
  const byId = sql.prepare<[number], { name: string }>(`SELECT name FROM ${table} WHERE id = ?`);
  const add = sql.prepare<[string]>(`INSERT INTO ${table} (name) VALUES (?)`);
  const ids = new Map<string, number>();
  const names = new Map<number, string>();

  const id = (name: string): number | null => {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const row = byName.get(name);
    if (row === undefined) return null;
    ids.set(name, row.id);
    return row.id;
  };
  return {
    id,
    idForWriting: (name) => {
      const known = id(name);
      if (known !== null) return known;
      const added = Number(add.run(name).lastInsertRowid);
      ids.set(name, added);
      return added;
    },
    nameOf: (wanted) => {
      const known = names.get(wanted);
      if (known !== undefined) return known;
      const row = byId.get(wanted);
      if (row === undefined) throw new Error(`bug: ${table} has no ${wanted}`);
      names.set(wanted, row.name);
      return row.name;
    },
    forget: () => {
      ids.clear();
      names.clear();
    },
  };
}
