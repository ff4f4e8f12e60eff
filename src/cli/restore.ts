// A backup comes back: only without a daemon, signed like every act, and what was there before is set aside.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { openHouse } from '../daemon.ts';
import { setProofAside } from '../pipeline/proof.ts';
import { nowOf } from '../runtime/clock.ts';
import { acquireLock, restore } from '../store/store.ts';
import { type ActOptions, signed, signedAct } from './act.ts';
import { grouped } from './ago.ts';
import { sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { answer } from './output.ts';

export const restoreCommand = (): Command =>
  signed(new Command('restore'))
    .description('put a backup in the place of the state; targets are read before anything is written to them')
    .argument('<file>', 'what rollcall backup has written')
    .action(async (file: string, options: ActOptions, command: Command) => {
      const session = sessionOf(command, { as: options.as });
      const { config, desk, log } = session;
      const act = signedAct(session, { kind: 'restore', args: {} }, options);
      const now = nowOf(desk.clock);
      const holder = { pid: process.pid, host: hostname(), command: 'restore', since: now };
      const lock = await acquireLock(config.stateDir, holder);
      let restored: Awaited<ReturnType<typeof restore>>;
      let checkpoints: string | null;
      try {
        restored = await restore(config.stateDir, resolve(file), now);
        checkpoints = setProofAside(config.proofDir, now);
      } finally {
        await lock.release();
      }
      await using house = await openHouse({
        config,
        mode: 'write',
        command: 'restore',
        clock: desk.clock,
        log,
        withoutConnections: true,
      });
      const { by, reason, osUser, channel } = act;
      await house.store.commit({
        connection: '',
        at: now,
        // Another history begins here: checkpoints of the one before speak of entries that are gone.
        settings: { 'audit.instance': null },
        entries: [
          {
            kind: 'act',
            connection: null,
            workerKey: null,
            actor: `operator:${by}`,
            body: {
              act: 'restore',
              reason,
              osUser,
              channel,
              sha256: restored.sha256,
              upTo: restored.head.seq,
              checkpoints,
            },
          },
        ],
      });
      await answer(session, { ...restored, checkpoints }, () => [
        harmless(`restored up to audit entry ${grouped(restored.head.seq)} from ${restored.file}`),
        ...(restored.aside === null ? [] : [harmless(`what was there before is ${restored.aside}`)]),
        ...(checkpoints === null ? [] : [harmless(`the checkpoints of what was there before are ${checkpoints}`)]),
        'The next run lists every target before it plans anything there, and looks up what was on its way before it writes.',
      ]);
    });
