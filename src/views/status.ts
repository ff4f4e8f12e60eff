// The state of everything in one look, read from the store only: it can be told while connection files are broken.
import type { Instant } from '../base/instant.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import { type ClockDoubt, readClockDoubt } from '../pipeline/clock-watch.ts';
import { type DispatchStates, readDispatchStates } from '../pipeline/dispatch-state.ts';
import { type Delivered, readDelivered, readFeedSince } from '../pipeline/feed-age.ts';
import { readUnmet, type Unmet } from '../pipeline/first-contact.ts';
import { readStops, type Stops } from '../pipeline/stop-writes.ts';
import type { FurtherRead } from '../planning/changeset.ts';
import { type Clock, nowOf } from '../runtime/clock.ts';
import type { HookState, LockHolder, Overview, RaisedAlarm, ShownOperation, Store } from '../store/store.ts';
import { type Aftermath, aftermathOf } from './aftermath.ts';
import { holdJson, inFeedOrder, operationJson, rejectionJson } from './shapes.ts';

const SUSPECTED_SHOWN = 10;

export interface Suspected {
  readonly connection: string;
  readonly worker: string;
  readonly since: Instant;
}

/** A further source as the store knows it. */
export interface Further extends FurtherRead {
  readonly connection: string;
  readonly source: string;
}

export interface Status extends Aftermath {
  readonly at: Instant;
  readonly holder: LockHolder | null;
  readonly overview: Overview;
  readonly suspected: readonly Suspected[];
  /** By connection: since when the feed says what it says. */
  readonly feedSince: ReadonlyMap<string, Instant>;
  /** By connection: the last delivery that was new. */
  readonly delivered: ReadonlyMap<string, Delivered>;
  readonly alarms: readonly RaisedAlarm[];
  readonly further: readonly Further[];
  readonly stops: Stops;
  readonly dispatch: DispatchStates;
  readonly unmet: readonly Unmet[];
  readonly clockDoubt: ClockDoubt | null;
  readonly hooks: readonly HookState[];
  /** What people asked for and nobody has done yet. */
  readonly acts: { readonly count: number; readonly since: Instant | null };
}

/** `holder`: the process that holds the state folder; null where nobody does. */
export async function readStatus(store: Store, holder: LockHolder | null, clock: Clock): Promise<Status> {
  const overview = await store.overview();
  const suspected = await Promise.all(
    overview.connections.map(async ({ connection }) =>
      (await store.suspected(connection, SUSPECTED_SHOWN)).map(({ key, since }) => ({
        connection,
        worker: key,
        since,
      })),
    ),
  );
  return {
    at: nowOf(clock),
    holder,
    overview,
    suspected: suspected.flat(),
    feedSince: await feedsSince(store, overview),
    delivered: await deliveries(store, overview),
    alarms: await store.alarms(null),
    further: await furtherOf(store, overview),
    stops: await readStops(store),
    dispatch: await readDispatchStates(store),
    clockDoubt: await readClockDoubt(store),
    hooks: await store.hooks(null),
    acts: await store.openActs(),
    unmet: (await Promise.all(overview.connections.map((one) => readUnmet(store, one.connection)))).flat(),
    ...(await aftermathOf({ store, clock }, '')),
  };
}

async function deliveries(store: Store, { connections }: Overview): Promise<ReadonlyMap<string, Delivered>> {
  const found = new Map<string, Delivered>();
  for (const { connection } of connections) {
    const delivered = await readDelivered(store, connection);
    if (delivered !== null) found.set(connection, delivered);
  }
  return found;
}

async function furtherOf(store: Store, { connections }: Overview): Promise<readonly Further[]> {
  const lists = await Promise.all(
    connections.map(async ({ connection }) =>
      (await store.furtherSources(connection)).map(({ source, read }) => ({ connection, source, ...read })),
    ),
  );
  return lists.flat();
}

/** Where it was never written down, the delivery that was accepted last speaks for it. */
async function feedsSince(store: Store, { connections }: Overview): Promise<ReadonlyMap<string, Instant>> {
  const feeds = new Map<string, Instant>();
  for (const { connection, checkpoint } of connections) {
    if (checkpoint !== null) feeds.set(connection, (await readFeedSince(store, connection)) ?? checkpoint.asOf);
  }
  return feeds;
}

export const statusJson = (status: Status): object => ({
  at: status.at,
  daemon: status.holder,
  connections: status.overview.connections,
  queue: status.overview.queue,
  auditEntries: status.overview.entries,
  suspected: status.suspected,
  feedSince: Object.fromEntries(status.feedSince),
  delivered: Object.fromEntries(status.delivered),
  alarms: status.alarms,
  furtherSources: status.further.map(({ rejections, ...one }) => ({
    ...one,
    rejections: rejections.map(rejectionJson),
  })),
  unconfirmedLeavers: status.unconfirmedLeavers.map(operationJson),
  openSessions: status.openSessions.map(operationJson),
  failed: status.failed.map(operationJson),
  holds: status.holds.map(holdJson),
  stops: status.stops,
  dispatch: status.dispatch,
  unmetTargets: status.unmet,
  clockDoubt: status.clockDoubt,
  webhooks: status.hooks,
  openActs: status.acts,
  oldestUnconfirmedLeaver: oldestOf(status.unconfirmedLeavers),
});

export const oldestOf = (leavers: readonly ShownOperation[]): Instant | null =>
  leavers.reduce<Instant | null>(
    (first, { createdAt }) => (first === null || createdAt < first ? createdAt : first),
    null,
  );

export interface RejectionsRead {
  /** Of all connections; more than are listed where there are more than was asked for. */
  readonly total: number;
  readonly rejections: readonly { readonly connection: string; readonly rejection: Rejection }[];
}

/** Rejected rows of the last deliveries, at most so many of each connection. */
export async function readRejections(store: Store, limit: number): Promise<RejectionsRead> {
  const { connections } = await store.overview();
  const lists = await Promise.all(
    connections.map(async ({ connection }) =>
      inFeedOrder(await store.rejections(connection, limit)).map((rejection) => ({ connection, rejection })),
    ),
  );
  return { total: connections.reduce((sum, one) => sum + one.rejections, 0), rejections: lists.flat() };
}

export const rejectionsJson = ({ total, rejections }: RejectionsRead): object => ({
  total,
  rejections: rejections.map(({ connection, rejection }) => ({ connection, ...rejectionJson(rejection) })),
});
