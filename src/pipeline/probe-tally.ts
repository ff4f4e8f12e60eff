// What is counted while a probe reads records: who becomes what, which values are never there, and why records are rejected.
import type { Finding, Verdict } from '../base/finding.ts';

/** What one record becomes, as far as a probe wants to know. */
export type Taken =
  | { readonly key: string; readonly status: string | null; readonly filled: readonly string[] }
  | { readonly reason: string };

export type Say = (code: string, verdict: Verdict, message: string, hint?: string) => void;

/** Writes findings of a part down; codes begin with its name. */
export const sayInto =
  (findings: Finding[], part: string): Say =>
  (code, verdict, message, hint) => {
    findings.push({ code: `${part}.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) });
  };

/** Reasons of rejections that are told. */
const REASONS_MAX = 5;
/** Of fewer records nothing follows from what all of them lack. */
const BLANK_MIN = 5;

export class ProbeTally {
  readonly #reasons = new Map<string, number>();
  readonly #filled = new Map<string, number>();
  readonly #statuses = new Map<string, number>();
  /** Digest of the first record by key. */
  readonly #records = new Map<string, string>();
  readonly #repeated = new Set<string>();
  #read = 0;
  #accepted = 0;

  get read(): number {
    return this.#read;
  }

  take(taken: Taken, digest: string): void {
    this.#read += 1;
    if ('reason' in taken) {
      count(this.#reasons, taken.reason);
      return;
    }
    this.#accepted += 1;
    const twin = this.#records.get(taken.key);
    if (twin === undefined) this.#records.set(taken.key, digest);
    else if (twin !== digest) this.#repeated.add(taken.key);
    if (taken.status !== null) count(this.#statuses, taken.status);
    for (const name of taken.filled) count(this.#filled, name);
  }

  /** @param wanted values that the connection file maps. */
  tell(wanted: readonly string[], datedRows: boolean, say: Say): void {
    const words = [...this.#statuses].map(([status, records]) => `${records} ${status}`).join(', ');
    if (this.#accepted === 0) {
      const hint = 'correct the mapping in the connection file; each rejected row: rollcall plan';
      say('records', 'configuration', `none of the ${this.#read} records looked at can be used`, hint);
    } else {
      const who = words === '' ? 'can be used' : `become workers (${words})`;
      say('records', 'good', `${this.#accepted} of the ${this.#read} records looked at ${who}`);
    }
    for (const [reason, records] of [...this.#reasons].toSorted((a, b) => b[1] - a[1]).slice(0, REASONS_MAX))
      say('rejected', 'warning', `${records} rejected: ${reason}`, 'they count as present and change nothing');
    if (!datedRows && this.#repeated.size > 0) {
      const hint = 'such rows are rejected: ask HR which counts, or say by source.effective how they follow each other';
      say('repeated', 'warning', `${this.#repeated.size} keys stand on several records that differ`, hint);
    }
    if (this.#accepted < BLANK_MIN) return;
    for (const name of wanted.filter((one) => !this.#filled.has(one))) {
      const hint =
        'if HR has it, these credentials may not see it: a value that vanishes for everybody breaks the feed seal';
      say('blank', 'warning', `${name} is blank in every record`, hint);
    }
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
