// Releases what a hold holds; without a daemon the feed is read again at once, so that the release takes effect.
import { Command } from 'commander';
import type { JsonObject } from '../base/json.ts';
import { EXIT } from '../base/problem.ts';
import { type ActOptions, carryOut, type Followed, signed } from './act.ts';
import { deskOf } from './desk.ts';
import { CONFIRM_WAIT_MS } from './follow-worker.ts';
import { positive, seconds } from './options.ts';
import { syncOnce } from './sync-once.ts';
import { syncJson, syncLines, viewOf } from './sync-report.ts';

interface Options extends ActOptions {
  readonly hours?: number;
  readonly wait: number;
}

const MISTAKE =
  'approved by mistake? What has not left yet: rollcall stop-writes --reason "…". What has: HR’s next delivery that says otherwise gives it back';

export const approveCommand = (): Command =>
  signed(new Command('approve'))
    .description('release the items of a hold, as far as they are still what HR says')
    .argument('<digest>', 'the hold’s digest, or its first 8 characters or more (see rollcall holds)')
    .option('--hours <hours>', 'how long the approval stands (default: 4)', positive)
    .option('--wait <seconds>', 'how long to wait for delivery', seconds, CONFIRM_WAIT_MS / 1_000)
    .action(async (digest: string, options: Options, command: Command) => {
      const desk = deskOf(command);
      const args = { digest, ...(options.hours === undefined ? {} : { hours: options.hours }) };
      await carryOut(command, { kind: 'approve', args }, options, {
        here: async (house, result): Promise<Followed> => {
          const connection = String(result.details?.connection ?? '');
          const waitMs = options.wait * 1_000;
          const synced = await syncOnce(house, { connection, waitMs, actor: 'feed', signal: desk.stop });
          const view = viewOf(synced);
          return {
            lines: ['', ...syncLines(desk.out, view), '', MISTAKE],
            json: { sync: syncJson(view) as JsonObject },
            exitCode: view.exitCode,
          };
        },
        there: async () => ({
          lines: ['  the daemon judges it now: see rollcall status', MISTAKE],
          json: {},
          exitCode: EXIT.fine,
        }),
      });
    });
