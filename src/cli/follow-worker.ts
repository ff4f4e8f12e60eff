// After an act on one worker: waits a moment for delivery and says what was confirmed at each target.
import type { JsonObject } from '../base/json.ts';
import { EXIT } from '../base/problem.ts';
import { startDispatch } from '../pipeline/dispatch.ts';
import type { House } from '../pipeline/house.ts';
import type { ActResult } from '../pipeline/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ShownOperation, Store } from '../store/store.ts';
import type { Follow, Followed } from './act.ts';
import { reasonOf } from './operation-text.ts';
import { openState } from './state.ts';

/** How long a command waits for the target's own answer. */
export const CONFIRM_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 50;
const OPERATIONS_MAX = 100;

interface Watched {
  readonly store: Store;
  readonly clock: Clock;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Delivers, or watches the daemon deliver, what the act has ordered for its worker. */
export const followWorker = (waitMs: number, stop: AbortSignal): Follow => ({
  here: (house, result) => deliverHere(house, result, waitMs, stop),
  there: async (session, result) => {
    await using store = await openState(session, 'read');
    return await watch({ store, clock: session.desk.clock, waitMs, signal: stop }, result);
  },
});

async function deliverHere(house: House, result: ActResult, waitMs: number, stop: AbortSignal): Promise<Followed> {
  const ending = new AbortController();
  const dispatch = startDispatch(house, AbortSignal.any([stop, ending.signal]));
  const stopped = dispatch.stopped.finally(() => ending.abort());
  stopped.catch(() => undefined);
  try {
    await untilSettled(
      { store: house.store, clock: house.clock, waitMs, signal: AbortSignal.any([stop, ending.signal]) },
      result,
    );
  } finally {
    ending.abort();
    await stopped;
  }
  return confirmed(house.store, result);
}

async function watch(watched: Watched, result: ActResult): Promise<Followed> {
  await untilSettled(watched, result);
  return confirmed(watched.store, result);
}

function workerOf({ details }: ActResult): { readonly connection: string; readonly worker: string } {
  return { connection: String(details?.connection ?? ''), worker: String(details?.worker ?? '') };
}

async function openOperations(store: Store, result: ActResult): Promise<readonly ShownOperation[]> {
  const { connection, worker } = workerOf(result);
  return store.operations({
    connection,
    workerKey: worker,
    states: ['queued', 'sending', 'accepted', 'failed'],
    limit: OPERATIONS_MAX,
  });
}

async function untilSettled({ store, clock, waitMs, signal }: Watched, result: ActResult): Promise<void> {
  const untilMs = clock.nowMs() + waitMs;
  while (clock.nowMs() < untilMs && !signal.aborted) {
    const open = await openOperations(store, result);
    if (open.every(({ state }) => state === 'failed')) return;
    await clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** What the targets themselves have said, from the store. */
async function confirmed(store: Store, result: ActResult): Promise<Followed> {
  const { connection, worker } = workerOf(result);
  const open = await openOperations(store, result);
  const situation = (await store.situations(connection, [worker])).get(worker);
  const accounts = situation?.accounts ?? [];
  const lines: string[] = [];
  const json: JsonObject[] = [];
  for (const account of accounts) {
    const waiting = open.filter(({ target }) => target === account.target);
    const state = account.active === null ? 'no account' : account.active ? 'active' : 'inactive';
    json.push({
      target: account.target,
      confirmed: waiting.length === 0,
      active: account.active,
      open: waiting.map(({ kind, state: at }) => `${kind} ${at}`),
    });
    lines.push(
      waiting.length === 0
        ? `  ${account.target}: confirmed, the account is ${state}`
        : `  ${account.target}: ${waiting.some(({ kind }) => kind === 'disable') ? '' : `the account is ${state}, but `}NOT CONFIRMED – ${waiting.map(reasonOf).join('; ')}`,
    );
  }
  if (accounts.length === 0) lines.push('  no target has an account of this worker');
  return {
    lines,
    json: { confirmed: open.length === 0, targets: json },
    exitCode: open.length === 0 ? EXIT.fine : EXIT.failed,
  };
}
