// Everything the demo needs, in one temporary folder: a copy of the mapping, today's sample feed, a state folder, the embedded
// endpoint and the open house. Disposing it closes all of that and removes the folder.
import { randomBytes } from 'node:crypto';
import { copyFileSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayIn } from '../base/calendar-date.ts';
import { type Config, readConfig } from '../config.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import { type Clock, nowOf } from '../runtime/clock.ts';
import { openLog } from '../runtime/log.ts';
import { type EmbeddedEndpoint, startEmbeddedEndpoint } from './endpoint.ts';
import { sampleFeed } from './sample-feed.ts';

/** Lies beside `src` in a checkout, beside `dist` in a package and an image. */
const DEMO_MAPPING = join(import.meta.dirname, '..', '..', 'mappings', 'demo', 'demo.yaml');
export const DEMO_CONNECTION = 'demo';
export const DEMO_TARGET = 'idp';
const HEADQUARTERS_ZONE = 'Europe/Berlin';
const TOKEN_BYTES = 24;

export interface DemoHouse extends AsyncDisposable {
  readonly folder: string;
  readonly feedPath: string;
  /** Read by a shell with `.`: whatever a second terminal needs to reach this demo. */
  readonly environmentPath: string;
  readonly logPath: string;
  readonly token: string;
  readonly config: Config;
  readonly endpoint: EmbeddedEndpoint;
  readonly house: OpenHouse;
}

export interface DemoOptions {
  /** Where health answers; undefined takes the usual one. */
  readonly port?: string | undefined;
  /** Leaves the folder behind. */
  readonly keep: boolean;
  readonly clock: Clock;
  /** Who acts, for commands of a second terminal. */
  readonly operator: string;
}

export async function openDemo(options: DemoOptions): Promise<DemoHouse> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-demo-'));
  if (!options.keep) stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [mappings, state] = [join(folder, 'mappings'), join(folder, 'state')];
  const feedPath = join(mappings, 'workers.csv');
  mkdirSync(mappings);
  mkdirSync(state);
  copyFileSync(DEMO_MAPPING, join(mappings, 'demo.yaml'));
  writeFileSync(feedPath, sampleFeed(dayIn(nowOf(options.clock), HEADQUARTERS_ZONE)));

  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const endpoint = stack.use(await startEmbeddedEndpoint({ host: '127.0.0.1', port: 0, token }));
  const environment = { ROLLCALL_DEMO_URL: endpoint.url, ROLLCALL_DEMO_TOKEN: token };
  const environmentPath = join(folder, 'env');
  const settings = { ROLLCALL_MAPPINGS: mappings, ROLLCALL_STATE: state, ROLLCALL_OPERATOR: options.operator };
  const exported = exportsOf({ ...environment, ...settings, ROLLCALL_FEED: feedPath });
  writeFileSync(environmentPath, exported, { mode: 0o600 });

  const logPath = join(folder, 'rollcall.log');
  const logFile = createWriteStream(logPath);
  stack.defer(() => new Promise<void>((done) => logFile.end(done)));
  const config = readConfig(environment, { mappings, state, port: options.port });
  const log = openLog(config.logLevel, { write: (line) => void logFile.write(line) });
  const house = stack.use(await openHouse({ config, log, clock: options.clock, mode: 'write', command: 'demo' }));
  const parts = stack.move();
  return {
    folder,
    feedPath,
    environmentPath,
    logPath,
    token,
    config,
    endpoint,
    house,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Values of ours hold no quote; a folder's name may. */
const exportsOf = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
