// Reads connection files as the daemon would and says every fault at once; nothing is contacted without --probe, and nothing is ever written.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { EXIT, type Fault, Problem } from '../base/problem.ts';
import type { Config } from '../config.ts';
import { connectionFiles, loadConnections } from '../connections.ts';
import { type Connection, readConnection, type TargetSettings } from '../mapping/connection-file.ts';
import type { TextSetting } from '../mapping/secret-reference.ts';
import { LIMITS, lowered } from '../planning/limits.ts';
import { sha256 } from '../runtime/hash.ts';
import { PROFILES } from '../targets/scim/profiles.ts';
import { sessionPlan } from '../targets/sessions/session-plan.ts';
import { type Session, sessionOf } from './desk.ts';
import { answer, printFaults } from './output.ts';
import { exitCodeOf, probeConnections, probeLines } from './probe.ts';
import type { Probed } from './probe-hooks.ts';

interface Validated {
  readonly file: string;
  readonly connection: string | null;
  readonly digest: string | null;
  readonly source: string | null;
  readonly targets: readonly { readonly name: string; readonly kind: string; readonly baseUrl: string }[];
  /** Columns that the feed must have. */
  readonly columns: readonly string[];
  readonly faults: readonly Fault[];
  /** What the file asks for and does not get yet, such as a raised limit. */
  readonly notes: readonly Fault[];
  /** What a person should know although nothing is wrong. */
  readonly warnings: readonly Fault[];
}

export const validateCommand = (): Command =>
  new Command('validate')
    .description('check connection files: every fault with line, column and hint')
    .argument('[file...]', 'files or names of connections (default: all of the mappings folder)')
    .option('--probe', 'also try sources, webhooks and targets; reads only, writes nothing')
    .action(async (asked: readonly string[], { probe = false }: { probe?: boolean }, command: Command) => {
      const session = sessionOf(command);
      const { desk, config, json } = session;
      const named = asked.length > 0;
      const files = asked.map((one) => fileOf(one, config));
      const validated = (named ? files : connectionFiles(config)).map(validatedFile);
      const faults = validated.flatMap((one) => one.faults);
      // What only shows when files stand side by side: two connections of one name, an empty folder.
      const together = named || faults.length > 0 ? [] : foldersFaults(() => loadConnections(config));
      if (faults.length + together.length > 0) desk.exitCode = EXIT.usage;
      const good = validated.filter((one) => one.faults.length === 0);
      const probed = probe && desk.exitCode === EXIT.fine ? await probeAll(session, named ? good : null) : [];
      if (desk.exitCode === EXIT.fine) desk.exitCode = exitCodeOf(probed);
      const outcome = {
        ok: desk.exitCode === EXIT.fine,
        files: validated,
        faults: together,
        ...(probe ? { probe: probed } : {}),
      };
      await answer(session, outcome, () => [
        ...good.flatMap(({ file, connection, digest, source, targets, columns, notes, warnings }) => [
          `${file}: ok – connection ${connection}`,
          `  reads  ${source}`,
          `  keeps  ${targets.map(({ name, baseUrl }) => `${name} (${baseUrl})`).join(', ')}`,
          `  needs  ${columns.join(', ')}`,
          ...notes.map(
            ({ message, place }) =>
              `  ${place?.key ?? ''}: ${message}; to allow it: rollcall approve ${digest?.slice(0, 12)} --reason "…"`,
          ),
          ...warnings.map(({ message, place }) => `  ${place?.key ?? ''}: ${message}`),
        ]),
        ...(probed.length === 0 ? [] : ['', ...probeLines(desk.out, probed)]),
      ]);
      if (!json) await printFaults(desk, [...faults, ...together], false);
    });

/** A name stands for the file in which that connection is. */
function fileOf(asked: string, config: Config): string {
  if (/[./\\]/.test(asked) || existsSync(asked)) return asked;
  const found = connectionFiles(config).find((file) => {
    const read = readConnection(file, readFileSync(file, 'utf8'), { sha256 });
    return basename(file).replace(/\.ya?ml$/, '') === asked || ('connection' in read && read.connection.name === asked);
  });
  return found ?? asked;
}

/** @param only null: every connection of the folder. */
async function probeAll(session: Session, only: readonly Validated[] | null): Promise<readonly Probed[]> {
  if (only === null) return probeConnections(session, '');
  const probed: Probed[] = [];
  for (const { connection } of only) probed.push(...(await probeConnections(session, connection ?? '')));
  return probed;
}

function validatedFile(file: string): Validated {
  const nothing: Validated = {
    file,
    connection: null,
    digest: null,
    source: null,
    targets: [],
    columns: [],
    faults: [],
    notes: [],
    warnings: [],
  };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return {
      ...nothing,
      faults: [{ code: 'mapping.unreadable', message: `the file cannot be read (${code})`, place: { file } }],
    };
  }
  const read = readConnection(file, text, { sha256 });
  if ('faults' in read) return { ...nothing, faults: read.faults };
  return found(read.connection);
}

function found(connection: Connection): Validated {
  const { file, name, digest, source, targets } = connection;
  const bound = connection.bind(null);
  return {
    file,
    connection: name,
    digest,
    source: sourceShown(source),
    targets: targets.map((target) => ({ name: target.name, kind: target.kind, baseUrl: settingShown(target.baseUrl) })),
    columns: 'faults' in bound ? [] : bound.mapping.referencedColumns,
    faults: 'faults' in bound ? bound.faults : [],
    notes: lowered(LIMITS, connection.guards, false).notes,
    warnings: targets.flatMap((target, index) => openSessionsOf(target, index, file)),
  };
}

/** A profile knows how sessions end, and the file does not say what that needs. */
function openSessionsOf(target: TargetSettings, index: number, file: string): readonly Fault[] {
  const { revokeSessions: said, profile, baseUrl } = target;
  const literal = (setting: TextSetting): string | null => (setting.kind === 'literal' ? setting.text : null);
  const base = said !== null && 'base' in said ? literal(said.base) : null;
  const plan = sessionPlan({ said, profile: PROFILES[profile], baseUrl: literal(baseUrl), base });
  if (plan.kind === 'call' || plan.why === '') return [];
  return [{ code: 'target.sessions', message: plan.why, place: { file, key: `targets[${index}].revokeSessions` } }];
}

function sourceShown(source: Connection['source']): string {
  if (source.kind === 'http') return `${source.preset} ${settingShown(source.baseUrl)}${source.list.path}`;
  const where =
    source.kind === 'sftp'
      ? `sftp://${settingShown(source.host)}:${source.port}/${source.path}`
      : settingShown(source.path);
  return `${source.format} ${source.content} ${where}`;
}

/** References are shown as they are written, never what they lead to. */
function settingShown(setting: TextSetting): string {
  if (setting.kind === 'literal') return setting.text;
  return setting.kind === 'env' ? `\${env:${setting.name}}` : `\${file:${setting.path}}`;
}

function foldersFaults(load: () => unknown): readonly Fault[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}
