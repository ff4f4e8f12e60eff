// A failure that nobody can mend now is set aside: with an owner, a reason and an end. It comes back by itself.
import { Command } from 'commander';
import { EXIT, Problem } from '../base/problem.ts';
import { readFailures, SKIP_HOURS, SKIP_HOURS_MAX } from '../pipeline/failures.ts';
import { REPLAYED_TOGETHER_MAX } from '../pipeline/replay.ts';
import { nowOf } from '../runtime/clock.ts';
import { type ActOptions, carryOut, signed } from './act.ts';
import { sessionOf } from './desk.ts';
import { type FilterOptions, filterOf, saysWhich, withFilter } from './failure-filter.ts';
import { operationId, positive } from './options.ts';
import { openState } from './state.ts';

interface Options extends ActOptions, FilterOptions {
  readonly hours: number;
}

export const skipCommand = (): Command =>
  signed(withFilter(new Command('skip')))
    .description('set failed transitions aside until then, or until the record or the mapping changes')
    .argument('[operations...]', 'ids of failed operations, as rollcall failed --list names them', operationId)
    .option(
      '--hours <count>',
      `for how long, at most ${SKIP_HOURS_MAX}; 168 where a leaver is among them`,
      positive,
      SKIP_HOURS,
    )
    .action(async (ids: readonly number[], options: Options, command: Command) => {
      const session = sessionOf(command, { as: options.as });
      const filter = filterOf(options, ids);
      if (!saysWhich(filter)) {
        throw new Problem({
          code: 'usage.which',
          message: 'skip needs to know which failures',
          hint: 'give ids or --cause: see rollcall failed',
        });
      }
      const failures = await chosen(session, filter);
      if (failures.length > REPLAYED_TOGETHER_MAX) {
        throw new Problem({
          code: 'usage.too-many',
          message: `${failures.length} failures at once; skip takes ${REPLAYED_TOGETHER_MAX}`,
          hint: 'what fails for so many is to be mended, or narrowed with --worker or ids',
        });
      }
      if (failures.length === 0) {
        throw new Problem({ code: 'act.not-failed', message: 'nothing has failed that fits' }, EXIT.failed);
      }
      const operations = failures.map(({ operation }) => operation.id);
      await carryOut(command, { kind: 'skip', args: { operations, hours: options.hours } }, options);
    });

async function chosen(session: ReturnType<typeof sessionOf>, filter: ReturnType<typeof filterOf>) {
  await using store = await openState(session, 'read');
  return readFailures(store, filter, nowOf(session.desk.clock));
}
