// Tells that something moved in the feed's folder. A hint only: the schedule looks anyway, so a folder that cannot be watched
// (some network file systems) costs minutes, not deliveries.
import { type FSWatcher, watch } from 'node:fs';

/** Uploads come in bursts of writes; one look after the burst is enough. */
const DEBOUNCE_MS = 250;

export function watchFolder(
  dir: string,
  recursive: boolean,
  wait: (ms: number, signal: AbortSignal) => Promise<void>,
  changed: () => void,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let watcher: FSWatcher;
  try {
    watcher = watch(dir, { persistent: false, recursive });
  } catch {
    return;
  }
  let waiting = false;
  const soon = async (): Promise<void> => {
    if (waiting) return;
    waiting = true;
    try {
      await wait(DEBOUNCE_MS, signal);
    } catch (cause) {
      if (signal.aborted) return;
      throw cause;
    } finally {
      waiting = false;
    }
    if (!signal.aborted) changed();
  };
  watcher.on('change', () => void soon());
  watcher.on('error', () => watcher.close());
  signal.addEventListener('abort', () => watcher.close(), { once: true });
}
