// Records by webhook that wait behind each other are judged in one plan and stored in one commit, where that decides nothing else
// than judging each by itself would: they say of different people on file that these work here, no account begins or ends or gets
// another name by it, nothing of theirs is held or waits, and no guard holds any of them. Everything else is judged alone.

import { Problem } from '../base/problem.ts';
import type { BoundMapping, RawRecord } from '../mapping/bound-mapping.ts';
import type { OperationKind } from '../planning/changeset.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { crashText } from '../runtime/crash-text.ts';
import { type EventEnd, StoreUnknown, type WaitingEvent } from '../store/store.ts';
import type { FormerKeys } from '../worker/keys.ts';
import { actorOf, readingOf } from './event-ends.ts';
import type { House, LiveConnection } from './house.ts';
import { boundTo, judgeBesideWhere } from './judge-beside.ts';
import type { Plan } from './plan.ts';
import { recordDelivery, type ToldRecord } from './record-delivery.ts';
import { endOf, toldAsOf } from './told-records.ts';

/** One event with the one record it carries. */
interface Told extends ToldRecord {
  readonly event: WaitingEvent;
  /** The hook and the columns: who acts, and under which mapping. */
  readonly manner: string;
  /** Keys of the employment and of the person, in the words of today. */
  readonly employment: string;
  readonly person: string;
}

/** Events that may be judged at once, in their order. */
export interface ToldBatch {
  readonly events: readonly WaitingEvent[];
  /** Null where an event stands alone. */
  readonly told: readonly Told[] | null;
}

/** Splits events, in their order, so that no batch speaks twice of one person. */
export async function toldBatches(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
): Promise<readonly ToldBatch[]> {
  if (events.length < 2) return events.map((event) => ({ events: [event], told: null }));
  const { name } = live.connection;
  const former = await house.store.formerKeys(name);
  const all = events.map((event) => toldBy(live, event, former));
  const ids = all.flatMap((told) => told?.employment ?? []);
  const owners = await house.store.workerKeysOf(name, ids);
  const batches: ToldBatch[] = [];
  let together: Told[] = [];
  let people = new Set<string>();
  const close = (): void => {
    if (together.length > 0) batches.push({ events: together.map(({ event }) => event), told: together });
    together = [];
    people = new Set();
  };
  for (const [index, event] of events.entries()) {
    const told = all[index] ?? null;
    // Who is not on file, or belongs to somebody else there, is a matter of its own.
    if (told === null || owners.get(told.employment) !== told.person) {
      close();
      batches.push({ events: [event], told: null });
      continue;
    }
    if (together[0]?.manner !== told.manner || people.has(told.person)) close();
    together.push(told);
    people.add(told.person);
  }
  close();
  return batches;
}

/** Null where the event is judged alone, and says there what is wrong with it. */
function toldBy(live: LiveConnection, event: WaitingEvent, former: FormerKeys): Told | null {
  try {
    const reading = readingOf(live, event);
    if (reading.kind !== 'read') return null;
    const [record, ...others] = reading.records;
    if (record === undefined || others.length > 0) return null;
    const columns = Object.keys(record);
    const mapping = boundTo(live, columns);
    // Where rows are dated those of one key are one employment: they meet in the feed alone.
    if (mapping.datedRows) return null;
    const asOf = toldAsOf(event, reading.at);
    const at = atWork(mapping, record, asOf);
    if (at === null) return null;
    const today = (key: string): string => former.get(key) ?? key;
    const manner = JSON.stringify([event.hook, columns.toSorted()]);
    return { event, record, asOf, manner, employment: today(at.id), person: today(at.personId) };
  } catch {
    return null;
  }
}

/** Who works here without an end that is known; null of anybody else, and of a record that cannot be read. */
function atWork(mapping: BoundMapping, record: RawRecord, asOf: ToldRecord['asOf']) {
  const mapped = mapping.toEmployment(record, {}, asOf);
  if (mapped.kind !== 'employment') return null;
  const { employment } = mapped;
  return employment.status === 'active' && employment.endDate === null && !employment.endsNow ? employment : null;
}

/** How the events of a batch end; null where each has to be judged by itself. */
export async function recordsTogether(
  house: House,
  live: LiveConnection,
  told: readonly Told[],
  signal: AbortSignal,
): Promise<readonly EventEnd[] | null> {
  const [first] = told;
  if (first === undefined || told.length === 1) return null;
  try {
    const delivery = recordDelivery(first.event.hook, told);
    const asker = { actor: actorOf(first.event), signal };
    const judged = await live.beside.take(async () => {
      // Keys may have been given up since the batch was made.
      const former = await house.store.formerKeys(live.connection.name);
      if (told.some(({ employment, person }) => former.has(employment) || former.has(person))) return null;
      return judgeBesideWhere(house, live, delivery, asker, (plan) => isOrdinary(house, plan));
    });
    if (judged === null) return null;
    const faults = Map.groupBy(judged.rejections, ({ place }) => place.record ?? 0);
    // Whose fault it is has to be known.
    if (faults.has(0)) return null;
    const waiting = new Set(judged.waiting);
    return told.map(({ event, person }, index) =>
      endOf(house, event, {
        faults: (faults.get(index + 1) ?? []).map(({ reason }) => reason),
        waiting: waiting.has(person) ? [person] : [],
        unmet: judged.unmet,
      }),
    );
  } catch (error) {
    // What stands in the way of all, or is the fault of one: alone each of them meets it. A house that stops leaves them.
    if (error instanceof Problem || signal.aborted) return null;
    if (error instanceof StoreUnknown) throw error;
    house.log.warn({ connection: live.connection.name, stack: crashText(error) }, 'records are judged one by one');
    return null;
  }
}

const ORDINARY: ReadonlySet<OperationKind> = new Set(['update', 'addMember', 'removeMember']);

/** Nothing in it that what else is in it could change: each of these people is planned as they would be alone. */
async function isOrdinary(house: House, plan: Plan): Promise<boolean> {
  if (plan.unanswered.size > 0) return false;
  const { connection } = plan.rules.mapping;
  const keys = [...plan.keys()];
  const { store } = house;
  const [holds, pending, situations] = await Promise.all([
    store.holds(connection, Number.MAX_SAFE_INTEGER),
    store.pendingKeys(connection),
    store.situations(connection, keys, { employments: false }),
  ]);
  const waits = new Set([...heldWorkers(holds), ...pending]);
  return keys.every((key) => {
    const change = plan.get(key)?.plan.change ?? null;
    if (waits.has(key)) return false;
    if (change === null) return true;
    const known = situations.get(key)?.accounts ?? [];
    return (
      change.operations.every(({ kind }) => ORDINARY.has(kind)) &&
      change.accounts.every(({ target, userName }) =>
        known.some((one) => one.target === target && one.userName === userName),
      )
    );
  });
}
