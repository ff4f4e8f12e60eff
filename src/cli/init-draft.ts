// From a sample to the text of a connection file that passes every check, and what it makes of the sample. Nothing is written here.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { isTimeZone } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import { type Fault, Problem } from '../base/problem.ts';
import type { Config } from '../config.ts';
import { connectionFiles } from '../connections.ts';
import { PROFILE_NAMES, type ProfileName } from '../mapping/account-rules.ts';
import { type Connection, readConnection } from '../mapping/connection-file.ts';
import { type Entry, type Setting, yamlText } from '../mapping/proposal/file-text.ts';
import { type Proposal, propose } from '../mapping/proposal/propose.ts';
import { slug } from '../mapping/slug.ts';
import { suggestion } from '../mapping/suggestion.ts';
import { sha256 } from '../runtime/hash.ts';
import { momentInName } from '../sources/file/file-name.ts';
import { type ReadSample, readSample } from './init-sample.ts';
import { fromTemplate } from './init-template.ts';
import { type Trial, trialOf } from './init-trial.ts';

export interface DraftOptions {
  readonly name?: string;
  readonly target?: string;
  readonly profile?: string;
  readonly timeZone?: string;
  /** A vendor's template in place of a proposal. */
  readonly preset?: string;
}

export interface Draft {
  /** Where the text belongs. */
  readonly file: string;
  readonly connection: Connection;
  readonly text: string;
  readonly doubts: Proposal['doubts'];
  /** Null where a template is taken without one. */
  readonly sample: ReadSample | null;
  readonly trial: Trial | null;
  /** Environment variables that the file refers to. */
  readonly variables: readonly string[];
}

export interface DraftParts {
  readonly now: Instant;
  /** Of this machine, where neither the feed nor the options name one. */
  readonly zoneHere: string;
  readonly signal: AbortSignal;
}

/** @param path the sample; may be left out where a preset is named. @throws Problem */
export async function draftFrom(
  path: string | undefined,
  options: DraftOptions,
  config: Config,
  { now, zoneHere, signal }: DraftParts,
): Promise<Draft> {
  const { name, profile, variable } = checked(path ?? options.preset ?? '', options);
  const file = join(config.mappingsDir, `${name}.yaml`);
  refuseTaken(file, name, config);
  const sample = path === undefined ? null : await readSample(resolve(path), now, signal);
  const { preset } = options;
  const proposal =
    preset !== undefined
      ? fromTemplate(preset, { ...options, name })
      : propose(needed(sample), {
          connection: name,
          source: sourceEntries(needed(sample), relative(config.mappingsDir, resolve(path ?? ''))),
          timeZone: options.timeZone ?? null,
          zoneHere,
          target: {
            profile,
            baseUrl: options.target ?? `\${env:${variable}_URL}`,
            token: `\${env:${variable}_TOKEN}`,
          },
        });
  if ('fault' in proposal) throw new Problem({ ...proposal.fault, place: { file: basename(path ?? '') } });
  const { text, doubts } = proposal;
  // What was proposed passes; what the person said, such as an address, may not.
  const read = readConnection(file, text, { sha256 });
  if ('faults' in read) throw new Problem(read.faults);
  const { connection } = read;
  const trial = sample === null ? null : trialOf(connection, sample, now);
  return { file, connection, text, doubts, sample, trial, variables: variablesIn(text) };
}

function needed(sample: ReadSample | null): ReadSample {
  if (sample !== null) return sample;
  throw new Problem({
    code: 'usage.sample',
    message: 'a sample is missing',
    hint: 'give a file as HR sends it, or --preset NAME for a system with a template',
  });
}

const variablesIn = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/^[^#]*?\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/gm)].map(([, name]) => name ?? '')),
];

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

interface Checked {
  readonly name: string;
  readonly profile: ProfileName;
  /** Beginning of the environment variables for address and token. */
  readonly variable: string;
}

/** @throws Problem with every fault at once. */
function checked(path: string, { name, profile, timeZone }: DraftOptions): Checked {
  const faults: Fault[] = [];
  const said = name ?? nameFrom(basename(path));
  if (!NAME.test(said))
    faults.push({
      code: 'usage.name',
      message: `"${said}" is no name of a connection`,
      hint: 'small letters, digits and hyphens, such as --name acme',
    });
  const kind = profile ?? 'generic';
  if (!(PROFILE_NAMES as readonly string[]).includes(kind))
    faults.push({
      code: 'usage.profile',
      message: `there is no profile ${kind}`,
      hint: suggestion(kind, PROFILE_NAMES),
    });
  if (timeZone !== undefined && !isTimeZone(timeZone))
    faults.push({
      code: 'usage.time-zone',
      message: `"${timeZone}" is no IANA time zone`,
      hint: 'such as Europe/Berlin or UTC',
    });
  if (faults.length > 0) throw new Problem(faults);
  return {
    name: said,
    profile: kind as ProfileName,
    variable: `${said
      .replaceAll('-', '_')
      .replace(/^(?=\d)/, 'C')
      .toUpperCase()}_IDP`,
  };
}

/** `Workers_2026-11-22.csv` is the export of workers. */
function nameFrom(file: string): string {
  const stem = file.replace(/\.[^.]*$/, '').replace(DATE_AND_TIME, '');
  return slug(stem).replaceAll('.', '-').replace(/-+/g, '-').replace(/^-|-$/g, '').slice(0, 40) || 'hr';
}

/** A date as names of files have it, with a time behind it. */
const DATE_AND_TIME = /(?:19|20)\d\d([-_.]?)\d\d\1\d\d(?:[T_ .-]?\d\d[-:_.h]?\d\d(?:[-:_.m]?\d\d)?Z?)?/;

/** @throws Problem where the file, or a connection of this name, is there already. */
function refuseTaken(file: string, name: string, config: Config): void {
  if (existsSync(file))
    throw new Problem({
      code: 'init.exists',
      message: `${file} exists and is not overwritten`,
      hint: 'give another --name, or move the file away',
    });
  if (!existsSync(config.mappingsDir)) return;
  for (const other of connectionFiles(config)) {
    const read = readConnection(other, readFileSync(other, 'utf8'), { sha256 });
    if ('connection' in read && read.connection.name === name)
      throw new Problem({
        code: 'init.exists',
        message: `connection ${name} stands in ${other} already`,
        hint: 'give another --name',
      });
  }
}

/** Fewer than this share of the sample's rows are refused later: a cut export must not be believed. */
const FLOOR_SHARE = 0.8;

function sourceEntries(sample: ReadSample, path: string): readonly Entry[] {
  const { settings, separator, rows, encodingDoubt } = sample;
  const { trailer } = settings.complete;
  const entries: Setting[] = [
    { key: 'kind', value: 'file' },
    { key: 'path', value: yamlText(patternOf(path)), comment: 'relative to this folder' },
    { key: 'format', value: settings.format },
    { key: 'content', value: 'snapshot', comment: 'everybody each time; else delta' },
  ];
  if (settings.encoding !== null) entries.push({ key: 'encoding', value: settings.encoding, unsure: [encodingDoubt] });
  if (separator !== null && separator !== ',') entries.push({ key: 'separator', value: JSON.stringify(separator) });
  if (settings.quote !== '"') entries.push({ key: 'quote', value: JSON.stringify(settings.quote) });
  if (settings.recordPath !== null) entries.push({ key: 'recordPath', value: yamlText(settings.recordPath) });
  if (settings.finalNewline === false)
    entries.push({
      key: 'finalNewline',
      value: 'false',
      unsure: ['the last row has no line end, as in a file that was cut off: ask HR for one'],
    });
  entries.push(
    trailer === undefined
      ? {
          key: 'complete',
          value: `{ minRows: ${Math.max(1, Math.floor(rows * FLOOR_SHARE))} }`,
          comment: 'weak proof; better a marker or a trailer',
        }
      : {
          key: 'complete',
          value: `{ trailer: { pattern: ${JSON.stringify(trailer.pattern)}, countField: ${trailer.countField} } }`,
        },
  );
  return entries;
}

/** The date in the name gives way to `*`: tomorrow's file has another. Signs of patterns become one of any sign. */
function patternOf(path: string): string {
  const parts = path.split(sep);
  const name = (parts.pop() ?? '').replace(/[*?[\]{}]/g, '?');
  const dated = momentInName(name, 'UTC') === null ? name : name.replace(DATE_AND_TIME, '*');
  return [...parts, dated].join('/');
}
