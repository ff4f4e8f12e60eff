// Hints: the source is asked about the workers of many events in one question, or looked at as a whole where it cannot be asked.
import { SECOND_MS } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { shown } from '../mapping/cel-environment.ts';
import { nowOf } from '../runtime/clock.ts';
import type { EventEnd, WaitingEvent } from '../store/store.ts';
import { again, backedOff, done, NOT_COUNTED, readingOf, rejected, sentences, workerKeyOf } from './event-ends.ts';
import type { House, LiveConnection } from './house.ts';
import { type JudgedBeside, judgeBeside } from './judge-beside.ts';

/** Workers in one question to the source. */
const ASKED_TOGETHER = 100;

/** What becomes of these events; those that are too many for one question are left out and come again. */
export async function hints(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
): Promise<readonly EventEnd[]> {
  const ends: EventEnd[] = [];
  const asking: { readonly event: WaitingEvent; readonly workers: readonly string[] }[] = [];
  for (const event of events) {
    const reading = readingOf(live, event);
    if (reading.kind === 'ignored') ends.push(done(event, NOT_COUNTED));
    else if (reading.kind === 'refused') ends.push(rejected(event, reading.reason));
    else if (asking.length === 0 || size(asking) + reading.workers.length <= ASKED_TOGETHER)
      asking.push({ event, workers: reading.workers });
    // Whoever is too many for one question is asked about in the next.
  }
  if (asking.length > 0) ends.push(...(await asked(house, live, asking, signal)));
  return ends;
}

const size = (asking: readonly { readonly workers: readonly string[] }[]): number =>
  asking.reduce((sum, { workers }) => sum + workers.length, 0);

async function asked(
  house: House,
  live: LiveConnection,
  asking: readonly { readonly event: WaitingEvent; readonly workers: readonly string[] }[],
  signal: AbortSignal,
): Promise<readonly EventEnd[]> {
  const { about } = live.source;
  if (about === undefined) {
    // The first look of a house that starts makes up for a ring that a crash has swallowed.
    live.source.slot?.('hint');
    live.wake.ring();
    return asking.map(({ event }) => done(event, 'the source is looked at now'));
  }
  const ids = [...new Set(asking.flatMap(({ workers }) => workers))];
  try {
    const look = await about(ids, nowOf(house.clock), signal);
    if (look.kind === 'notYet')
      return asking.map(({ event }) => again(house, event, look.reason, Math.max(SECOND_MS, look.retryAfterMs)));
    if (look.kind === 'nothing') return await Promise.all(asking.map((one) => told(house, live, one, null)));
    await using delivery = look.delivery;
    const judged = await live.beside.take(() => judgeBeside(house, live, delivery, { actor: 'webhook', signal }));
    return await Promise.all(asking.map((one) => told(house, live, one, judged)));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const reason = sentences(error);
    return asking.map(({ event }) => again(house, event, reason, backedOff(house, event)));
  }
}

/** What became of one hint: `judged` null where the source says nothing of anybody who was asked about. */
async function told(
  house: House,
  live: LiveConnection,
  { event, workers }: { readonly event: WaitingEvent; readonly workers: readonly string[] },
  judged: JudgedBeside | null,
): Promise<EventEnd> {
  const faults = (judged?.rejections ?? []).filter(({ key }) => key !== null && workers.includes(key));
  if (faults.length > 0) return rejected(event, faults.map(({ reason }) => reason).join('; '));
  // A record of which not even the id could be believed is somebody's who was asked about.
  const nameless = (judged?.rejections ?? []).filter(({ key }) => key === null);
  if (
    nameless.length > 0 &&
    !workers.every((id) => judged?.parsed(id) === true || judged?.workers.includes(id) === true)
  )
    return rejected(event, nameless.map(({ reason }) => reason).join('; '));
  if ((judged?.unmet.length ?? 0) > 0)
    return again(house, event, `target ${judged?.unmet.join(', ')} could not be listed yet`, backedOff(house, event));
  const strangers: string[] = [];
  for (const id of workers) {
    if (judged?.parsed(id) === true || judged?.workers.includes(id) === true) continue;
    if ((await workerKeyOf(house, live, id)) === null) strangers.push(id);
  }
  if (strangers.length > 0)
    return rejected(event, `nobody is known by the id ${strangers.map(shown).join(', ')}, at the source neither`);
  return done(event, 'the source was asked');
}
