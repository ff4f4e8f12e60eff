// Values by key that the house keeps for itself, and the archive of accepted mappings.
import type { Instant } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { Sql } from './sql.ts';

export interface Settings {
  readonly find: (key: string) => JsonValue | null;
  readonly save: (key: string, value: JsonValue) => void;
  readonly mapping: (digest: string) => string | null;
  readonly saveMapping: (digest: string, connection: number, at: Instant, text: string) => void;
}

export function settingsOf(sql: Sql): Settings {
  const find = sql.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?');
  const save = sql.prepare<[string, string]>(
    'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const mapping = sql.prepare<[string], { text: string }>('SELECT text FROM mappings WHERE digest = ?');
  const saveMapping = sql.prepare<[string, number, Instant, string]>(
    'INSERT INTO mappings (digest, connection_id, accepted_at, text) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING',
  );
  return {
    find: (key) => {
      const row = find.get(key);
      return row === undefined ? null : (JSON.parse(row.value) as JsonValue);
    },
    save: (key, value) => {
      save.run(key, JSON.stringify(value));
    },
    mapping: (digest) => mapping.get(digest)?.text ?? null,
    saveMapping: (digest, connection, at, text) => {
      saveMapping.run(digest, connection, at, text);
    },
  };
}
