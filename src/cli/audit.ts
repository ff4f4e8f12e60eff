// The log: its end, its proof, and a copy for auditors.
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { EXIT } from '../base/problem.ts';
import { keyId, makeSigningKey, type ProofFault, proofFile, readProof, readVerifyKey } from '../runtime/proof.ts';
import type { Entry, EntryFilter, Verification } from '../store/store.ts';
import { sinceMoment } from '../views/report.ts';
import { type ActOptions, carryOut, signed } from './act.ts';
import { grouped } from './ago.ts';
import { auditReportCommand } from './audit-report.ts';
import { segmentLines, verifySegments } from './audit-segments.ts';
import { csvLine } from './csv.ts';
import { sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { entrySentence } from './entry-text.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { progressOn } from './progress.ts';
import { openState } from './state.ts';
import { table } from './table.ts';

const TAIL = 20;

export function auditCommand(): Command {
  const audit = new Command('audit').description('the log: tail, verify, export, report, key');
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
    .description(
      'recompute the whole chain and compare it with the signed checkpoints: exit 0 when all is as it was written',
    )
    .option(
      '--public-key <file...>',
      'checks signatures; several where a key was replaced; default: the key of ROLLCALL_AUDIT_KEY',
    )
    .option('--checkpoints <file>', 'default: checkpoints.jsonl in ROLLCALL_PROOF')
    .option('--segments <dir>', 'sealed parts of the log; default: ROLLCALL_SEGMENTS')
    .action(verify);
  signed(audit.command('seal'))
    .description(
      'move old entries into signed files beside the database (ROLLCALL_SEGMENTS); the chain goes on behind them',
    )
    .requiredOption('--until <date>', 'entries before this day (UTC) or instant')
    .action(sealed);
  audit
    .command('key')
    .description('make a key that signs checkpoints (Ed25519)')
    .argument('<file>', 'where the private key goes')
    .action(makeKey);
  audit
    .command('export')
    .description('all entries, oldest first, to stdout')
    .addOption(new Option('--format <format>', 'csv or jsonl').choices(['csv', 'jsonl']).default('jsonl'))
    .option('--since <date>', 'from this day (UTC) or instant on')
    .option('--worker <id>', 'only of this worker')
    .option('--connection <name>', 'only of this connection')
    .option('--personal', 'with personal values such as before and after')
    .action(exported);
  audit.addCommand(auditReportCommand());
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

async function sealed(options: ActOptions & { readonly until: string }, command: Command): Promise<void> {
  await carryOut(
    command,
    { kind: 'seal', args: { until: sinceMoment(options.until) }, withoutConnections: true },
    options,
  );
}

interface VerifyOptions {
  readonly publicKey?: readonly string[];
  readonly segments?: string;
  readonly checkpoints?: string;
}

async function verify(options: VerifyOptions, command: Command): Promise<void> {
  const session = sessionOf(command);
  const { desk, json, config } = session;
  const keyFiles = options.publicKey ?? (config.auditKey === null ? [] : [config.auditKey]);
  const keys = keyFiles.map(readVerifyKey);
  const file = options.checkpoints ?? proofFile(config.proofDir);
  const said = readProof(existsSync(file) ? readFileSync(file, 'utf8') : '', keys);
  await using store = await openState(session, 'read');
  const marks = new Map(said.points.filter(({ seq }) => seq > 0).map(({ seq, hash }) => [seq, hash]));
  using progress = progressOn(desk.err, desk.clock, !json);
  const proof = await store.audit.verify((done, total) => progress.show('verify', done, total), marks);
  const dir = resolve(options.segments ?? config.segmentsDir);
  const segments = await verifySegments(dir, await store.segments(), keys, marks);
  progress.clear();
  const ok = proof.ok && said.faults.length === 0 && segments.faults.length === 0;
  if (!ok) desk.exitCode = EXIT.failed;
  const last = said.points.at(-1) ?? null;
  const checkpoints = {
    file,
    count: said.points.length,
    signed: said.points.filter(({ signed }) => signed).length,
    checked: keys.length === 0 ? null : keys.map(keyId).join(', '),
    last: last === null ? null : { seq: last.seq, at: last.at },
    faults: said.faults,
  };
  await answer(session, { ...proof, ok, checkpoints, segments }, () => [
    ...chainLines(proof),
    ...segmentLines(segments),
    ...checkpointLines(checkpoints),
  ]);
}

/** Faults named one by one. */
const FAULTS_SHOWN = 20;

function chainLines(proof: Verification): readonly string[] {
  const erased = proof.erased === 0 ? '' : `, personal values of ${grouped(proof.erased)} erased`;
  const sealed = proof.sealed ?? 0;
  const behind = sealed === 0 ? '' : ` behind the sealed entry ${grouped(sealed)}`;
  if (proof.ok) return [`${grouped(proof.entries - sealed)} entries verified${behind}${erased}; head ${proof.head}`];
  const more = proof.faults.length - FAULTS_SHOWN;
  return [
    harmless(
      `BROKEN at entry ${proof.brokenAt}: ${proof.reason}; ${grouped(proof.entries)} entries before it are as they were written`,
    ),
    ...proof.faults.slice(1, FAULTS_SHOWN).map(({ seq, reason }) => harmless(`  entry ${seq}: ${reason}`)),
    ...(more > 0 ? [`  and ${grouped(more)} more places`] : []),
  ];
}

interface CheckpointsView {
  readonly file: string;
  readonly count: number;
  readonly signed: number;
  readonly checked: string | null;
  readonly last: { readonly seq: number; readonly at: string } | null;
  readonly faults: readonly ProofFault[];
}

const EARLIER_KEY =
  'an earlier key may have signed them: give the public keys of both, rollcall audit verify --public-key FILE FILE';

function checkpointLines({ file, count, signed, checked, last, faults }: CheckpointsView): readonly string[] {
  if (count === 0)
    return [harmless(`no checkpoints in ${file}: the chain alone cannot show that it was rewritten whole`)];
  const by =
    checked === null
      ? `${grouped(signed)} of them signed, NOT CHECKED: give --public-key FILE`
      : `signatures of key ${checked} checked`;
  return [
    ...faults
      .slice(0, FAULTS_SHOWN)
      .map(({ line, reason }) => harmless(`BROKEN checkpoint in line ${line}: ${reason}`)),
    ...(faults.length > FAULTS_SHOWN ? [`  and ${grouped(faults.length - FAULTS_SHOWN)} more`] : []),
    ...(faults.some(({ reason }) => reason.startsWith('its signature')) ? [EARLIER_KEY] : []),
    `${grouped(count)} checkpoint(s), ${by}; the last one is of entry ${grouped(last?.seq ?? 0)} at ${last?.at ?? ''}`,
  ];
}

async function makeKey(file: string, _options: object, command: Command): Promise<void> {
  const session = sessionOf(command);
  const key = makeSigningKey(resolve(file));
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
  await answer(session, { key: keyId(key), file: resolve(file), publicKey }, () => [
    `key ${keyId(key)} is in ${file}; only its owner can read it. Keep it outside the state folder and set ROLLCALL_AUDIT_KEY.`,
    'Auditors check signatures with this public key:',
    ...publicKey.trimEnd().split('\n'),
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
