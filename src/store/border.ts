// What crosses the border between the house and the thread of the store: calls, answers, and errors as what they are.

import type { Instant } from '../base/instant.ts';
import { type ExitCode, type Fault, Problem } from '../base/problem.ts';
import { StoreUnknown } from './group-commit.ts';
import { sqliteCode } from './sql.ts';
import type { Writes } from './writes.ts';

/** Where the thread finds its database; handed over when it starts. */
export interface ThreadStart {
  readonly dir: string;
  readonly now: Instant;
}

export interface Call {
  readonly id: number;
  readonly name: keyof Writes | 'close';
  readonly args: readonly unknown[];
}

/** Everything asked for in one turn of the event loop. */
export interface Calls {
  /** The house's time: the thread has no clock of its own. */
  readonly now: Instant;
  readonly calls: readonly Call[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError };

export type FromThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly error: SentError }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Nobody can say what its last commit did, and nobody may have asked for that commit: a sweep. */
  | { readonly kind: 'unknown'; readonly error: SentError };

/** A copied Error keeps neither its class nor its own properties. */
export type SentError =
  | { readonly kind: 'problem'; readonly faults: readonly Fault[]; readonly exitCode: ExitCode }
  | { readonly kind: 'unknown'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'bug';
      readonly name: string;
      readonly code: string;
      readonly message: string;
      readonly stack: string;
    };

export function sentError(error: unknown): SentError {
  if (error instanceof Problem) return { kind: 'problem', faults: error.faults, exitCode: error.exitCode };
  if (error instanceof StoreUnknown) {
    const { cause } = error;
    return {
      kind: 'unknown',
      code: sqliteCode(cause),
      message: cause instanceof Error ? cause.message : String(cause),
    };
  }
  if (!(error instanceof Error)) return { kind: 'bug', name: 'Error', code: '', message: String(error), stack: '' };
  const { name, message, stack = '' } = error;
  return { kind: 'bug', name, code: sqliteCode(error), message, stack };
}

export function receivedError(sent: SentError): Error {
  if (sent.kind === 'problem') return new Problem(sent.faults, sent.exitCode);
  if (sent.kind === 'unknown') return new StoreUnknown(coded(new Error(sent.message), sent.code));
  const error = coded(new Error(sent.message), sent.code);
  error.name = sent.name;
  if (sent.stack !== '') error.stack = sent.stack;
  return error;
}

const coded = (error: Error, code: string): Error => (code === '' ? error : Object.assign(error, { code }));
