// HR's view of a person. Everything here has passed the mapping: dates are real, words are ours, ids are text.
import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';

/** HR's word for an employment, translated by the connection's `status` table. */
export type StatusWord = 'expected' | 'active' | 'leave' | 'terminated';

export type AttributeValue = string | number | boolean | readonly string[];

/** One validated job relation, made from one record. */
export interface Employment {
  /** The record's key (`worker.id`), byte for byte: leading zeros are part of it. */
  readonly id: string;
  /** Employments with one `personId` are one worker; without a mapped person id it is the employment's own id. */
  readonly personId: string;
  readonly status: StatusWord;
  /** Null only where the mapping allows it: "already employed". */
  readonly startDate: CalendarDate | null;
  /** The last day with access, inclusive; null means open. */
  readonly endDate: CalendarDate | null;
  /** Access ends on receipt; counts only with a termination of the current employment. */
  readonly endsNow: boolean;
  /** IANA zone in which the dates are meant. */
  readonly timeZone: string;
  /** The worker key of the manager, '' when there is none. */
  readonly managerId: string;
  readonly inScope: boolean;
  /** Blank values are absent. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** When HR held this to be true: the facts are those with the greatest `asOf`. */
  readonly asOf: Instant;
}

/** The person: all employments that share a `personId`. */
export interface Worker {
  readonly key: string;
  readonly employments: readonly Employment[];
}

/**
 * The employments after an observation. Newest `asOf` wins for each employment id; with equal `asOf` the later reading
 * wins. An older observation changes nothing, so any order and any repetition ends in the same facts.
 */
export function withObservation(known: readonly Employment[], observed: readonly Employment[]): readonly Employment[] {
  let result = known;
  for (const employment of observed) {
    const index = result.findIndex((candidate) => candidate.id === employment.id);
    const before = result[index];
    if (before === undefined) result = [...result, employment];
    else if (employment.asOf >= before.asOf) result = result.with(index, employment);
  }
  return result;
}
