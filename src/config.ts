// Environment strings → frozen Config, all problems at once. Flags of the command line have the last word.
import { resolve } from 'node:path';
import { type Fault, Problem } from './base/problem.ts';

export interface Config {
  /** Folder of the connection files. */
  readonly mappingsDir: string;
  /** Folder of the database. */
  readonly stateDir: string;
  readonly logLevel: string;
  /** Where `/healthz` and `/readyz` answer; port 0 lets the system choose. */
  readonly http: { readonly host: string; readonly port: number };
  /** Who acts, where a command does not say `--as`. */
  readonly operator: string;
  /** For secret references; never logged. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Flags {
  readonly mappings?: string | undefined;
  readonly state?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly as?: string | undefined;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** @throws Problem with every fault at once. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>, flags: Flags): Config {
  const faults: Fault[] = [];
  const setting = (flag: string | undefined, name: string, otherwise: string): string =>
    flag ?? environment[name] ?? otherwise;
  const logLevel = setting(flags.logLevel, 'ROLLCALL_LOG_LEVEL', 'info');
  if (!LOG_LEVELS.includes(logLevel)) {
    faults.push({
      code: 'config.log-level',
      message: `log level ${logLevel} is unknown`,
      hint: `use one of ${LOG_LEVELS.join(', ')}`,
    });
  }
  const host = setting(flags.host, 'ROLLCALL_HTTP_HOST', '127.0.0.1');
  const behindProxy = environment.ROLLCALL_HTTP_BEHIND_PROXY === 'true';
  if (!LOOPBACK.includes(host) && !behindProxy) {
    faults.push({
      code: 'config.http-host',
      message: `the server would listen on ${host}, which other machines may reach without TLS`,
      hint: 'keep 127.0.0.1, or set ROLLCALL_HTTP_BEHIND_PROXY=true where only a TLS proxy can reach this port',
    });
  }
  const portText = setting(flags.port, 'ROLLCALL_HTTP_PORT', '8080');
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) {
    faults.push({
      code: 'config.http-port',
      message: `port ${portText} is no port`,
      hint: 'use a number from 0 to 65535',
    });
  }
  if (faults.length > 0) throw new Problem(faults);
  return Object.freeze({
    mappingsDir: resolve(setting(flags.mappings, 'ROLLCALL_MAPPINGS', 'mappings')),
    stateDir: resolve(setting(flags.state, 'ROLLCALL_STATE', 'state')),
    logLevel,
    http: Object.freeze({ host, port }),
    operator: setting(flags.as, 'ROLLCALL_OPERATOR', ''),
    environment,
  });
}
