// Log lines are fixed text plus fields. Worker keys, counts and codes may stand in them; names, values and secrets may not.
import { type Logger as PinoLogger, pino } from 'pino';
import { logLines } from './log-lines.ts';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'level'>;

/** Belt and braces: fields of these names never leave, wherever they stand in an object up to three levels deep. */
const NEVER = [
  'token',
  'secret',
  'password',
  'authorization',
  'Authorization',
  'headers',
  'body',
  'payload',
  'personal',
  'record',
  'resource',
  'userName',
  'email',
  'emails',
  'attributes',
];
const REDACTED = NEVER.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

export function openLog(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    redact: { paths: REDACTED, censor: '[redacted]' },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return pino(options, destination ?? logLines());
}

export const silentLog: Logger = pino({ level: 'silent' });
