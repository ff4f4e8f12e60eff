// Records by webhook, one event after the other: each record takes the way of a row of the feed, as a delivery of its own.
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import type { HookReading } from '../mapping/webhook-reader.ts';
import type { EventEnd, WaitingEvent } from '../store/store.ts';
import { actorOf, again, backedOff, done, NOT_COUNTED, readingOf, rejected, sentences } from './event-ends.ts';
import type { House, LiveConnection } from './house.ts';
import { boundTo, judgeBeside } from './judge-beside.ts';
import { recordDelivery } from './record-delivery.ts';

type Read = Extract<HookReading, { kind: 'read' }>;

/** Judges every record that the event carries; what a guard holds of them is kept as facts and waits without the event. */
export async function record(
  house: House,
  live: LiveConnection,
  event: WaitingEvent,
  signal: AbortSignal,
): Promise<EventEnd> {
  const reading = readingOf(live, event);
  if (reading.kind === 'ignored') return done(event, NOT_COUNTED);
  if (reading.kind === 'refused') return rejected(event, reading.reason);
  return judgedRecords(house, live, event, reading, signal);
}

async function judgedRecords(
  house: House,
  live: LiveConnection,
  event: WaitingEvent,
  { records, at }: Read,
  signal: AbortSignal,
): Promise<EventEnd> {
  const asOf = toldAsOf(event, at);
  const faults: string[] = [];
  const waiting: string[] = [];
  const unmet = new Set<string>();
  for (const one of records) {
    const misfit = misfitOf(live, one);
    if (misfit !== null) {
      faults.push(misfit);
      // What a record cannot say the source may.
      live.source.slot?.('hint');
      live.wake.ring();
      continue;
    }
    try {
      const judged = await live.beside.take(() =>
        judgeBeside(house, live, recordDelivery(event.hook, [{ record: one, asOf }]), {
          actor: actorOf(event),
          signal,
        }),
      );
      faults.push(...judged.rejections.map(({ reason }) => reason));
      waiting.push(...judged.waiting);
      for (const target of judged.unmet) unmet.add(target);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return again(house, event, sentences(error), backedOff(house, event));
    }
  }
  return endOf(house, event, { faults, waiting, unmet: [...unmet] });
}

/** Nothing is newer than the moment it was told. */
export const toldAsOf = ({ receivedAt }: WaitingEvent, at: Instant | null): Instant =>
  at === null || at > receivedAt ? receivedAt : at;

/** How an event ends whose records were judged. */
export function endOf(
  house: House,
  event: WaitingEvent,
  {
    faults,
    waiting,
    unmet,
  }: { readonly faults: readonly string[]; readonly waiting: readonly string[]; readonly unmet: readonly string[] },
): EventEnd {
  if (faults.length > 0) return rejected(event, faults.join('; '));
  if (unmet.length > 0)
    return again(house, event, `target ${unmet.join(', ')} could not be listed yet`, backedOff(house, event));
  return done(event, waiting.length === 0 ? 'judged' : `judged; held or waiting: ${[...new Set(waiting)].join(', ')}`);
}

/** Why the record does not fit the mapping: it lacks a column. Null where it does. */
function misfitOf(live: LiveConnection, record: RawRecord): string | null {
  try {
    boundTo(live, Object.keys(record));
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return sentences(error);
  }
}
