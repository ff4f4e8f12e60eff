// Where log lines go. A disk that is full, or a reader that is gone, loses lines and nothing else: the one who writes them goes on, and
// says how many were lost as soon as somebody hears it.
import { writeSync } from 'node:fs';

/** A reader that does not read for so long is left behind. */
const BUSY_WITHIN_MS = 1_000;
const BUSY_STEP_MS = 10;

export interface LogLines {
  readonly write: (line: string) => void;
}

/** `put` writes what it can of the bytes and says how many; `pause` blocks. */
export function logLines(
  put: (bytes: Buffer) => number = (bytes) => writeSync(1, bytes),
  pause: (ms: number) => void = block,
): LogLines {
  let lost = 0;
  /** What was cut short of the last line: a line that follows it must not grow out of it. */
  let torn = false;
  const through = (text: string): boolean => {
    let bytes = Buffer.from(text);
    for (let waitedMs = 0; bytes.length > 0; ) {
      try {
        const written = put(bytes);
        torn = written < bytes.length;
        bytes = bytes.subarray(written);
      } catch (error) {
        const { code } = error as { readonly code?: unknown };
        if (code !== 'EAGAIN' || waitedMs >= BUSY_WITHIN_MS) return false;
        pause(BUSY_STEP_MS);
        waitedMs += BUSY_STEP_MS;
      }
    }
    return true;
  };
  return {
    write: (line) => {
      const before = torn ? '\n' : '';
      const said =
        lost === 0
          ? ''
          : `${JSON.stringify({ level: 50, code: 'log.lost', lines: lost, msg: 'log lines were lost' })}\n`;
      if (through(`${before}${said}${line}`)) lost = 0;
      else lost += 1;
    },
  };
}

const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
