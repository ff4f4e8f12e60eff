import { calendarDate } from '../../src/base/calendar-date.ts';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import type { Employment, StatusWord } from '../../src/worker/worker.ts';

export const at = (text: string): Instant => instantOf(text);

export interface EmploymentWords {
  readonly id?: string;
  readonly status?: StatusWord;
  readonly start?: string | null;
  readonly end?: string | null;
  readonly endsNow?: boolean;
  readonly zone?: string;
  readonly inScope?: boolean;
  readonly asOf?: string;
}

/** An employment that has run for years, unless the words say otherwise. */
export function anEmployment(words: EmploymentWords = {}): Employment {
  const { id = 'A', start = '2020-03-02', end = null } = words;
  return {
    id,
    personId: 'P1',
    status: words.status ?? 'active',
    startDate: start === null ? null : calendarDate(start),
    endDate: end === null ? null : calendarDate(end),
    endsNow: words.endsNow ?? false,
    timeZone: words.zone ?? 'Europe/Berlin',
    managerId: '',
    inScope: words.inScope ?? true,
    attributes: {},
    asOf: at(words.asOf ?? '2026-11-22T05:00:00Z'),
  };
}
