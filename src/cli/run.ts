// The daemon: watches, decides, delivers, until it is told to stop.
import { Command } from 'commander';
import { openHouse, runDaemon } from '../daemon.ts';
import { openLog } from '../runtime/log.ts';
import { sessionOf } from './desk.ts';

interface Options {
  readonly host?: string;
  readonly port?: string;
}

export const runDaemonCommand = (): Command =>
  new Command('run')
    .description('run the daemon: schedules, file watching, delivery, /healthz and /readyz')
    .option('--host <address>', 'where to listen (default: 127.0.0.1)')
    .option('--port <port>', 'port; 0 lets the system choose (default: 8080)')
    .action(async (options: Options, command: Command) => {
      const { desk, config } = sessionOf(command, options);
      // A daemon's log is its answer: it belongs on stdout, as containers expect.
      const log = openLog(config.logLevel);
      await using house = await openHouse({ config, mode: 'write', command: 'run', clock: desk.clock, log });
      const daemon = await runDaemon(house, config, desk.stop);
      await daemon.stopped;
    });
