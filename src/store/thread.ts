// The house's end of the store's thread: the same functions that write, as messages. SQLite's work, flushes and checkpoints
// then overlap with everything else and never keep the event loop waiting.
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { type Answer, type Call, type Calls, type FromThread, receivedError, type ThreadStart } from './border.ts';
import { StoreUnknown } from './group-commit.ts';
import type { Writes } from './writes.ts';

/** The same file runs from source and compiled; nothing rewrites the name of a file that is not imported. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './thread-entry.ts' : './thread-entry.js', import.meta.url);

/** What the thread allocates lives for one message: a larger nursery cost 70 MB of memory and saved no time. */
const YOUNG_GENERATION_MB = 16;

/** As many as the writer in the thread queues. */
const CALLS_WAITING_MAX = 100_000;

/** What the thread can be asked for: arguments and answers travel as they are. */
const NAMES = [
  'commit',
  'layOut',
  'putAway',
  'approve',
  'discard',
  'claim',
  'recoverSending',
  'saveGroup',
  'saveContact',
  'addAct',
  'receiveEvent',
  'endEvents',
  'takeActs',
  'finishAct',
  'recoverActs',
  'saveMapping',
  'saveSetting',
  'erase',
  'rekey',
  'seal',
  'rewrite',
  'beginListing',
  'addToListing',
  'showListing',
  'endListing',
] as const satisfies readonly (keyof Writes)[];

export interface WritingThread {
  readonly writes: Writes;
  readonly throwIfUnknown: () => void;
  /** Waits for what is under way, closes the writing connection and ends the thread. */
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Resolves when the database is open. @throws Problem as `openDatabase` does. */
export async function startThread(dir: string, now: () => Instant): Promise<WritingThread> {
  const start: ThreadStart = { dir, now: now() };
  const worker = new Worker(ENTRY, {
    workerData: start,
    name: 'rollcall-store',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const waiting = new Map<number, Waiting>();
  let unknown: StoreUnknown | null = null;
  let calls: Call[] = [];
  let lastId = 0;
  let closing = false;

  /** Nobody can say what became of what was asked: nothing is answered any more. */
  const poison = (error: StoreUnknown): void => {
    unknown ??= error;
  };
  const refuseAll = (error: StoreUnknown): void => {
    poison(error);
    for (const { reject } of waiting.values()) reject(unknown);
    waiting.clear();
  };
  const settle = (answer: Answer): void => {
    const call = waiting.get(answer.id);
    // What a thread that died had still answered may come after everything was refused.
    if (call === undefined && unknown !== null) return;
    assert(call !== undefined, 'the thread of the store answers what it was asked, once');
    waiting.delete(answer.id);
    if ('error' in answer) {
      const error = receivedError(answer.error);
      if (error instanceof StoreUnknown) poison(error);
      call.reject(unknown ?? error);
    } else call.resolve(answer.value as never);
  };

  worker.on('message', (message: FromThread) => {
    if (message.kind === 'open') opened.resolve();
    else if (message.kind === 'refused') opened.reject(receivedError(message.error));
    else if (message.kind === 'unknown') {
      const error = receivedError(message.error);
      assert(error instanceof StoreUnknown, 'the thread of the store says of what it does not know');
      poison(error);
    } else {
      for (const answer of message.answers) settle(answer);
      // A store that somebody forgot to close keeps no process alive; one that is asked something does.
      if (waiting.size === 0 && !closing) worker.unref();
    }
  });
  worker.on('error', (error) => {
    opened.reject(error);
    refuseAll(new StoreUnknown(error));
  });
  worker.on('exit', (code) => {
    const error = new StoreUnknown(new Error(`the thread of the store ended with code ${code}`));
    opened.reject(error);
    if (waiting.size > 0) refuseAll(error);
    else poison(error);
    ended.resolve();
  });

  const send = (): void => {
    const message: Calls = { now: now(), calls };
    calls = [];
    worker.postMessage(message);
  };
  const post = (name: Call['name'], args: readonly unknown[]): Promise<never> =>
    new Promise<never>((resolve, reject) => {
      assert(waiting.size < CALLS_WAITING_MAX, 'writers wait for their commits before they ask for more');
      lastId += 1;
      if (waiting.size === 0) worker.ref();
      waiting.set(lastId, { resolve, reject });
      if (calls.length === 0) setImmediate(send);
      calls.push({ id: lastId, name, args });
    });
  const call = (name: keyof Writes, args: readonly unknown[]): Promise<never> =>
    unknown === null ? post(name, args) : Promise.reject(unknown);

  await opened.promise;
  worker.unref();
  return {
    writes: Object.fromEntries(
      NAMES.map((name) => [name, (...args: readonly unknown[]) => call(name, args)]),
    ) as unknown as Pick<Writes, (typeof NAMES)[number]>,
    throwIfUnknown: () => {
      if (unknown !== null) throw unknown;
    },
    close: async () => {
      closing = true;
      worker.ref();
      // Also a store in doubt is closed in order. A thread that is gone answers by having ended.
      await Promise.race([post('close', []).catch(onlyUnknown), ended.promise]);
      await ended.promise;
    },
  };
}

function onlyUnknown(error: unknown): void {
  if (!(error instanceof StoreUnknown)) throw error;
}
