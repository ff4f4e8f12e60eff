// Open holds and what people said about them. The items of a hold at one time are a version: written once, shared by the
// hold and by the approvals and discards that name it, swept when nothing names it any more.
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { HoldChange, HoldItem } from '../planning/changeset.ts';
import type { Harm } from '../planning/harm.ts';
import { sha256Hex } from './digest.ts';
import type { Hold, Release } from './door.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';

/** Enough to tell two digests apart and short enough to type. */
const DIGEST_SHOWN = 12;
const DIGEST_PREFIX_MIN = 8;

export interface HoldContent {
  readonly digest: string;
  /** Sorted by digest, each once. */
  readonly items: readonly HoldItem[];
}

/** The digest covers the sorted digests of the items, one a line. */
export function holdContent(items: readonly HoldItem[]): HoldContent {
  const sorted = [...new Map(items.map((item) => [item.digest, item])).values()].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  );
  return { digest: sha256Hex(sorted.map((item) => item.digest).join('\n')), items: sorted };
}

interface HoldRow {
  readonly id: number;
  readonly connection_id: number;
  readonly kind: HoldChange['kind'];
  readonly reason: string;
  readonly opened_at: Instant;
  readonly amended_at: Instant;
  readonly version: number;
  readonly digest: string;
  readonly items: number;
}

export interface Holds {
  /** Digest of the open hold of this kind; null when there is none. */
  readonly presentDigest: (connection: number, kind: string) => string | null;
  readonly newVersion: (content: HoldContent) => number;
  readonly addItems: (version: number, items: readonly HoldItem[]) => void;
  /** `staged` is a version that already has the items; without it they are written here. */
  readonly amend: (connection: number, change: HoldChange, at: Instant, staged: number | null) => void;
  readonly open: (connection: number | null, itemsMax: number, now: Instant) => readonly Hold[];
  /** The open hold whose digest begins so, with its items behind `after`; null where there is none, or several. */
  readonly find: (digest: string, after: string, itemsMax: number, now: Instant) => Hold | null;
  readonly openCount: (connection: number) => number;
  readonly releasedItems: (connection: number, verdict: Verdict, now: Instant) => ReadonlySet<string>;
  /** What was released of these has come to pass. */
  readonly use: (connection: number, items: readonly string[]) => void;
  /** @throws Problem before anything is written. */
  readonly release: (verdict: Verdict, release: Release, until: Instant) => Hold;
  /** Deletes at most `limit` items nobody names any more; false when none are left. `kept` are being staged. */
  readonly sweep: (limit: number, now: Instant, kept: ReadonlySet<number>) => boolean;
}

export type Verdict = 'approved' | 'discarded';

export function holdsOf(sql: Sql, connections: Names): Holds {
  const SELECT = `SELECT h.id, h.connection_id, h.kind, h.reason, h.opened_at, h.amended_at, h.version, v.digest, v.items
    FROM holds h JOIN hold_versions v ON v.id = h.version WHERE h.closed_at IS NULL`;
  const present = sql.prepare<[number, string], HoldRow>(`${SELECT} AND h.connection_id = ? AND h.kind = ?`);
  const all = sql.prepare<[], HoldRow>(`${SELECT} ORDER BY h.id`);
  const openCount = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM holds WHERE connection_id = ? AND closed_at IS NULL',
  );
  const addVersion = sql.prepare<[string, number]>('INSERT INTO hold_versions (digest, items) VALUES (?, ?)');
  const addItem = sql.prepare<[number, string, string]>(
    'INSERT INTO hold_items (version, digest, harm) VALUES (?, ?, ?)',
  );
  const itemsOf = sql.prepare<[number, string, number], { digest: string; harm: string }>(
    'SELECT digest, harm FROM hold_items WHERE version = ? AND digest > ? ORDER BY digest LIMIT ?',
  );
  const openHold = sql.prepare<[number, string, string, Instant, Instant, number]>(
    'INSERT INTO holds (connection_id, kind, reason, opened_at, amended_at, version) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const amendHold = sql.prepare<[string, Instant, number, number]>(
    'UPDATE holds SET reason = ?, amended_at = ?, version = ? WHERE id = ?',
  );
  const closeHold = sql.prepare<[Instant, number]>('UPDATE holds SET closed_at = ?, version = NULL WHERE id = ?');
  const addRelease = sql.prepare<[number, string, Verdict, number, string, string, Instant, Instant]>(
    'INSERT INTO releases (connection_id, kind, verdict, version, reason, by, at, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  // The last word of a person counts: what was set aside and then approved is released. Once: what comes again is another question.
  const released = sql
    .prepare<[number, Instant, Verdict], string>(
      `SELECT l.digest FROM (
         SELECT i.digest, max(r.id) AS last FROM releases r JOIN hold_items i ON i.version = r.version
         WHERE r.connection_id = ? AND r.version IS NOT NULL AND r.until > ? AND i.used = 0 GROUP BY i.digest) l
       JOIN releases r ON r.id = l.last WHERE r.verdict = ?`,
    )
    .pluck();
  const use = sql.prepare<[string, number]>(
    `UPDATE hold_items SET used = 1 WHERE digest = ? AND version IN (
       SELECT version FROM releases WHERE connection_id = ? AND verdict = 'approved' AND version IS NOT NULL)`,
  );
  const lastWord = sql.prepare<[number, Instant], { by: string; verdict: Verdict }>(
    'SELECT by, verdict FROM releases WHERE version = ? AND until > ? ORDER BY id DESC LIMIT 1',
  );
  const releasedBy = (version: number, verdict: Verdict, now: Instant): string | null => {
    const word = lastWord.get(version, now);
    return word?.verdict === verdict ? word.by : null;
  };
  const expire = sql.prepare<[Instant]>('UPDATE releases SET version = NULL WHERE version IS NOT NULL AND until <= ?');
  const orphans = sql.prepare<[], { id: number }>(
    `SELECT id FROM hold_versions
     WHERE id NOT IN (SELECT version FROM holds WHERE version IS NOT NULL)
       AND id NOT IN (SELECT version FROM releases WHERE version IS NOT NULL)`,
  );
  const sweepItems = sql.prepare<[number, number, number]>(
    `DELETE FROM hold_items WHERE version = ? AND digest IN (SELECT digest FROM hold_items WHERE version = ? LIMIT ?)`,
  );
  const dropVersion = sql.prepare<[number]>('DELETE FROM hold_versions WHERE id = ?');

  const holdOf = (row: HoldRow, itemsMax: number, now: Instant, after = ''): Hold => ({
    connection: connections.nameOf(row.connection_id),
    kind: row.kind,
    digest: row.digest,
    reason: row.reason,
    openedAt: row.opened_at,
    amendedAt: row.amended_at,
    itemCount: row.items,
    items: itemsOf
      .all(row.version, after, itemsMax)
      .map((item) => ({ digest: item.digest, harm: JSON.parse(item.harm) as Harm })),
    approvedBy: releasedBy(row.version, 'approved', now),
    discardedBy: releasedBy(row.version, 'discarded', now),
  });

  const newVersion: Holds['newVersion'] = ({ digest, items }) =>
    Number(addVersion.run(digest, items.length).lastInsertRowid);
  const addItems: Holds['addItems'] = (version, items) => {
    for (const item of items) addItem.run(version, item.digest, JSON.stringify(item.harm));
  };

  return {
    newVersion,
    addItems,
    find: (digest, after, itemsMax, now) => {
      const [row, other] = all.all().filter((one) => one.digest.startsWith(digest));
      return row === undefined || other !== undefined ? null : holdOf(row, itemsMax, now, after);
    },
    presentDigest: (connection, kind) => present.get(connection, kind)?.digest ?? null,
    amend: (connection, change, at, staged) => {
      const row = present.get(connection, change.kind);
      if (change.items.length === 0) {
        if (row !== undefined) closeHold.run(at, row.id);
        return;
      }
      const content = holdContent(change.items);
      if (row !== undefined && row.digest === content.digest) {
        if (row.reason !== change.reason) amendHold.run(change.reason, at, row.version, row.id);
        return;
      }
      let version = staged;
      if (version === null) {
        version = newVersion(content);
        addItems(version, content.items);
      }
      if (row === undefined) openHold.run(connection, change.kind, change.reason, at, at, version);
      else amendHold.run(change.reason, at, version, row.id);
    },
    open: (connection, itemsMax, now) => {
      const rows = all.all().filter((row) => connection === null || row.connection_id === connection);
      return rows.map((row) => holdOf(row, itemsMax, now));
    },
    openCount: (connection) => openCount.get(connection)?.count ?? 0,
    releasedItems: (connection, verdict, now) => new Set(released.all(connection, now, verdict)),
    use: (connection, items) => {
      for (const digest of items) use.run(digest, connection);
    },
    release: (verdict, asked, until) => {
      const rows = all.all();
      const matching = rows.filter(
        (row) => asked.digest.length >= DIGEST_PREFIX_MIN && row.digest.startsWith(asked.digest),
      );
      const [row] = matching;
      if (row === undefined || matching.length > 1) throw notPresent(asked.digest, rows, connections);
      addRelease.run(row.connection_id, row.kind, verdict, row.version, asked.reason, asked.by, asked.at, until);
      return holdOf(row, 0, asked.at);
    },
    sweep: (limit, now, kept) => {
      expire.run(now);
      const version = orphans.all().find((row) => !kept.has(row.id));
      if (version === undefined) return false;
      if (sweepItems.run(version.id, version.id, limit).changes === 0) dropVersion.run(version.id);
      return true;
    },
  };
}

function notPresent(digest: string, rows: readonly HoldRow[], connections: Names): Problem {
  const present = rows
    .map((row) => `${connections.nameOf(row.connection_id)} ${row.kind} ${row.digest.slice(0, DIGEST_SHOWN)}`)
    .join('; ');
  return new Problem({
    code: 'hold.not-present',
    message: `${digest.slice(0, 64)} is not the digest of exactly one open hold as it stands now`,
    hint:
      present === '' ? 'no hold is open' : `open holds: ${present}; look at the items again with \`rollcall holds\``,
  });
}
