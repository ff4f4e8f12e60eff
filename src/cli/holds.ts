// What guards hold: the holds, or the items of one.
import { Command } from 'commander';
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Hold } from '../store/store.ts';
import { holdsJson } from '../views/shapes.ts';
import { ago, grouped } from './ago.ts';
import { type Paper, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly items?: number;
}

/** Items of each hold when all holds are listed, and of one hold that was asked for. */
const ITEMS_OF_ALL = 5;
const ITEMS_OF_ONE = 1_000;

export const holdsCommand = (): Command =>
  new Command('holds')
    .description('guard trips with their items; approve or discard releases them')
    .argument('[digest]', 'only this hold, with all its items')
    .option('--items <count>', 'items shown of each hold', positive)
    .action(async (digest: string | undefined, options: Options, command: Command) => {
      const session = sessionOf(command);
      await using store = await openState(session, 'read');
      const wanted = options.items ?? (digest === undefined ? ITEMS_OF_ALL : ITEMS_OF_ONE);
      const holds = await store.holds(null, wanted);
      const chosen = digest === undefined ? holds : holds.filter((hold) => hold.digest.startsWith(digest));
      if (digest !== undefined && chosen.length === 0) {
        throw new Problem({
          code: 'hold.not-present',
          message: `no open hold has the digest ${digest}`,
          hint: 'an amended hold has a new digest: see rollcall holds',
        });
      }
      await answer(session, holdsJson(chosen), () =>
        chosen.length === 0
          ? ['nothing is held']
          : chosen.flatMap((hold, at) => [
              ...(at === 0 ? [] : ['']),
              ...holdPage(session.desk.out, hold, nowOf(session.desk.clock)),
            ]),
      );
    });

/** What to do where it is not true. */
const wrongLine = ({ kind }: Hold): string =>
  kind === 'emergencyLeaver'
    ? 'if nobody sent it: the secret is known to somebody. Put a new one first in verify.secrets, take the old one out, and set it aside'
    : kind === 'feed'
      ? 'if it is wrong: HR delivers again; nothing is to be undone, and the hold goes with the next good delivery'
      : 'if it is wrong: correct the record at HR, or the connection file where that was changed (a daemon reads it when it starts); the hold goes with the next delivery';

function holdPage(paper: Paper, hold: Hold, now: Instant): readonly string[] {
  const word =
    hold.approvedBy !== null
      ? `approved by ${hold.approvedBy}`
      : hold.discardedBy !== null
        ? `set aside by ${hold.discardedBy}`
        : 'waits for a person';
  const rows = hold.items.map(({ harm }) => [
    harm.workerKey,
    harm.target ?? '',
    harm.operation,
    harm.before,
    '→',
    harm.after,
  ]);
  const left = hold.itemCount - hold.items.length;
  return [
    toned(paper, 'bold', harmless(`${hold.connection}  ${hold.kind}  ${grouped(hold.itemCount)} item(s)`)),
    harmless(hold.reason),
    `opened ${ago(hold.openedAt, now)}, amended ${ago(hold.amendedAt, now)}, ${harmless(word)}`,
    `digest ${hold.digest}`,
    ...table(
      paper,
      [
        { title: 'WORKER' },
        { title: 'TARGET' },
        { title: 'WHAT' },
        { title: 'BEFORE', flexible: true },
        { title: '' },
        { title: 'AFTER', flexible: true },
      ],
      rows,
    ).map((line) => `  ${line}`),
    ...(left > 0
      ? [`  and ${grouped(left)} more: rollcall holds ${hold.digest.slice(0, 12)} --items ${hold.itemCount}`]
      : []),
    ...(hold.discardedBy === null ? [wrongLine(hold)] : []),
    `release: rollcall approve ${hold.digest.slice(0, 12)} --reason "…"    set aside: rollcall discard ${hold.digest.slice(0, 12)} --reason "…"`,
  ];
}
