// The house as `plan` sees it: what is stored is read, what must be learnt on the way – a target's listing at first contact –
// stays in memory, and nothing is written anywhere.
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { Problem } from '../base/problem.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import type { House } from '../pipeline/house.ts';
import { nowOf } from '../runtime/clock.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Session } from './desk.ts';

export interface PlanHouse extends AsyncDisposable {
  readonly house: House;
  /** False before the first run: everything is judged as though nothing were known. */
  readonly stored: boolean;
}

export async function openPlanHouse({ config, desk, log }: Session, connection: string): Promise<PlanHouse> {
  const options = { config, connection, clock: desk.clock, log, command: 'plan' };
  await using stack = new AsyncDisposableStack();
  const read = await openHouse({ ...options, mode: 'read' }).catch(onlyMissing);
  if (read === null) {
    const house = stack.use(await openHouse({ ...options, mode: 'memory' }));
    return closing(stack, { ...house, stateDir: tmpdir() }, false);
  }
  stack.use(read);
  const memory = stack.use(
    await openStore({
      dir: '',
      mode: 'memory',
      now: () => nowOf(desk.clock),
      randomBytes: (length) => randomBytes(length),
    }),
  );
  return closing(stack, { ...read, stateDir: tmpdir(), store: learningInMemory(read.store, memory) }, true);
}

function closing(stack: AsyncDisposableStack, house: House, stored: boolean): PlanHouse {
  const parts = stack.move();
  return { house, stored, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function onlyMissing(error: unknown): OpenHouse | null {
  if (error instanceof Problem && error.faults.every(({ code }) => code === 'state.missing')) return null;
  throw error;
}

/** Reads `base`; whatever planning writes goes to `memory`, and a target that was listed there is asked there. */
function learningInMemory(base: Store, memory: Store): Store {
  const listed = new Set<string>();
  const of = (target: string): Store => (listed.has(target) ? memory : base);
  return {
    ...base,
    commit: memory.commit,
    replaceInventory: (target, pages, valuesOf) => {
      listed.add(target);
      return memory.replaceInventory(target, pages, valuesOf);
    },
    inventoryByValues: (target, values) => of(target).inventoryByValues(target, values),
    inventoryNames: (target, names) => of(target).inventoryNames(target, names),
    saveContact: memory.saveContact,
    setting: async (key) => (await memory.setting(key)) ?? base.setting(key),
    contact: async (target) => (await memory.contact(target)) ?? base.contact(target),
  };
}
