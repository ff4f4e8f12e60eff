// The log: its end, its proof, and a copy for auditors.
import { Command, Option } from 'commander';
import { EXIT } from '../base/problem.ts';
import type { Entry, EntryFilter } from '../store/store.ts';
import { grouped } from './ago.ts';
import { csvLine } from './csv.ts';
import { sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { entrySentence } from './entry-text.ts';
import { positive, sinceMoment } from './options.ts';
import { answer } from './output.ts';
import { progressOn } from './progress.ts';
import { openState } from './state.ts';
import { table } from './table.ts';

const TAIL = 20;

export function auditCommand(): Command {
  const audit = new Command('audit').description('the log: tail, verify, export');
  audit
    .command('tail')
    .description('the last entries')
    .option('--limit <count>', 'how many', positive, TAIL)
    .option('--worker <id>', 'only of this worker')
    .option('--connection <name>', 'only of this connection')
    .option('--kind <kind...>', 'only of these kinds: decision, result, hold, act, cycle …')
    .action(tail);
  audit
    .command('verify')
    .description('recompute the whole chain: exit 0 when every entry is as it was written')
    .action(verify);
  audit
    .command('export')
    .description('all entries, oldest first, to stdout')
    .addOption(new Option('--format <format>', 'csv or jsonl').choices(['csv', 'jsonl']).default('jsonl'))
    .option('--since <date>', 'from this day (UTC) or instant on')
    .option('--worker <id>', 'only of this worker')
    .option('--connection <name>', 'only of this connection')
    .option('--personal', 'with personal values such as before and after')
    .action(exported);
  return audit;
}

interface FilterOptions {
  readonly worker?: string;
  readonly connection?: string;
  readonly kind?: readonly string[];
  readonly since?: string;
}

const filterOf = ({ worker, connection, kind, since }: FilterOptions): EntryFilter => ({
  ...(worker === undefined ? {} : { workerKey: worker }),
  ...(connection === undefined ? {} : { connection }),
  ...(kind === undefined ? {} : { kinds: kind }),
  ...(since === undefined ? {} : { since: sinceMoment(since) }),
});

async function tail(options: FilterOptions & { readonly limit: number }, command: Command): Promise<void> {
  const session = sessionOf(command);
  await using store = await openState(session, 'read');
  const entries = await store.audit.tail(options.limit, filterOf(options));
  await answer(session, { entries: entries.map(withoutPersonal) }, () =>
    entries.length === 0
      ? ['no entry']
      : table(
          session.desk.out,
          [
            { title: 'NO.', align: 'right' },
            { title: 'AT' },
            { title: 'KIND' },
            { title: 'WORKER' },
            { title: 'BY' },
            { title: 'WHAT', flexible: true },
          ],
          entries.map((entry) => [
            String(entry.seq),
            { text: entry.at, tone: 'dim' },
            entry.kind,
            entry.workerKey ?? '',
            entry.actor,
            entrySentence(entry),
          ]),
        ),
  );
}

async function verify(_options: object, command: Command): Promise<void> {
  const session = sessionOf(command);
  const { desk, json } = session;
  await using store = await openState(session, 'read');
  using progress = progressOn(desk.err, desk.clock, !json);
  const proof = await store.audit.verify((done, total) => progress.show('verify', done, total));
  progress.clear();
  if (!proof.ok) desk.exitCode = EXIT.failed;
  const erased = proof.erased === 0 ? '' : `, personal values of ${grouped(proof.erased)} erased`;
  await answer(session, proof, () => [
    proof.ok
      ? `${grouped(proof.entries)} entries verified${erased}; head ${proof.head}`
      : harmless(
          `BROKEN at entry ${proof.brokenAt}: ${proof.reason}; ${grouped(proof.entries)} entries before it are as they were written`,
        ),
  ]);
}

const CSV_COLUMNS = ['seq', 'at', 'kind', 'connection', 'worker', 'actor', 'body', 'hash', 'previousHash'];

interface ExportOptions extends FilterOptions {
  readonly format: 'csv' | 'jsonl';
  readonly personal?: boolean;
}

async function exported(options: ExportOptions, command: Command): Promise<void> {
  const session = sessionOf(command);
  const { out } = session.desk;
  const personal = options.personal === true;
  const filter = filterOf(options);
  await using store = await openState(session, 'read');
  if (options.format === 'csv') await out.write(csvLine([...CSV_COLUMNS, ...(personal ? ['personal'] : [])]));
  for await (const entries of store.audit.export(filter)) {
    if (out.closed() || session.desk.stop.aborted) return;
    const line = options.format === 'csv' ? csvOf : jsonOf;
    await out.write(entries.map((entry) => line(entry, personal)).join(''));
  }
}

function withoutPersonal({ personal: _, ...entry }: Entry): Omit<Entry, 'personal'> {
  return entry;
}

const jsonOf = (entry: Entry, personal: boolean): string =>
  `${JSON.stringify(personal ? entry : withoutPersonal(entry))}\n`;

function csvOf(entry: Entry, personal: boolean): string {
  const { seq, at, kind, connection, workerKey, actor, body, hash, previousHash } = entry;
  const cells = [
    String(seq),
    at,
    kind,
    connection ?? '',
    workerKey ?? '',
    actor,
    JSON.stringify(body),
    hash,
    previousHash,
  ];
  return csvLine(personal ? [...cells, entry.personal === null ? '' : JSON.stringify(entry.personal)] : cells);
}
