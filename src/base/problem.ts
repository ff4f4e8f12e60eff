// What a person can fix. Three kinds of wrong exist: an outcome is a value, a Problem is for people, the rest is a bug.

/** Where the fault stands; every part that is known is named. Lines, columns and records count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly record?: number;
  /** Dotted path of a key in a connection file, or a column of a feed. */
  readonly key?: string;
}

export interface Fault {
  /** Stable, for scripts and the runbook: `mapping.unknown-key`, `feed.unclosed-quote` … */
  readonly code: string;
  /** One sentence, no personal values, no secrets. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly place?: Place;
}

/** Exit codes of the command line (design section 9). */
export const EXIT = { fine: 0, failed: 1, usage: 2, held: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One or several faults that a person can fix; printed without a stack. */
export class Problem extends Error {
  readonly faults: readonly Fault[];
  readonly exitCode: ExitCode;

  constructor(faults: Fault | readonly Fault[], exitCode: ExitCode = EXIT.usage) {
    const list = Array.isArray(faults) ? (faults as readonly Fault[]) : [faults as Fault];
    super(list.map(faultLine).join('\n'));
    this.name = 'Problem';
    this.faults = list;
    this.exitCode = exitCode;
  }
}

/** `file:line:column: message (hint)` – the form editors jump to. */
export function faultLine(fault: Fault): string {
  const { file, line, column, record, key } = fault.place ?? {};
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  const detail = [record === undefined ? '' : `record ${record}`, key ?? ''].filter((part) => part !== '').join(', ');
  const prefix = [where, detail].filter((part) => part !== '').join(' ');
  return `${prefix === '' ? '' : `${prefix}: `}${fault.message}${fault.hint === undefined ? '' : ` – ${fault.hint}`}`;
}
