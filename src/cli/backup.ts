// A copy of the state while everything goes on.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { backUp } from '../store/store.ts';
import { grouped } from './ago.ts';
import { sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { answer } from './output.ts';
import { progressOn } from './progress.ts';

export const backupCommand = (): Command =>
  new Command('backup')
    .description('copy the state into one file, while a daemon runs or not')
    .argument('<file>', 'where to; never over another file')
    .action(async (file: string, _options: object, command: Command) => {
      const session = sessionOf(command);
      const { desk, config, json } = session;
      using progress = progressOn(desk.err, desk.clock, !json);
      const backup = await backUp(config.stateDir, resolve(file), (done, total) =>
        progress.show('backup', done, total),
      );
      progress.clear();
      await answer(session, backup, () => [
        harmless(
          `${backup.file}: ${grouped(Math.ceil(backup.bytes / 1_024))} KiB, up to audit entry ${grouped(backup.head.seq)}; its checksum is beside it`,
        ),
        'It holds what HR said of people: keep it as you keep the state folder. The key of the audit and secrets are not in it.',
      ]);
    });
