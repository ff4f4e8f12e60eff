// An SFTP source over a real server, under a clock that a test holds.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { instantOfMs } from '../../src/base/instant.ts';
import { hostKeyPin } from '../../src/mapping/host-key.ts';
import { type SftpSourceSettings, sftpSource } from '../../src/sources/sftp/sftp-source.ts';
import type { Delivery, Look, Source } from '../../src/sources/source.ts';
import { LATER } from './feed-folder.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import type { SftpServer } from './sftp-server.ts';

export const PASSWORD = 'correct horse';

export interface SftpDesk {
  readonly source: Source;
  readonly clock: HeldClock;
  readonly look: (signal?: AbortSignal) => Promise<Look>;
  /** The delivery, after as many looks as stillness takes. */
  readonly delivery: () => Promise<Delivery>;
  /** The text of what is delivered. */
  readonly rows: () => Promise<readonly unknown[]>;
  /** Names in the state folder: copies have none. */
  readonly left: () => readonly string[];
}

export function sftpDesk(server: SftpServer, changes: Partial<SftpSourceSettings> = {}): SftpDesk {
  const stateDir = mkdtempSync(join(tmpdir(), 'rollcall-sftp-'));
  const clock = heldClock(LATER);
  const pin = hostKeyPin(server.fingerprint);
  if (pin === null) throw new Error('the server has no fingerprint');
  const source = sftpSource(
    {
      path: 'out/workers*',
      format: 'csv',
      content: 'snapshot',
      encoding: null,
      separator: null,
      quote: '"',
      recordPath: null,
      complete: {},
      timeZone: 'Europe/Berlin',
      stableMs: 2_000,
      maxBytes: 10_000_000,
      access: {
        host: '127.0.0.1',
        port: server.port,
        user: 'rollcall',
        auth: { kind: 'password', password: () => PASSWORD },
        hostKeys: [pin],
        timeoutMs: 30_000,
      },
      ...changes,
    },
    { now: clock.nowMs, wait: clock.wait, stateDir },
  );
  onTestFinished(async () => {
    await source.close?.();
    rmSync(stateDir, { recursive: true, force: true });
  });
  const never = new AbortController().signal;
  const desk: SftpDesk = {
    source,
    clock,
    look: (signal = never) => source.look(instantOfMs(clock.nowMs()), signal),
    delivery: async () => {
      for (let turn = 0; turn < 3; turn++) {
        const look = await desk.look();
        if (look.kind === 'delivery') return look.delivery;
        if (look.kind === 'nothing') throw new Error(look.reason);
        clock.advance(look.retryAfterMs);
      }
      throw new Error('never ready');
    },
    rows: async () => {
      await using delivery = await desk.delivery();
      await delivery.scan({ size: 0, indexOf: () => -1 }, never);
      const rows: unknown[] = [];
      for await (const batch of delivery.read(new Set(), never))
        rows.push(...batch.map(({ record }) => ({ ...record })));
      return rows;
    },
    left: () => readdirSync(stateDir),
  };
  return desk;
}
