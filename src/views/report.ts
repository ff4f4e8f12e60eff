// The report of a period for auditors, as a command and the API give it.

import { calendarDate } from '../base/calendar-date.ts';
import { type Instant, instantOf } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { type LatenessReport, latenessReport } from '../pipeline/lateness-report.ts';
import type { LedgerSubject, Period } from '../pipeline/ledger.ts';
import { sealedUntil } from '../pipeline/seal.ts';
import type { Store } from '../store/store.ts';

export interface ReadReport extends LatenessReport {
  /** Whether the period has ended: only then the report reads the same for ever. */
  readonly isOver: boolean;
}

export interface ReportOptions {
  readonly objectiveMs: number;
  readonly connection?: string;
}

/** What is to come is nobody's evidence: a period that is not over ends now. @throws Problem where it ends before it begins. */
export async function readReport(
  store: Pick<Store, 'audit' | 'segments'>,
  about: LedgerSubject,
  asked: Period,
  options: ReportOptions,
  now: Instant,
): Promise<ReadReport> {
  const isOver = asked.to <= now;
  const period = isOver ? asked : { ...asked, to: now };
  if (period.from >= period.to) {
    throw new Problem({ code: 'usage.period', message: 'the period ends before it begins', hint: '--to is exclusive' });
  }
  const sealed = await sealedUntil(store);
  if (sealed !== null && period.from <= sealed) {
    throw new Problem({
      code: 'audit.report-sealed',
      message: `entries up to ${sealed} are in segments, and a report of that time would not be whole`,
      hint: 'begin the period later, or restore a backup from before the sealing into another state folder and report there',
    });
  }
  return { ...(await latenessReport(about, store, period, options)), isOver };
}

/** `2026-12-24` is the beginning of that day in UTC. @throws Problem when the text is neither a day nor an instant. */
export function sinceMoment(text: string): Instant {
  try {
    return instantOf(text.length === 10 ? `${calendarDate(text)}T00:00:00Z` : text);
  } catch {
    throw new Problem({
      code: 'usage.date',
      message: `${text} is no date`,
      hint: 'write YYYY-MM-DD or a full ISO instant',
    });
  }
}
