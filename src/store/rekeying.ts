// Gives workers and their employments other keys, in one transaction: standings, accounts, operations and references stay with the
// person. Somebody who is on file under the new key already, and has no account, is joined with whom they were before.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import { type FormerKeys, underKeysOfToday } from '../worker/keys.ts';
import { type Employment, withObservation } from '../worker/worker.ts';
import type { Rekeyed, RekeyOrder } from './door.ts';
import type { Outbox } from './outbox.ts';
import type { Pending } from './pending.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';
import { standingOf, type WorkerRow, type Workers } from './workers.ts';

export interface Rekeying {
  /** Only inside a transaction. Writes nothing unless it returns `rekeyed`. */
  readonly apply: (connection: number, order: RekeyOrder) => Rekeyed;
  readonly former: (connection: number) => FormerKeys;
  /** Keys that a worker's number stood for: `connection key`. */
  readonly namesOf: () => ReadonlyMap<number, ReadonlySet<string>>;
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly worker: WorkerRow | undefined;
  /** On file under the new key. */
  readonly other: WorkerRow | undefined;
}

interface Rooms {
  readonly workers: Workers;
  readonly outbox: Outbox;
  readonly pending: Pending;
  readonly tallies: Tallies;
}

export function rekeyingOf(sql: Sql, { workers, outbox, pending, tallies }: Rooms): Rekeying {
  const out = sql.prepare<[number], unknown>(
    `SELECT 1 FROM operations WHERE worker_id = ? AND (turn = 'out' OR (turn IS NOT NULL AND ambiguous = 1 AND kind = 'create'))`,
  );
  const hasAccount = sql.prepare<[number], unknown>(
    'SELECT 1 FROM accounts WHERE worker_id = ? AND remote_id IS NOT NULL',
  );
  const isErased = sql.prepare<[number], unknown>('SELECT 1 FROM erased WHERE worker_id = ?');
  const employmentOwner = sql.prepare<[number, string], { worker_id: number }>(
    'SELECT worker_id FROM employments WHERE connection_id = ? AND employment_id = ?',
  );
  const setKey = sql.prepare<[string, string, number]>(
    `UPDATE workers SET key = ?, facts = ?, suspected_since = NULL, suspicion = NULL, revision = revision + 1 WHERE id = ?`,
  );
  const touch = sql.prepare<[number]>('UPDATE workers SET revision = revision + 1 WHERE id = ?');
  const keepNumber = sql.prepare<[]>(
    `INSERT OR REPLACE INTO settings (key, value) SELECT 'workers.lastJoined', CAST(max(worker) AS TEXT) FROM former_keys`,
  );
  const dropWorker = sql.prepare<[number]>('DELETE FROM workers WHERE id = ?');
  const all = sql.prepare<[number, number, number], { id: number; worker_id: number; body: string }>(
    'SELECT id, worker_id, body FROM employments WHERE connection_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  const ofWorker = sql.prepare<[number], { id: number; body: string }>(
    'SELECT id, body FROM employments WHERE worker_id = ? ORDER BY id',
  );
  const saveEmployment = sql.prepare<[string, number, string, number]>(
    'UPDATE employments SET employment_id = ?, worker_id = ?, body = ? WHERE id = ?',
  );
  const saveBody = sql.prepare<[string, number]>('UPDATE employments SET body = ? WHERE id = ?');
  const dropPrints = sql.prepare<[number]>('DELETE FROM fingerprints WHERE employment = ?');
  const dropEmployment = sql.prepare<[number]>('DELETE FROM employments WHERE id = ?');
  const moves = ['operations', 'reserved_names', 'withheld_names', 'unpaired'].map((table) =>
    sql.prepare<[number, number]>(`UPDATE ${table} SET worker_id = ? WHERE worker_id = ?`),
  );
  const dropAccounts = sql.prepare<[number]>('DELETE FROM accounts WHERE worker_id = ?');
  const managers = sql.prepare<
    [number],
    { id: number; worker_id: number; manager_known: string; manager_owed: string }
  >(
    `SELECT a.id, a.worker_id, a.manager_known, a.manager_owed FROM accounts a JOIN workers w ON w.id = a.worker_id
     WHERE w.connection_id = ? AND (a.manager_known <> '' OR a.manager_owed <> '')`,
  );
  const saveManagers = sql.prepare<[string, string, number]>(
    'UPDATE accounts SET manager_known = ?, manager_owed = ? WHERE id = ?',
  );
  const open = sql.prepare<[number], { id: number; manager: string }>(
    `SELECT o.id, o.payload ->> 'managerKey' AS manager FROM operations o JOIN workers w ON w.id = o.worker_id
     WHERE w.connection_id = ? AND o.turn IS NOT NULL AND o.payload ->> 'managerKey' <> ''`,
  );
  const saveManager = sql.prepare<[string, number]>(
    `UPDATE operations SET payload = json_set(payload, '$.managerKey', ?) WHERE id = ?`,
  );
  const byKey = [
    `UPDATE guard_uses SET worker_key = @to WHERE connection_id = @connection AND worker_key = @from`,
    `UPDATE OR IGNORE alarms SET worker_key = @to, subject = CASE WHEN subject = @from THEN @to
       WHEN substr(subject, -length('/' || @from)) = '/' || @from
       THEN substr(subject, 1, length(subject) - length(@from)) || @to ELSE subject END
     WHERE connection_id = @connection AND worker_key = @from`,
    `UPDATE hold_items SET harm = json_set(harm, '$.workerKey', @to) WHERE harm ->> 'workerKey' = @from
       AND version IN (SELECT version FROM holds WHERE connection_id = @connection AND kind <> 'rekey')`,
  ].map((statement) => sql.prepare<[{ connection: number; from: string; to: string }]>(statement));
  const moveFacts = sql.prepare<[string, number, string, string]>(
    'UPDATE OR IGNORE facts SET key = ? WHERE connection_id = ? AND source = ? AND key = ?',
  );
  const follow = sql.prepare<[string, number, string]>(
    'UPDATE former_keys SET now = ? WHERE connection_id = ? AND now = ?',
  );
  const endFormer = sql.prepare<[number, string]>(
    'UPDATE former_keys SET now = NULL WHERE connection_id = ? AND key = ?',
  );
  const addFormer = sql.prepare<[number, string, number, string | null, Instant]>(
    'INSERT OR REPLACE INTO former_keys (connection_id, key, worker, now, at) VALUES (?, ?, ?, ?, ?)',
  );
  const former = sql.prepare<[number], { key: string; now: string }>(
    'SELECT key, now FROM former_keys WHERE connection_id = ? AND now IS NOT NULL',
  );
  const names = sql.prepare<[], { worker: number; name: string }>(
    `SELECT f.worker, c.name || ' ' || f.key AS name FROM former_keys f JOIN connections c ON c.id = f.connection_id`,
  );

  const namedIn = (connection: number, { pairs }: RekeyOrder): readonly Pair[] =>
    pairs.map(({ from, to }) => ({
      from,
      to,
      worker: workers.find(connection, from),
      other: workers.find(connection, to),
    }));

  const conflictIn = (connection: number, pairs: readonly Pair[]): Exclude<Rekeyed, { kind: 'rekeyed' }> | null => {
    const underWay = pairs.filter(({ worker, other }) =>
      [worker, other].some((row) => row !== undefined && out.get(row.id) !== undefined),
    );
    if (underWay.length > 0) return { kind: 'under-way', workers: underWay.map(({ from }) => from) };
    const changed = pairs.filter(({ from, to, worker, other }) => {
      if (worker === undefined && employmentOwner.get(connection, from) === undefined) return true;
      const holder = employmentOwner.get(connection, to)?.worker_id;
      const mine = holder === undefined || holder === worker?.id || holder === other?.id;
      const taken =
        !mine ||
        (other !== undefined && (hasAccount.get(other.id) !== undefined || isErased.get(other.id) !== undefined));
      // Nobody else may have the id that an employment gets.
      return taken || (worker === undefined && other !== undefined);
    });
    return changed.length > 0 ? { kind: 'conflict', keys: changed.map(({ from }) => from) } : null;
  };

  /** Whoever is on file under the new key ends; what they have becomes the other's. Returns their employments. */
  const dissolve = (into: WorkerRow, other: WorkerRow): readonly Employment[] => {
    const theirs = ofWorker.all(other.id);
    for (const { id } of theirs) {
      dropPrints.run(id);
      dropEmployment.run(id);
    }
    for (const { id } of outbox.openOf(other.id)) {
      const operation = outbox.held(id);
      assert(operation !== null, `there is an operation ${id}`);
      outbox.supersede(operation);
    }
    dropAccounts.run(other.id);
    for (const move of moves) move.run(into.id, other.id);
    tallies.add('worker', into.connection_id, other.stage, other.delivery, -1);
    dropWorker.run(other.id);
    return theirs.map(({ body }) => JSON.parse(body) as Employment);
  };

  const employmentsBecome = (worker: number, keys: FormerKeys, more: readonly Employment[]): void => {
    const rows = ofWorker.all(worker);
    const renamed = rows.map(({ body }) => underKeysOfToday(JSON.parse(body) as Employment, keys));
    const merged = withObservation(renamed, more);
    for (const [index, { id }] of rows.entries()) {
      const one = merged[index];
      assert(one !== undefined, 'an observation takes no employment away');
      dropPrints.run(id);
      saveEmployment.run(one.id, worker, canonicalJson(one), id);
    }
    workers.addEmployments(worker, merged.slice(rows.length));
  };

  const references = (connection: number, keys: FormerKeys): void => {
    for (let after = 0; ; ) {
      const page = all.all(connection, after, PAGE);
      for (const { id, worker_id: worker, body } of page) {
        const before = JSON.parse(body) as Employment;
        const now = underKeysOfToday(before, keys);
        if (now === before) continue;
        // Its own id was given by now: what is left is a manager.
        saveBody.run(canonicalJson(now), id);
        touch.run(worker);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    for (const { id, worker_id: worker, manager_known: known, manager_owed: owed } of managers.all(connection)) {
      if (!keys.has(known) && !keys.has(owed)) continue;
      saveManagers.run(keys.get(known) ?? known, keys.get(owed) ?? owed, id);
      touch.run(worker);
    }
    for (const { id, manager } of open.all(connection)) {
      const now = keys.get(manager);
      if (now !== undefined) saveManager.run(now, id);
    }
    for (const key of pending.keys(connection)) {
      const facts = pending.find(connection, key);
      const now = keys.get(key) ?? key;
      pending.save(connection, { key, employments: [] });
      const waiting = now === key ? [] : pending.find(connection, now);
      pending.save(connection, {
        key: now,
        employments: [...waiting, ...facts.map((one) => underKeysOfToday(one, keys))],
      });
    }
  };

  return {
    former: (connection) => new Map(former.all(connection).map(({ key, now }) => [key, now])),
    namesOf: () =>
      new Map(
        [...Map.groupBy(names.all(), ({ worker }) => worker)].map(([worker, rows]) => [
          worker,
          new Set(rows.map(({ name }) => name)),
        ]),
      ),
    apply: (connection, order) => {
      const pairs = namedIn(connection, order);
      const conflict = conflictIn(connection, pairs);
      if (conflict !== null) return conflict;
      const keys: FormerKeys = new Map(pairs.map(({ from, to }) => [from, to]));
      let joined = 0;
      for (const { from, to, worker, other } of pairs) {
        const owner = worker?.id ?? employmentOwner.get(connection, from)?.worker_id;
        assert(owner !== undefined, 'whoever is re-keyed is on file');
        let more: readonly Employment[] = [];
        if (worker !== undefined && other !== undefined) {
          more = dissolve(worker, other);
          addFormer.run(connection, to, other.id, null, order.at);
          keepNumber.run();
          joined += 1;
        }
        if (worker === undefined) touch.run(owner);
        else {
          const { facts } = standingOf(worker);
          const ended = facts.endedEmployment;
          const text = JSON.stringify({
            ...facts,
            endedEmployment: ended === null ? null : (keys.get(ended) ?? ended),
          });
          setKey.run(to, text, owner);
        }
        employmentsBecome(owner, keys, more);
        for (const statement of byKey) statement.run({ connection, from, to });
        for (const source of order.sources) moveFacts.run(to, connection, source, from);
        endFormer.run(connection, to);
        follow.run(to, connection, from);
        addFormer.run(connection, from, owner, to, order.at);
      }
      references(connection, keys);
      return { kind: 'rekeyed', joined };
    },
  };
}

/** Employments read in one go. */
const PAGE = 5_000;
