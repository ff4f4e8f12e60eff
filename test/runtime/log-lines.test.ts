import { describe, expect, it } from 'vitest';
import { logLines } from '../../src/runtime/log-lines.ts';

const failing = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'write' });

/** A place for lines that takes so many bytes and then fails as it is told. */
function place(code: string) {
  const kept: Buffer[] = [];
  let room = Number.MAX_SAFE_INTEGER;
  let pauses = 0;
  const lines = logLines(
    (bytes) => {
      if (room === 0) throw failing(code);
      const taken = bytes.subarray(0, room);
      room -= taken.length;
      kept.push(Buffer.from(taken));
      return taken.length;
    },
    () => {
      pauses += 1;
    },
  );
  return {
    lines,
    text: () => Buffer.concat(kept).toString(),
    leave: (bytes: number) => {
      room = bytes;
    },
    pauses: () => pauses,
  };
}

describe('log lines', () => {
  it.each(['ENOSPC', 'EPIPE', 'EIO'])('are lost where the place fails (%s), and nobody dies or waits of it', (code) => {
    const { lines, text, leave, pauses } = place(code);
    lines.write('{"a":1}\n');
    leave(4);
    lines.write('{"b":2}\n');
    lines.write('{"c":3}\n');
    expect(text()).toBe('{"a":1}\n{"b"');
    leave(1_000);
    lines.write('{"d":"ö"}\n');
    expect(text()).toBe(
      '{"a":1}\n{"b"\n{"level":50,"code":"log.lost","lines":2,"msg":"log lines were lost"}\n{"d":"ö"}\n',
    );
    lines.write('{"e":5}\n');
    expect(text().split('\n').at(-2)).toBe('{"e":5}');
    expect(pauses()).toBe(0);
  });

  it('wait a second for a reader that is slow, and no longer', () => {
    const { lines, leave, pauses } = place('EAGAIN');
    leave(0);
    lines.write('{"a":1}\n');
    expect(pauses()).toBe(100);
  });
});
