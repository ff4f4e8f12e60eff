// What the store says of the state of everything, for whoever watches from outside. Tallies and a few rows: never a walk over all.
import { apartMs, type Instant } from '../base/instant.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Reading } from '../runtime/meter.ts';
import { readClockDoubt } from './clock-watch.ts';
import { type DispatchState, readDispatchStates } from './dispatch-state.ts';
import { readFeedSince } from './feed-age.ts';
import type { House } from './house.ts';
import { readStops } from './stop-writes.ts';

/** Beyond so many nobody counts them one by one. */
const LEAVERS_MAX = 10_000;
const OPEN: ReadonlySet<string> = new Set(['queued', 'sending', 'accepted', 'failed']);
const STATES: Readonly<Record<DispatchState['state'], number>> = { closed: 0, paused: 1, open: 2, halfOpen: 2 };

export async function readingsOf(house: House, version: string): Promise<readonly Reading[]> {
  const { store, proof } = house;
  const now = nowOf(house.clock);
  const seconds = (then: Instant): number => apartMs(now, then) / 1_000;
  const [overview, ages, leavers, sessions, alarms, states, stops, doubt] = await Promise.all([
    store.overview(),
    store.queueAges(),
    store.unconfirmedLeavers(LEAVERS_MAX),
    store.openSessions(LEAVERS_MAX),
    store.alarms(null),
    readDispatchStates(store),
    readStops(store),
    readClockDoubt(store),
  ]);
  const readings: Reading[] = [
    { name: 'rollcall_build_info', labels: { version }, value: 1 },
    { name: 'rollcall_audit_entries', value: overview.entries },
    { name: 'rollcall_clock_in_doubt', value: doubt === null ? 0 : 1 },
    { name: 'rollcall_leaver_sessions_open', value: sessions.length },
    {
      name: 'rollcall_leaver_oldest_seconds',
      value: leavers.reduce((oldest, { createdAt }) => Math.max(oldest, seconds(createdAt)), 0),
    },
  ];
  if (proof !== null) {
    const age = proof.saidAt === null ? -1 : seconds(proof.saidAt);
    readings.push(
      { name: 'rollcall_audit_checkpoint_age_seconds', value: age },
      { name: 'rollcall_audit_checkpoints_signed', value: proof.log.signs ? 1 : 0 },
    );
  }
  for (const one of overview.connections) {
    const { connection } = one;
    const labels = { connection };
    for (const [stage, value] of Object.entries(one.stages))
      readings.push({ name: 'rollcall_workers', labels: { connection, stage }, value });
    readings.push(
      { name: 'rollcall_holds', labels, value: one.openHolds },
      { name: 'rollcall_suspected', labels, value: one.suspected },
      { name: 'rollcall_rejections', labels, value: one.rejections },
      { name: 'rollcall_last_cycle_refused', labels, value: one.lastCycle?.state === 'refused' ? 1 : 0 },
      {
        name: 'rollcall_leavers_unconfirmed',
        labels,
        value: leavers.filter((leaver) => leaver.connection === connection).length,
      },
    );
    if (one.checkpoint !== null) {
      const since = (await readFeedSince(store, connection)) ?? one.checkpoint.asOf;
      readings.push(
        { name: 'rollcall_feed_read_age_seconds', labels, value: seconds(one.checkpoint.readAt) },
        { name: 'rollcall_feed_age_seconds', labels, value: seconds(since) },
      );
    }
  }
  const failed = new Map<string, number>();
  for (const { target, lane, state, operations } of overview.queue) {
    if (!OPEN.has(state)) continue;
    readings.push({ name: 'rollcall_queue_operations', labels: { target, lane, state }, value: operations });
    if (state === 'failed') failed.set(target, (failed.get(target) ?? 0) + operations);
  }
  for (const { target, lane, oldestAt } of ages)
    readings.push({ name: 'rollcall_queue_oldest_seconds', labels: { target, lane }, value: seconds(oldestAt) });
  const targets = [...house.connections.values()].flatMap((live) => [...live.targets.keys()]);
  for (const target of new Set(targets)) {
    const state = states[target];
    readings.push(
      { name: 'rollcall_failed_operations', labels: { target }, value: failed.get(target) ?? 0 },
      { name: 'rollcall_target_state', labels: { target }, value: state === undefined ? 0 : STATES[state.state] },
    );
  }
  for (const target of Object.keys(stops))
    readings.push({ name: 'rollcall_writes_stopped', labels: { target }, value: 1 });
  for (const [name, same] of Map.groupBy(alarms, ({ connection, code }) => `${connection} ${code}`)) {
    const [connection = '', code = ''] = name.split(' ');
    readings.push({ name: 'rollcall_alarms', labels: { connection, code }, value: same.length });
  }
  return readings;
}
