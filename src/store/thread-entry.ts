// The thread of the store: it owns the one writing connection. Calls that came in one message share a transaction, as calls of
// one turn of the event loop do without it.
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { type Answer, type Call, type Calls, type FromThread, sentError, type ThreadStart } from './border.ts';
import { closeWriting, openWriting } from './writing.ts';

const port = parentPort;
assert(port !== null, 'the thread of the store has a house');
const start = workerData as ThreadStart;
let now: Instant = start.now;

const post = (message: FromThread): void => port.postMessage(message);

let answers: Answer[] = [];
/** Answers of one group leave together: a tick comes after all promises that the group resolved. */
const answer = (one: Answer): void => {
  if (answers.length === 0) {
    process.nextTick(() => {
      post({ kind: 'answers', answers });
      answers = [];
    });
  }
  answers.push(one);
};

try {
  const writing = openWriting({ dir: start.dir, mode: 'write', now: () => now, randomBytes });
  const { writes } = writing;
  writes.writer.onUnknown((error) => post({ kind: 'unknown', error: sentError(error) }));

  const perform = async ({ name, args }: Call): Promise<unknown> => {
    if (name === 'close') return closeWriting(writing);
    return (writes[name] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
  };
  port.on('message', (message: Calls) => {
    now = message.now;
    for (const call of message.calls) {
      perform(call)
        .then(
          (value) => answer({ id: call.id, value }),
          (error: unknown) => answer({ id: call.id, error: sentError(error) }),
        )
        // Also a close that failed is the end: a thread that stayed would keep the process alive.
        .finally(() => {
          if (call.name === 'close') process.nextTick(() => port.close());
        });
    }
  });
  post({ kind: 'open' });
} catch (error) {
  post({ kind: 'refused', error: sentError(error) });
}
