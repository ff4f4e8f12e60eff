// Records by webhook that wait behind each other are judged in one plan and stored in one commit, where that decides nothing else
// than judging each by itself would: they speak of different people, and no guard holds any of them. Otherwise each is judged alone.
import type { BoundMapping, RawRecord } from '../mapping/bound-mapping.ts';
import { type EventEnd, StoreUnknown, type WaitingEvent } from '../store/store.ts';
import type { FormerKeys } from '../worker/keys.ts';
import { actorOf, readingOf } from './event-ends.ts';
import type { House, LiveConnection } from './house.ts';
import { boundTo, judgeBesideUnlessHeld } from './judge-beside.ts';
import { recordDelivery, type ToldRecord } from './record-delivery.ts';
import { endOf, toldAsOf } from './told-records.ts';

/** One event with the one record it carries. */
interface Told extends ToldRecord {
  readonly event: WaitingEvent;
  /** The hook and the columns: who acts, and under which mapping. */
  readonly manner: string;
  /** Keys of the employment and of the person, in the words of today. */
  readonly keys: readonly string[];
}

/** Events that may be judged at once, in their order. */
export interface ToldBatch {
  readonly events: readonly WaitingEvent[];
  /** Null where an event stands alone: it carries no record or several, or does not fit. */
  readonly told: readonly Told[] | null;
}

/** Splits events, in their order, so that no batch speaks twice of one person. */
export async function toldBatches(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
): Promise<readonly ToldBatch[]> {
  const former = events.length > 1 ? await house.store.formerKeys(live.connection.name) : new Map<string, string>();
  const batches: ToldBatch[] = [];
  let together: Told[] = [];
  let known = new Set<string>();
  const close = (): void => {
    if (together.length > 0) batches.push({ events: together.map(({ event }) => event), told: together });
    together = [];
    known = new Set();
  };
  for (const event of events) {
    const told = events.length > 1 ? toldBy(live, event, former) : null;
    if (told === null || together[0]?.manner !== told.manner || told.keys.some((key) => known.has(key))) close();
    if (told === null) batches.push({ events: [event], told: null });
    else {
      together.push(told);
      for (const key of told.keys) known.add(key);
    }
  }
  close();
  return batches;
}

function toldBy(live: LiveConnection, event: WaitingEvent, former: FormerKeys): Told | null {
  const reading = readingOf(live, event);
  if (reading.kind !== 'read') return null;
  const [record, ...others] = reading.records;
  if (record === undefined || others.length > 0) return null;
  const columns = Object.keys(record);
  const mapping = fitting(live, columns);
  // Where rows are dated those of one key are one employment: they meet in the feed alone.
  if (mapping === null || mapping.datedRows) return null;
  const asOf = toldAsOf(event, reading.at);
  const keys = keysIn(mapping, record, asOf);
  if (keys === null) return null;
  const manner = JSON.stringify([event.hook, columns.toSorted()]);
  return { event, record, asOf, manner, keys: keys.map((key) => former.get(key) ?? key) };
}

function fitting(live: LiveConnection, columns: readonly string[]): BoundMapping | null {
  try {
    return boundTo(live, columns);
  } catch {
    // Alone it says why.
    return null;
  }
}

function keysIn(mapping: BoundMapping, record: RawRecord, asOf: ToldRecord['asOf']): readonly string[] | null {
  const mapped = mapping.toEmployment(record, {}, asOf);
  if (mapped.kind === 'employment') return [mapped.employment.id, mapped.employment.personId];
  return mapped.rejection.key === null ? null : [mapped.rejection.key];
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
    const judged = await live.beside.take(() => judgeBesideUnlessHeld(house, live, delivery, asker));
    if (judged === null) return null;
    const faults = Map.groupBy(judged.rejections, ({ place }) => place.record ?? 0);
    // Whose fault it is has to be known.
    if (faults.has(0)) return null;
    const waiting = new Set(judged.waiting);
    return told.map(({ event, keys }, index) =>
      endOf(house, event, {
        faults: (faults.get(index + 1) ?? []).map(({ reason }) => reason),
        waiting: keys.filter((key) => waiting.has(key)),
        unmet: judged.unmet,
      }),
    );
  } catch (error) {
    if (error instanceof StoreUnknown) throw error;
    // What stands in the way of all, or is the fault of one: alone each of them meets it.
    return null;
  }
}
