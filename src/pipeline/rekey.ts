// HR gives people other keys: an act of its own, held until somebody has looked at the list, and then carried out in one commit. Who
// has an account keeps it, under the key of today; nobody leaves and nobody joins by it.
import { canonicalJson } from '../base/json.ts';
import { EXIT, type Fault, Problem } from '../base/problem.ts';
import type { HoldItem, Situation } from '../planning/changeset.ts';
import { samePerson } from '../planning/same-person.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Hold, NewAct, RekeyOrder } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { ActResult } from './act-result.ts';
import { judgeOnFile } from './calendar.ts';
import { type House, type LiveConnection, lookNow } from './house.ts';
import { worthProof } from './proof.ts';

export interface KeyChange {
  /** Of the file that asks for it, from 1. */
  readonly line: number;
  readonly from: string;
  readonly to: string;
}

/** One transaction, during which nothing else is stored: about a second for every 5,000. */
export const KEY_CHANGES_MAX = 50_000;
/** Workers looked up, or judged, at once. */
const BATCH = 500;
/** Faults told at once; the file is mended as a whole. */
const FAULTS_MAX = 100;

/** Args: `connection`, `changes`: a list of `{ line, from, to }`. Opens a hold and does nothing else. */
export async function rekeyAct(house: House, live: LiveConnection, act: NewAct): Promise<ActResult> {
  const { name } = live.connection;
  const changes = act.args.changes as unknown as readonly KeyChange[];
  const open = (await house.store.holds(name, 0)).find(({ kind }) => kind === 'rekey');
  if (open !== undefined)
    throw new Problem(
      {
        code: 'rekey.held-already',
        message: `${open.itemCount} key(s) of ${name} wait for an approval already`,
        hint: `rollcall holds ${open.digest.slice(0, 12)}; approve or discard them first`,
      },
      EXIT.held,
    );
  await refuseFaults(house, name, changes);
  const items = changes.map(({ from, to }): HoldItem => itemOf(name, from, to));
  const reason = `${changes.length} key(s) are to be changed: ${act.reason}`;
  await house.store.commit({
    connection: name,
    at: nowOf(house.clock),
    holds: [{ kind: 'rekey', reason, items }],
    entries: [
      {
        kind: 'act',
        connection: name,
        workerKey: null,
        actor: `operator:${act.by}`,
        body: {
          act: 'rekey',
          reason: act.reason,
          osUser: act.osUser,
          channel: act.channel,
          keys: changes.length,
          map: sha256(canonicalJson(changes.map(({ from, to }) => [from, to]))),
        },
      },
    ],
  });
  const hold = (await house.store.holds(name, 0)).find(({ kind }) => kind === 'rekey');
  const digest = hold?.digest ?? '';
  return {
    ok: true,
    message: `${changes.length} key(s) of ${name} are held: look at them with rollcall holds ${digest.slice(0, 12)}, then rollcall approve ${digest.slice(0, 12)}`,
    exitCode: EXIT.held,
    details: { connection: name, keys: changes.length, digest },
  };
}

const itemOf = (connection: string, from: string, to: string): HoldItem => ({
  digest: sha256(canonicalJson({ kind: 'rekey', connection, from, to })),
  harm: {
    kind: 'rekey',
    workerKey: from,
    target: null,
    operation: 'change key',
    attribute: null,
    before: from,
    after: to,
  },
});

/** After the approval of its hold. @throws Problem where the list is not true any more; then nothing is stored and the hold stays. */
export async function carryOutRekey(house: House, live: LiveConnection, hold: Hold, act: NewAct): Promise<string> {
  const { name } = live.connection;
  const held = (await house.store.holds(name, KEY_CHANGES_MAX)).find(({ digest }) => digest === hold.digest);
  const pairs = (held?.items ?? []).map(({ harm }) => ({ from: harm.before, to: harm.after }));
  // Nobody reads, judges or is told anything about these people meanwhile.
  return live.turn.take(() =>
    live.beside.take(async () => {
      await refuseFaults(
        house,
        name,
        pairs.map(({ from, to }, index) => ({ line: index + 1, from, to })),
      );
      const done = await house.store.rekey(orderOf(house, live, pairs, act));
      if (done.kind === 'under-way')
        throw refused(
          'rekey.under-way',
          `something of ${done.workers.length} worker(s) is being sent, such as ${done.workers[0]}`,
          'wait a moment, then approve again',
        );
      if (done.kind === 'conflict')
        throw refused(
          'rekey.changed',
          `${done.keys.length} key(s) are not what they were when the list was checked, such as ${done.keys[0]}`,
          'discard the hold and give the list again',
        );
      const keys = pairs.map(({ to }) => to);
      const known = await situationsOf(house, name, keys);
      for (let from = 0; from < keys.length; from += BATCH) {
        const slice = keys.slice(from, from + BATCH).filter((key) => known.has(key));
        if (slice.length > 0) await judgeOnFile(house, live, slice, `operator:${act.by}`);
      }
      worthProof(house, 'release');
      house.outboxFilled.ring();
      lookNow(live);
      const joined = done.joined === 0 ? '' : `, ${done.joined} of whom were on file under the new key already`;
      return `${pairs.length} key(s) of ${name} are changed${joined}`;
    }),
  );
}

function orderOf(house: House, live: LiveConnection, pairs: RekeyOrder['pairs'], act: NewAct): RekeyOrder {
  const { name } = live.connection;
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  return {
    connection: name,
    pairs,
    sources: bound.mapping.also.filter(({ byId }) => byId).map((join) => join.name),
    at: nowOf(house.clock),
    entries: pairs.map(({ from, to }) => ({
      kind: 'rekey',
      connection: name,
      workerKey: to,
      actor: `operator:${act.by}`,
      body: { from, to, reason: act.reason },
    })),
  };
}

/** @throws Problem that names every line that cannot be carried out. */
async function refuseFaults(house: House, connection: string, changes: readonly KeyChange[]): Promise<void> {
  const faults = [...formFaults(changes), ...(await fileFaults(house, connection, changes))];
  if (faults.length === 0) return;
  faults.sort((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0));
  throw new Problem(faults.slice(0, FAULTS_MAX));
}

/** What the list says of itself. */
function formFaults(changes: readonly KeyChange[]): readonly Fault[] {
  const faults: Fault[] = [];
  if (changes.length === 0 || changes.length > KEY_CHANGES_MAX)
    faults.push({
      code: 'rekey.size',
      message: `a list holds 1 to ${KEY_CHANGES_MAX} keys, this one ${changes.length}`,
    });
  const olds = new Map<string, number>();
  const news = new Map<string, number>();
  for (const { line, from, to } of changes) {
    const place = { line };
    if (from.trim() === '' || to.trim() === '') faults.push({ code: 'rekey.blank', message: 'a key is blank', place });
    else if (from === to) faults.push({ code: 'rekey.same', message: `${from} would stay as it is`, place });
    for (const [key, seen] of [
      [from, olds],
      [to, news],
    ] as const) {
      const first = seen.get(key);
      if (first === undefined) seen.set(key, line);
      else faults.push({ code: 'rekey.twice', message: `${key} stands in line ${first} already`, place });
    }
  }
  for (const { line, from, to } of changes) {
    if (from === to || !olds.has(to)) continue;
    faults.push({
      code: 'rekey.chain',
      message: `${to} is to be given up in line ${olds.get(to)} and given to ${from} here`,
      hint: 'do it in two lists, by way of a key that nobody has: in one no reader could tell whose record is whose',
      place: { line },
    });
  }
  return faults;
}

/** What is on file against the list. */
async function fileFaults(house: House, connection: string, changes: readonly KeyChange[]): Promise<readonly Fault[]> {
  const { store } = house;
  const now = nowOf(house.clock);
  const former = await store.formerKeys(connection);
  const faults: Fault[] = [];
  for (let at = 0; at < changes.length; at += BATCH) {
    const slice = changes.slice(at, at + BATCH);
    const keys = slice.flatMap(({ from, to }) => [from, to]);
    const [situations, owners, erased] = await Promise.all([
      store.situations(connection, keys),
      store.workerKeysOf(connection, keys),
      store.erased(connection, keys),
    ]);
    for (const { line, from, to } of slice) {
      const fault = (code: string, message: string, hint?: string): void =>
        void faults.push({ code, message, ...(hint === undefined ? {} : { hint }), place: { line } });
      const worker = situations.get(from);
      const other = situations.get(to);
      const holder = owners.get(to);
      // Said by the form of the list.
      if (from === to) continue;
      if (erased.has(from) || erased.has(to)) fault('rekey.erased', `${erased.has(from) ? from : to} was erased`);
      else if (former.get(from) === to) fault('rekey.done', `${from} is ${to} already`);
      else if (worker === undefined && !owners.has(from)) fault('rekey.unknown', `nobody is on file under ${from}`);
      else if (holder !== undefined && holder !== from && holder !== to)
        fault('rekey.taken', `${to} is an employment of worker ${holder}`);
      else if (other !== undefined && worker === undefined)
        fault('rekey.taken', `${to} is a worker, and ${from} only an employment of worker ${owners.get(from)}`);
      else if (other?.accounts.some(({ remoteId }) => remoteId !== null) === true)
        fault(
          'rekey.has-account',
          `${to} has an account of their own`,
          `if both are one person: rollcall unpair ${to}, disable that account, then give the list again`,
        );
      else if (other !== undefined && worker !== undefined && !mayBeOne(worker, other, now))
        fault(
          'rekey.other-person',
          `${to} is on file, and called otherwise than ${from}`,
          'look whether the lines are right',
        );
    }
  }
  return faults;
}

/** By their names: a system that gives out new keys may count from another first day. */
function mayBeOne(worker: Situation, other: Situation, now: Parameters<typeof inForceAt>[1]): boolean {
  const [known] = worker.employments;
  const [said] = other.employments;
  if (known === undefined || said === undefined) return true;
  const [a, b] = [inForceAt(known, now), inForceAt(said, now)];
  return samePerson({ ...a, personId: b.personId, startDate: b.startDate }, b);
}

async function situationsOf(house: House, connection: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let from = 0; from < keys.length; from += BATCH) {
    const slice = await house.store.situations(connection, keys.slice(from, from + BATCH), { employments: false });
    for (const key of slice.keys()) found.add(key);
  }
  return found;
}

const refused = (code: string, message: string, hint?: string): Problem =>
  new Problem({ code, message, ...(hint === undefined ? {} : { hint }) }, EXIT.failed);
