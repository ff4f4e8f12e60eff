// What needs a person, and how everything stands: the answers of `status`, `holds`, `failed` and their like.
import { z } from 'zod';
import { msOf } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import { TRANSITIONS } from '../../lifecycle/operation.ts';
import { readDispatchStates } from '../../pipeline/dispatch-state.ts';
import { groupFailures, readFailures } from '../../pipeline/failures.ts';
import { readReconciliation } from '../../pipeline/reconcile.ts';
import { ALL_TARGETS, readStops } from '../../pipeline/stop-writes.ts';
import { nowOf } from '../../runtime/clock.ts';
import { failedJson } from '../../views/failed.ts';
import { holdsJson, rejectionJson } from '../../views/shapes.ts';
import { readStatus, statusJson } from '../../views/status.ts';
import { type Route, reading } from './route.ts';
import {
  alarms,
  connections,
  cycles,
  feeds,
  holdPage,
  holds,
  queue,
  rejections,
  status,
  targets,
  version,
} from './status-shapes.ts';
import { failed } from './worker-shapes.ts';

export const name = z.string().min(1).max(256);
const PAGE = 100;
const PAGE_MAX = 1_000;
export const limit = z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE).describe('Items of one page.');
export const after = z.coerce.number().int().min(0).default(0).describe('`next` of the page before.');
const ITEMS_OF_ALL = 5;
/** Failures looked at for one answer: a queue of them is replayed in parts as well. */
const FAILURES_LOOKED_AT = 5_000;
const HOLD_DIGEST = /^[0-9a-f]{8,64}$/;

export const LOOK_ROUTES: readonly Route[] = [
  reading('/version', {
    name: 'version',
    about: 'The version that runs.',
    answer: version,
    handle: async (api) => ({ version: api.version, node: process.versions.node }),
  }),
  reading('/status', {
    name: 'status',
    about: 'The state of everything in one look, as `rollcall status --json`.',
    answer: status,
    handle: async ({ house, holder }) => statusJson(await readStatus(house.store, holder, house.clock)),
  }),
  reading('/connections', {
    name: 'connections',
    about: 'Every connection with its stages, its last cycle and the delivery it accepted last.',
    answer: connections,
    handle: async ({ house }) => ({ connections: (await house.store.overview()).connections }),
  }),
  reading('/feeds', {
    name: 'feeds',
    about: 'How old what each feed says is, and when it was read.',
    answer: feeds,
    handle: async ({ house, holder }) => {
      const { at, overview, feedSince, delivered, ...rest } = await readStatus(house.store, holder, house.clock);
      const json = statusJson({ at, overview, feedSince, delivered, ...rest }) as { furtherSources: unknown };
      const seconds = (then: typeof at | undefined): number | null =>
        then === undefined ? null : Math.max(0, (msOf(at) - msOf(then)) / 1_000);
      return {
        at,
        feeds: overview.connections.map(({ connection, checkpoint }) => ({
          connection,
          since: feedSince.get(connection) ?? null,
          ageSeconds: seconds(feedSince.get(connection)),
          readAt: checkpoint?.readAt ?? null,
          readAgeSeconds: seconds(checkpoint?.readAt),
          delivered: delivered.get(connection) ?? null,
        })),
        furtherSources: json.furtherSources,
      };
    },
  }),
  reading('/queue', {
    name: 'queue',
    about: 'What has not ended, by target, lane and state, and how long the oldest of each lane has waited.',
    answer: queue,
    handle: async ({ house }) => {
      const now = msOf(nowOf(house.clock));
      const [depths, ages] = await Promise.all([house.store.queueDepths(), house.store.queueAges()]);
      return {
        queue: depths,
        oldest: ages.map((one) => ({ ...one, seconds: Math.max(0, (now - msOf(one.oldestAt)) / 1_000) })),
      };
    },
  }),
  reading('/targets', {
    name: 'targets',
    about:
      'Every target: whether it works, who stopped its writes, what waits, and what its last reconciliation found.',
    answer: targets,
    handle: async ({ house }) => {
      const { store } = house;
      const [states, stops, depths] = await Promise.all([
        readDispatchStates(store),
        readStops(store),
        store.queueDepths(),
      ]);
      const served = new Map<string, string[]>();
      for (const [connection, live] of house.connections)
        for (const target of live.targets.keys()) served.set(target, [...(served.get(target) ?? []), connection]);
      const sum = (target: string, wanted: readonly string[]): number =>
        depths.reduce(
          (all, one) => all + (one.target === target && wanted.includes(one.state) ? one.operations : 0),
          0,
        );
      return {
        targets: await Promise.all(
          [...served].map(async ([target, connectionNames]) => ({
            target,
            connections: connectionNames,
            dispatch: states[target] ?? null,
            stop: stops[target] ?? null,
            metAt: (await store.contact(target))?.listedAt ?? null,
            waiting: sum(target, ['queued', 'sending', 'accepted']),
            failed: sum(target, ['failed']),
            reconciliation: await readReconciliation(store, target),
          })),
        ),
        stop: stops[ALL_TARGETS] ?? null,
      };
    },
  }),
  reading('/holds', {
    name: 'holds',
    about: 'What guards hold, oldest first, with the first items of each.',
    query: { items: z.coerce.number().int().min(0).max(PAGE_MAX).default(ITEMS_OF_ALL) },
    answer: holds,
    handle: async ({ house }, { query }) => holdsJson(await house.store.holds(null, query.items)),
  }),
  reading('/holds/{digest}', {
    name: 'hold',
    about: 'One hold, with its items page by page.',
    path: { digest: z.string().regex(HOLD_DIGEST).describe('Or its first eight digits or more.') },
    query: { limit, after: z.string().max(64).default('').describe('`next` of the page before.') },
    answer: holdPage,
    handle: async ({ house }, { path, query }) => {
      const found = await house.store.hold(path.digest, query.after, query.limit);
      if (found === null)
        throw new Problem({
          code: 'hold.not-present',
          message: `no open hold has the digest ${path.digest}, or several have`,
          hint: 'an amended hold has a new digest: GET /api/holds',
        });
      const { holds: shown } = holdsJson([found]) as { holds: readonly object[] };
      return {
        hold: shown[0],
        next: found.items.length === query.limit ? (found.items.at(-1)?.digest ?? null) : null,
      };
    },
  }),
  reading('/failed', {
    name: 'failed',
    about: `Failed transitions by cause, leavers first; of more than ${FAILURES_LOOKED_AT} the oldest.`,
    query: {
      connection: name.optional(),
      target: name.optional(),
      worker: name.optional(),
      cause: z
        .string()
        .regex(/^[0-9a-f]{4,8}$/)
        .optional(),
      transition: z.enum(TRANSITIONS).optional(),
      list: z.coerce.number().int().min(1).max(PAGE_MAX).optional().describe('So many of them one by one as well.'),
    },
    answer: failed,
    handle: async ({ house }, { query: { list, ...only } }) => {
      const filter = Object.fromEntries(Object.entries(only).filter(([, value]) => value !== undefined));
      const failures = await readFailures(house.store, filter, nowOf(house.clock), FAILURES_LOOKED_AT);
      return failedJson(failures, groupFailures(failures), list ?? null);
    },
  }),
  reading('/rejections', {
    name: 'rejections',
    about: 'Rejected rows of the last delivery of one connection, each with its reason.',
    query: { connection: name, limit, after },
    answer: rejections,
    handle: async ({ house }, { query }) => {
      const { connection } = query;
      const { connections: all } = await house.store.overview();
      const list = await house.store.rejections(connection, query.limit, query.after);
      return {
        total: all.find((one) => one.connection === connection)?.rejections ?? 0,
        rejections: list.map((one) => ({ connection, ...rejectionJson(one) })),
        next: list.length === query.limit ? query.after + list.length : null,
      };
    },
  }),
  reading('/alarms', {
    name: 'alarms',
    about: 'Alarms that stand, oldest first.',
    answer: alarms,
    handle: async ({ house }) => ({ alarms: await house.store.alarms(null) }),
  }),
  reading('/cycles', {
    name: 'cycles',
    about: 'Looks at feeds and what came of them, newest first.',
    query: {
      connection: name.optional(),
      limit,
      after: z.coerce.number().int().min(1).optional().describe('`next` of the page before.'),
    },
    answer: cycles,
    handle: async ({ house }, { query }) => {
      const list = await house.store.cycles(query.connection ?? null, query.limit, query.after);
      return { cycles: list, next: list.length === query.limit ? (list.at(-1)?.id ?? null) : null };
    },
  }),
];
