// A command asks the process that holds the state folder, or acts in its place. One that is just starting has the lock before it has a
// name, and a name before it has a database: whoever meets it then waits a moment and asks it after all.
import { Problem } from '../base/problem.ts';
import { type LockHolder, lockHolder, type Store } from '../store/store.ts';
import type { Session } from './desk.ts';
import { openState } from './state.ts';

/** A process writes its name as soon as it has the lock. */
const NAMED_WITHIN_MS = 2_000;
/** A start brings an older database up to date first. */
const OPENED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;

const NOT_OPEN_YET: ReadonlySet<string> = new Set(['state.missing', 'state.older']);

export interface Ways<T> {
  readonly beside: (holder: LockHolder) => Promise<T>;
  /** Takes the lock before it does anything else. */
  readonly here: () => Promise<T>;
}

/** @throws Problem `state.locked` where somebody has the lock who does not say who they are. */
export async function besideOrHere<T>(session: Session, { beside, here }: Ways<T>): Promise<T> {
  const holder = await lockHolder(session.config.stateDir);
  if (holder !== null) return beside(holder);
  try {
    return await here();
  } catch (error) {
    if (!isOneOf(error, LOCKED)) throw error;
    const faster = await within(session, NAMED_WITHIN_MS, () => lockHolder(session.config.stateDir));
    if (faster === null) throw error;
    return beside(faster);
  }
}

/** The store beside its holder. @throws Problem of the store once the holder has had its time to open it. */
export async function openBeside(session: Session): Promise<Store> {
  let why: unknown = null;
  const store = await within(session, OPENED_WITHIN_MS, async () => {
    try {
      return await openState(session, 'guest');
    } catch (error) {
      if (!isOneOf(error, NOT_OPEN_YET)) throw error;
      why = error;
      return null;
    }
  });
  if (store === null) throw why;
  return store;
}

const LOCKED: ReadonlySet<string> = new Set(['state.locked']);
const isOneOf = (error: unknown, codes: ReadonlySet<string>): boolean =>
  error instanceof Problem && error.faults.some(({ code }) => codes.has(code));

/** Null where nothing was found in this time. */
async function within<T>({ desk }: Session, ms: number, look: () => Promise<T | null>): Promise<T | null> {
  const untilMs = desk.clock.nowMs() + ms;
  for (;;) {
    const found = await look();
    if (found !== null || desk.stop.aborted || desk.clock.nowMs() >= untilMs) return found;
    await desk.clock.wait(LOOK_EVERY_MS, desk.stop);
  }
}
