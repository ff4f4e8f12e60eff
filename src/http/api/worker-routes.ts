// Workers: a list, one of them, and why. These answers hold personal values, as the commands' do.
import { z } from 'zod';
import { DEFAULT_POLICY } from '../../lifecycle/policy.ts';
import { explain, explainUnknown } from '../../pipeline/explain.ts';
import { nowOf } from '../../runtime/clock.ts';
import { explanationJson } from '../../views/explain.ts';
import { ambiguous, findWorker, workersNamed } from '../../views/find-worker.ts';
import { workerJson, workerView } from '../../views/worker.ts';
import { delivery, stage } from './basic-shapes.ts';
import { after, limit, name } from './look-routes.ts';
import { type Route, reading } from './route.ts';
import { explanation, worker, workers } from './worker-shapes.ts';

const id = name.describe('The worker’s key as HR writes it, or the id of one of their employments.');
const connection = name.optional().describe('Where several connections know the key.');

export const WORKER_ROUTES: readonly Route[] = [
  reading('/workers', {
    name: 'workers',
    about: 'Workers and where they stand, by connection, stage or delivery.',
    query: { connection: name.optional(), stage: stage.optional(), delivery: delivery.optional(), limit, after },
    answer: workers,
    handle: async ({ house }, { query }) => {
      const { items, next } = await house.store.listWorkers(query.after, query.limit, {
        ...(query.connection === undefined ? {} : { connection: query.connection }),
        ...(query.stage === undefined ? {} : { stage: query.stage }),
        ...(query.delivery === undefined ? {} : { delivery: query.delivery }),
      });
      return { workers: items.map(({ id: _, key, ...one }) => ({ worker: key, ...one })), next };
    },
  }),
  reading('/workers/{id}', {
    name: 'worker',
    about: 'One worker with employments, accounts, operations and the timeline, as `rollcall worker ID --json`.',
    path: { id },
    query: { connection },
    answer: worker,
    handle: async ({ house }, { path, query }) => {
      const found = await findWorker(house.store, path.id, query.connection);
      const policy = house.connections.get(found.connection)?.connection.policy ?? DEFAULT_POLICY;
      return workerJson(await workerView(house.store, found, policy, nowOf(house.clock)));
    },
  }),
  reading('/workers/{id}/explain', {
    name: 'explain',
    about: 'Why, or why nothing happens, as `rollcall explain ID --json`.',
    path: { id },
    query: {
      connection,
      values: z.enum(['true', 'false']).default('false').describe('With every expression and what it gave.'),
    },
    answer: explanation,
    heavy: true,
    handle: async ({ house }, { path, query }) => {
      const { store } = house;
      const now = nowOf(house.clock);
      const found = await workersNamed(store, path.id, query.connection);
      const [only] = found;
      if (found.length > 1) throw ambiguous(path.id, found);
      if (only !== undefined)
        return explanationJson(await explain(store, only.connection, only.situation, now), query.values === 'true');
      const names = (await store.overview()).connections.map((one) => one.connection);
      const asked = names.filter((one) => query.connection === undefined || one === query.connection);
      return explainUnknown(store, path.id, asked, now);
    },
  }),
];
