// Which connections there are: every file of the mappings folder, or every fault of all of them at once.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { type Fault, Problem } from './base/problem.ts';
import type { Config } from './config.ts';
import { type Connection, readConnection } from './mapping/connection-file.ts';
import { sha256 } from './runtime/hash.ts';

/** Paths of the connection files, in the order of their names. @throws Problem when the folder cannot be read. */
export function connectionFiles(config: Config): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(config.mappingsDir)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
  } catch {
    throw new Problem({
      code: 'mapping.folder',
      message: `the mappings folder ${config.mappingsDir} cannot be read`,
      hint: 'name it with --mappings or ROLLCALL_MAPPINGS; to make one from an export of HR: rollcall init SAMPLE',
    });
  }
  return names.map((name) => join(config.mappingsDir, name));
}

/** Looks whether the file still says what the connection was made of; layout and comments do not count. Null while it does. */
export function fileWatch({ file, digest }: Connection): () => string | null {
  let looked: { readonly text: string | null; readonly says: string | null } = { text: null, says: null };
  const judged = (text: string): string | null => {
    const read = readConnection(file, text, { sha256 });
    if ('faults' in read) return `cannot be used as it stands (${read.faults[0]?.message})`;
    return read.connection.digest === digest ? null : 'says something else';
  };
  return () => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      return 'cannot be read any more';
    }
    // Most looks find the very same text.
    if (text !== looked.text) looked = { text, says: judged(text) };
    return looked.says;
  };
}

/** Reads every connection file of the folder. @throws Problem with all faults of all files at once. */
export function loadConnections(config: Config, only = ''): readonly Connection[] {
  const connections: Connection[] = [];
  const faults: Fault[] = [];
  for (const file of connectionFiles(config)) {
    const result = readConnection(file, readFileSync(file, 'utf8'), { sha256 });
    if ('faults' in result) faults.push(...result.faults);
    else connections.push(result.connection);
  }
  for (const [index, connection] of connections.entries()) {
    const twin = connections.slice(0, index).find((other) => other.name === connection.name);
    if (twin !== undefined) {
      faults.push({
        code: 'mapping.duplicate-connection',
        message: `connection ${connection.name} stands in ${twin.file} as well`,
        hint: 'give each connection a name of its own',
        place: { file: connection.file },
      });
    }
  }
  for (const { file, source } of connections) {
    const changes = source.kind === 'http' ? source.changes?.schedule : undefined;
    for (const [key, cron] of [
      ['source.schedule', source.schedule] as const,
      ['source.changes.schedule', changes] as const,
    ]) {
      if (cron === undefined || validate(cron)) continue;
      faults.push({
        code: 'mapping.schedule',
        message: `${cron} is no cron expression`,
        hint: 'five fields: minute, hour, day of month, month, day of week; such as */5 * * * *',
        place: { file, key },
      });
    }
  }
  // Who asks for one connection is not stopped by another one's faults: a leave must work while a colleague edits a file.
  const found = only !== '' && connections.some(({ name }) => name === only);
  const counting = found
    ? faults.filter(({ place }) => connections.some(({ name, file }) => name === only && file === place?.file))
    : faults;
  if (counting.length > 0) throw new Problem(counting);
  if (connections.length === 0) {
    throw new Problem({
      code: 'mapping.none',
      message: `there is no connection file in ${config.mappingsDir}`,
      hint: 'to make one from an export of HR: rollcall init SAMPLE; one at work: rollcall demo',
    });
  }
  if (only === '') return connections;
  const chosen = connections.filter(({ name }) => name === only);
  if (chosen.length === 0) {
    throw new Problem({
      code: 'connection.unknown',
      message: `there is no connection named ${only}`,
      hint: `connections are ${connections.map(({ name }) => name).join(', ')}`,
    });
  }
  return chosen;
}
