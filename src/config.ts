// Environment strings → frozen Config, all problems at once. Flags of the command line have the last word.
import { join, resolve } from 'node:path';
import { type Fault, Problem } from './base/problem.ts';
import { type TextSetting, textSetting } from './mapping/secret-reference.ts';

export interface Config {
  /** Folder of the connection files. */
  readonly mappingsDir: string;
  /** Folder of the database. */
  readonly stateDir: string;
  /** Folder of the audit's checkpoints. */
  readonly proofDir: string;
  /** Folder of sealed parts of the audit. */
  readonly segmentsDir: string;
  /** After so many days entries of the audit are sealed; null: never. */
  readonly auditKeepDays: number | null;
  /** File of the key that signs them; null: nobody signs. */
  readonly auditKey: string | null;
  /** File that says where alerts go; null: nowhere. */
  readonly alertsFile: string | null;
  readonly logLevel: string;
  /** Where `/healthz` and `/readyz` answer; port 0 lets the system choose. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Files with the certificate (and those between it and the root) and its key, both PEM; null without TLS of our own. */
    readonly tls: { readonly cert: string; readonly key: string } | null;
    /** Whether only a TLS proxy can reach the port. */
    readonly behindProxy: boolean;
    /** What whoever asks for more than health has to bear; '' where only this machine can ask. Never logged. */
    readonly token: string;
    /** What whoever reads the API has to bear, and whoever acts by it; null: nobody may. Never logged. */
    readonly api: { readonly read: TextSetting | null; readonly act: TextSetting | null };
  };
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

/** Explaining, replaying and reporting lean on what happened lately: see pipeline/seal.ts. */
const KEEP_DAYS_MIN = 90;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
/** Shorter ones can be guessed. */
const TOKEN_LENGTH_MIN = 24;

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
  const cert = environment.ROLLCALL_HTTP_TLS_CERT ?? '';
  const key = environment.ROLLCALL_HTTP_TLS_KEY ?? '';
  const tls = cert !== '' && key !== '' ? Object.freeze({ cert: resolve(cert), key: resolve(key) }) : null;
  if ((cert === '') !== (key === '')) {
    faults.push({
      code: 'config.http-tls',
      message: 'a certificate needs its key, and a key its certificate',
      hint: 'ROLLCALL_HTTP_TLS_CERT and ROLLCALL_HTTP_TLS_KEY name PEM files',
    });
  }
  const elsewhere = !LOOPBACK.includes(host);
  if (elsewhere && !behindProxy && tls === null) {
    faults.push({
      code: 'config.http-host',
      message: `the server would listen on ${host}, which other machines may reach without TLS`,
      hint: 'keep 127.0.0.1, name ROLLCALL_HTTP_TLS_CERT and ROLLCALL_HTTP_TLS_KEY, or set ROLLCALL_HTTP_BEHIND_PROXY=true where only a TLS proxy can reach this port',
    });
  }
  const token = environment.ROLLCALL_HTTP_TOKEN ?? '';
  if (token === '' ? elsewhere : token.length < TOKEN_LENGTH_MIN) {
    faults.push({
      code: 'config.http-token',
      message:
        token === ''
          ? `the server would listen on ${host} without a token`
          : `the token is shorter than ${TOKEN_LENGTH_MIN} characters`,
      hint: 'ROLLCALL_HTTP_TOKEN, such as openssl rand -base64 32 makes one; health and webhooks need none',
    });
  }
  const apiToken = (name: string): TextSetting | null => {
    const said = environment[name] ?? '';
    const setting = said === '' ? null : textSetting(said);
    if (said !== '' && setting === null) {
      faults.push({
        code: 'config.api-token',
        message: `${name} is a reference that cannot be read`,
        hint: 'write the token itself, ${env:NAME} or ${file:PATH}',
      });
    }
    return setting;
  };
  const api = Object.freeze({ read: apiToken('ROLLCALL_API_TOKEN'), act: apiToken('ROLLCALL_API_ACT_TOKEN') });
  const portText = setting(flags.port, 'ROLLCALL_HTTP_PORT', '8080');
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) {
    faults.push({
      code: 'config.http-port',
      message: `port ${portText} is no port`,
      hint: 'use a number from 0 to 65535',
    });
  }
  const keep = environment.ROLLCALL_AUDIT_KEEP_DAYS ?? '';
  if (keep !== '' && !(/^\d{1,5}$/.test(keep) && Number(keep) >= KEEP_DAYS_MIN)) {
    faults.push({
      code: 'config.audit-keep',
      message: `the audit cannot be kept for ${keep} days`,
      hint: `ROLLCALL_AUDIT_KEEP_DAYS is a number of at least ${KEEP_DAYS_MIN}; without it entries stay in the database for ever`,
    });
  }
  if (faults.length > 0) throw new Problem(faults);
  const stateDir = resolve(setting(flags.state, 'ROLLCALL_STATE', 'state'));
  const auditKey = environment.ROLLCALL_AUDIT_KEY ?? '';
  return Object.freeze({
    mappingsDir: resolve(setting(flags.mappings, 'ROLLCALL_MAPPINGS', 'mappings')),
    stateDir,
    proofDir: resolve(environment.ROLLCALL_PROOF ?? join(stateDir, 'proof')),
    segmentsDir: resolve(
      environment.ROLLCALL_SEGMENTS ?? join(environment.ROLLCALL_PROOF ?? join(stateDir, 'proof'), 'segments'),
    ),
    auditKeepDays: keep === '' ? null : Number(keep),
    auditKey: auditKey === '' ? null : resolve(auditKey),
    alertsFile: (environment.ROLLCALL_ALERTS ?? '') === '' ? null : resolve(environment.ROLLCALL_ALERTS ?? ''),
    logLevel,
    http: Object.freeze({ host, port, tls, behindProxy, token, api }),
    operator: setting(flags.as, 'ROLLCALL_OPERATOR', ''),
    environment,
  });
}
