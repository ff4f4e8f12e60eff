// What a draft makes of the sample it came from: how many workers of which status, and why rows were rejected.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { Sample } from '../mapping/proposal/propose.ts';
import { grouped } from './ago.ts';

export interface Trial {
  readonly accepted: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly rejected: number;
  /** Reasons, most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly rows: number }[];
}

const REASONS_MAX = 10;

/** @throws Problem where the draft does not fit the sample's columns. */
export function trialOf(connection: Connection, { columns, records }: Sample, now: Instant): Trial {
  const bound = connection.bind(columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const byStatus: Record<string, number> = {};
  const reasons = new Map<string, number>();
  let rejected = 0;
  for (const record of records) {
    const mapped = bound.mapping.toEmployment(record, {}, now);
    if (mapped.kind === 'employment') {
      const { status } = mapped.employment;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      continue;
    }
    rejected += 1;
    const { reason } = mapped.rejection;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const accepted = records.length - rejected;
  assert(accepted >= 0, 'more rows were rejected than there are');
  return {
    accepted,
    byStatus,
    rejected,
    reasons: [...reasons]
      .map(([reason, rows]) => ({ reason, rows }))
      .toSorted((a, b) => b.rows - a.rows)
      .slice(0, REASONS_MAX),
  };
}

export function trialWords({ accepted, byStatus, rejected, reasons }: Trial): readonly string[] {
  const statuses = Object.entries(byStatus).map(([status, rows]) => `${grouped(rows)} ${status}`);
  const found = statuses.length === 0 ? '' : ` (${statuses.join(', ')})`;
  return [
    `tried on the sample: ${grouped(accepted)} rows read${found}, ${grouped(rejected)} rejected`,
    ...reasons.map(({ reason, rows }) => `  ${grouped(rows)} × ${reason}`),
  ];
}
