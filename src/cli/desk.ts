// What a command works with besides the house: settings, the terminal, the clock, the signal to stop, and its exit code.
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../base/problem.ts';
import { type Config, type Flags, readConfig } from '../config.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type Logger, openLog, silentLog } from '../runtime/log.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command line runs in: the process itself, unless somebody runs it inside a process of theirs. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly once: (signal: 'SIGINT' | 'SIGTERM', stop: () => void) => unknown;
  /** The system's unless somebody holds it. */
  readonly clock?: Clock;
}

/** `isTTY` and `columns` as a terminal has them. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** One of the outputs. */
export interface Paper {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Columns of the terminal; null where there is none. */
  readonly width: number | null;
  /** Resolves when more may be written. What is written after the reader has gone is dropped. */
  readonly write: (text: string) => Promise<void>;
  /** True once the reader has gone (`| head`). */
  readonly closed: () => boolean;
}

export interface Desk {
  readonly environment: Environment;
  readonly out: Paper;
  readonly err: Paper;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM; the second one ends the process. */
  readonly stop: AbortSignal;
  readonly osUser: string;
  /** The command's last word. */
  exitCode: ExitCode;
}

const desks = new WeakMap<Command, Desk>();

/** Every command finds the desk through its program. */
export const seat = (program: Command, desk: Desk): void => void desks.set(program, desk);

export function deskOf(command: Command): Desk {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const desk = desks.get(at);
    if (desk !== undefined) return desk;
  }
  throw new Error('bug: the command belongs to no program');
}

export interface Session {
  readonly desk: Desk;
  readonly config: Config;
  readonly json: boolean;
  /** Silent unless somebody asked for a level; never on stdout, which belongs to the command's answer. */
  readonly log: Logger;
}

interface GlobalOptions {
  readonly mappings?: string;
  readonly state?: string;
  readonly json?: boolean;
  readonly logLevel?: string;
}

/** Settings of one run: flags first, then `ROLLCALL_*`. @throws Problem with every fault at once. */
export function sessionOf(command: Command, more: Pick<Flags, 'host' | 'port' | 'as'> = {}): Session {
  const desk = deskOf(command);
  const { mappings, state, json, logLevel } = command.optsWithGlobals<GlobalOptions>();
  const config = readConfig(desk.environment, { mappings, state, logLevel, ...more });
  const asked = logLevel ?? desk.environment.ROLLCALL_LOG_LEVEL;
  const log =
    asked === undefined ? silentLog : openLog(config.logLevel, { write: (line) => void desk.err.write(line) });
  return { desk, config, json: json === true, log };
}

export function openDesk(environment: Environment, surroundings: Surroundings): Desk {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  surroundings.once('SIGINT', stop);
  surroundings.once('SIGTERM', stop);
  return {
    environment,
    out: paperOf(surroundings.stdout, environment),
    err: paperOf(surroundings.stderr, environment),
    clock: surroundings.clock ?? systemClock,
    stop: stopping.signal,
    osUser: osUserName(),
    exitCode: EXIT.fine,
  };
}

function paperOf(stream: Output, environment: Environment): Paper {
  let gone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    gone = true;
  });
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    // https://no-color.org: any value that is not empty.
    colour: isTerminal && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb',
    // Some terminals do not know their width and say 0.
    width: isTerminal && (stream.columns ?? 0) > 0 ? (stream.columns ?? null) : null,
    write: (text) =>
      new Promise((done) => {
        if (gone || stream.write(text)) done();
        else {
          // Without a reader no drain ever comes.
          const go = (): void => {
            stream.off('drain', go).off('close', go).off('error', go);
            done();
          };
          stream.once('drain', go).once('close', go).once('error', go);
        }
      }),
    closed: () => gone,
  };
}

/** Containers may run under a user id that has no name. */
function osUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
