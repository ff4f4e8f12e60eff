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
  /**
   * What further sources last said of it, by source: kept until they say something else, never read as blank where they say nothing.
   * Not part of what the first source says.
   */
  readonly given?: Readonly<Record<string, Readonly<Record<string, AttributeValue>>>>;
  /** What counts in place of the above from a day on, earliest first: HR wrote several dated rows. Absent without any. */
  readonly later?: readonly LaterRow[];
  /** Set once snapshots proved that the record is not there any more, until it is there again. */
  readonly absent?: Absence;
  /** After an absence: of what moment the snapshot speaks that had the record again. */
  readonly seenAgain?: Instant;
}

/** That HR's snapshots no longer hold the record. What the record said last stays on file. */
export interface Absence {
  /** When the first delivery that missed it was read. */
  readonly since: Instant;
  /** Of what moment the delivery speaks that proved it. */
  readonly asOf: Instant;
  /** False where nothing proves those deliveries complete: then only a person's approval makes this count. */
  readonly strong: boolean;
}

/** A row of HR's that is not in force yet. */
export interface LaterRow {
  readonly facts: RowFacts;
  /** The first day of the row, in the row's own zone. */
  readonly from: CalendarDate;
}

/** What one dated row says of an employment; key and person are those of all its rows. */
export type RowFacts = Omit<Employment, 'id' | 'personId' | 'asOf' | 'given' | 'later' | 'absent' | 'seenAgain'>;

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
    else {
      const after = withPresence(before, employment, employment.asOf >= before.asOf ? employment : before);
      if (after !== before) result = result.with(index, after);
    }
  }
  return result;
}

/**
 * Content and presence are two things: a record that comes back unchanged is as old as it was, but it is there again. An
 * absence stands until something newer than the delivery that proved it holds the record.
 */
function withPresence(before: Employment, observed: Employment, content: Employment): Employment {
  const absent = lastAbsence(before.absent, observed.absent);
  const seenAgain = latest(before.seenAgain, observed.seenAgain);
  if (absent === undefined && seenAgain === undefined) return content;
  const spoken = latest(latest(before.asOf, observed.asOf), seenAgain) as Instant;
  const gone = absent !== undefined && spoken <= absent.asOf;
  const { absent: _, seenAgain: __, ...facts } = content;
  return { ...facts, ...(gone ? { absent } : {}), ...(seenAgain === undefined ? {} : { seenAgain }) };
}

const latest = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

const lastAbsence = (a: Absence | undefined, b: Absence | undefined): Absence | undefined =>
  a === undefined || (b !== undefined && b.asOf > a.asOf) ? b : a;
