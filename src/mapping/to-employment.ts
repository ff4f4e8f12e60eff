// One record becomes one employment, or a rejection with its reason. Nothing is guessed and nothing is dropped silently.
import { type CalendarDate, dayIn, isTimeZone, plusDays } from '../base/calendar-date.ts';
import { HOUR_MS, type Instant, msOf } from '../base/instant.ts';
import type { Place } from '../base/problem.ts';
import type { Period } from '../worker/dated-rows.ts';
import type { AttributeValue, Employment, StatusWord } from '../worker/worker.ts';
import type { MappedRecord, RawRecord } from './bound-mapping.ts';
import { shown } from './cel-environment.ts';
import { isoDay, writtenInstant } from './date-text.ts';
import type { Expression, Value } from './expression.ts';
import { tidied } from './mapped-text.ts';
import { TEXT_MAX } from './meter.ts';
import type { RecordView, WorkerView } from './record-view.ts';
import { Refusal } from './refusal.ts';
import { UniqueName } from './user-name.ts';

export const STATUS_WORDS: readonly StatusWord[] = ['expected', 'active', 'leave', 'terminated'];

/** Longest id: it becomes a key here and an externalId at targets. */
const ID_LENGTH_MAX = 256;
/** Further ahead than any zone or clock explains: facts of that time would outrank whatever HR says next. */
const AHEAD_MS_MAX = 48 * HOUR_MS;
/** Different zone names worth remembering; no company has more. */
const ZONES_KNOWN_MAX = 1_000;

/** The compiled `worker:` section and what belongs to it. */
export interface WorkerMapping {
  readonly id: Expression;
  readonly personId: Expression | null;
  readonly status: Expression;
  readonly startDate: Expression;
  readonly endDate: Expression | null;
  readonly lastDay: Expression | null;
  readonly endsNow: Expression | null;
  readonly timeZone: Expression | null;
  readonly managerId: Expression | null;
  readonly asOf: Expression | null;
  /** Null where rows are not dated. */
  readonly effectiveFrom: Expression | null;
  readonly effectiveTo: Expression | null;
  readonly toInclusive: boolean;
  readonly attributes: readonly (readonly [name: string, expression: Expression])[];
  readonly scope: Expression | null;
  /** Tries what an account will need of this worker and cannot be known to succeed. @throws Refusal */
  readonly tryAccounts: ((employment: Employment) => void) | null;
  readonly lastDayInclusive: boolean;
  readonly leaveCounts: 'lastDay' | 'endDate';
  /** The connection's. */
  readonly timeZoneDefault: string;
}

/** A refusal with the expression it came from. */
class RecordRefused extends Error {
  readonly code: string;
  readonly reason: string;
  readonly column: string | null;

  constructor(code: string, reason: string, expression: Expression | null) {
    super(reason);
    this.code = code;
    this.reason = reason;
    this.column = expression?.findings.columns[0] ?? expression?.findings.optionalColumns[0] ?? null;
  }
}

export function employmentMapper(
  mapping: WorkerMapping,
  record: RecordView,
  worker: WorkerView,
): (raw: RawRecord, place: Place, asOf: Instant) => MappedRecord {
  const zones = new Map<string, boolean>();
  // In the order of canonical JSON, like the rest of an employment.
  const attributes = mapping.attributes.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const variables = { record };
  const workerVariables = { worker };

  return (raw, place, asOf) => {
    record.raw = raw;
    let key: string | null = null;
    let status: StatusWord | null = null;
    let zone = mapping.timeZoneDefault;
    let end: CalendarDate | null | undefined;
    let period: { readonly period?: Period } = {};
    try {
      key = idOf(mapping.id);
      status = statusOf(mapping.status);
      zone = zoneOf(mapping.timeZone);
      if (mapping.effectiveFrom !== null) period = { period: periodOf(mapping.effectiveFrom) };
      end = endOf(mapping);
      return { kind: 'employment', employment: employmentOf(key, status, zone, end, asOf), ...period };
    } catch (error) {
      if (!(error instanceof RecordRefused)) throw error;
      // With a readable end that is still ahead the date decides later; the row is judged again at every read.
      const ahead = end !== undefined && end !== null && end >= dayIn(asOf, zone);
      const leaves = key !== null && status === 'terminated';
      const later = leaves && ahead ? { leavesLater: true as const } : {};
      const refused = { ...rejected(error, key, place, leaves && !ahead, zone), ...later, ...period };
      return end === undefined ? refused : { ...refused, endDate: end };
    }
  };

  function employmentOf(
    id: string,
    status: StatusWord,
    timeZone: string,
    endDate: CalendarDate | null,
    read: Instant,
  ): Employment {
    const startDate = dayOf(mapping.startDate, 'startDate');
    if (startDate === null) throw new RecordRefused('no-start-date', 'has no start date', mapping.startDate);
    const personId = mapping.personId === null ? id : optionalId(mapping.personId) || id;
    const managerId = mapping.managerId === null ? '' : optionalId(mapping.managerId);
    const endsNow = mapping.endsNow === null ? false : resultOf(mapping.endsNow, variables) === true;
    const attributes = attributesOf();
    // In the order of canonical JSON, which this becomes for the audit.
    const draft: Employment = {
      asOf: mapping.asOf === null ? read : momentOf(mapping.asOf, read),
      attributes,
      endDate,
      endsNow,
      id,
      inScope: true,
      // Nobody reports to themselves: HR systems write that for whoever stands at the top.
      managerId: managerId === id || managerId === personId ? '' : managerId,
      personId,
      startDate,
      status,
      timeZone,
    };
    worker.show(draft, personId);
    const inScope = mapping.scope === null || resultOf(mapping.scope, workerVariables) === true;
    if (inScope && mapping.tryAccounts !== null) tried(mapping.tryAccounts, draft);
    return inScope ? draft : { ...draft, inScope };
  }

  function attributesOf(): Employment['attributes'] {
    const values: Record<string, AttributeValue> = {};
    for (const [name, expression] of attributes) {
      const value = attributeOf(resultOf(expression, variables), expression, name);
      if (value !== null) values[name] = value;
    }
    return values;
  }

  function idOf(expression: Expression): string {
    const id = optionalId(expression);
    if (id === '') throw new RecordRefused('no-id', 'has no id', expression);
    return id;
  }

  /** Byte for byte, because leading zeros and blanks are part of a key; nothing but blanks is none. */
  function optionalId(expression: Expression): string {
    const id = textOf(resultOf(expression, variables), expression);
    if (id.trim() === '') return '';
    if (id.length > ID_LENGTH_MAX)
      throw new RecordRefused('bad-id', `an id is longer than ${ID_LENGTH_MAX} characters`, expression);
    return id;
  }

  function statusOf(expression: Expression): StatusWord {
    const word = textOf(resultOf(expression, variables), expression).trim();
    if ((STATUS_WORDS as readonly string[]).includes(word)) return word as StatusWord;
    throw new RecordRefused(
      'unknown-status',
      `the status ${shown(word)} is none of ${STATUS_WORDS.join(', ')}`,
      expression,
    );
  }

  function zoneOf(expression: Expression | null): string {
    if (expression === null) return mapping.timeZoneDefault;
    const zone = textOf(resultOf(expression, variables), expression).trim();
    if (zone === '') return mapping.timeZoneDefault;
    let real = zones.get(zone);
    if (real === undefined) {
      real = isTimeZone(zone);
      if (zones.size >= ZONES_KNOWN_MAX) zones.clear();
      zones.set(zone, real);
    }
    if (!real) throw new RecordRefused('time-zone', `${shown(zone)} is no time zone`, expression);
    return zone;
  }

  function endOf({ endDate, lastDay, lastDayInclusive, leaveCounts }: WorkerMapping): CalendarDate | null {
    const written = endDate === null ? null : dayOf(endDate, 'endDate');
    const terminated = written === null || lastDayInclusive ? written : plusDays(written, -1);
    const worked = lastDay === null ? null : dayOf(lastDay, 'lastDay');
    return leaveCounts === 'lastDay' ? (worked ?? terminated) : (terminated ?? worked);
  }

  function periodOf(expression: Expression): Period {
    const from = dayOf(expression, 'effective.from');
    if (from === null) throw new RecordRefused('no-effective-date', 'has no day from which it counts', expression);
    const written = mapping.effectiveTo === null ? null : dayOf(mapping.effectiveTo, 'effective.to');
    const to = written === null || mapping.toInclusive ? written : plusDays(written, -1);
    if (to !== null && to < from) {
      throw new RecordRefused('effective-dates', 'counts no longer before it counts at all', mapping.effectiveTo);
    }
    return { from, to };
  }

  function dayOf(expression: Expression, name: string): CalendarDate | null {
    const text = textOf(resultOf(expression, variables), expression);
    if (text === '') return null;
    const day = isoDay(text);
    if (day === null) {
      throw new RecordRefused(
        'date',
        `${name} is no real day written as yyyy-MM-dd (or needs a form: date(…, "…"))`,
        expression,
      );
    }
    return day === '' ? null : day;
  }

  function momentOf(expression: Expression, otherwise: Instant): Instant {
    const moment = writtenInstant(textOf(resultOf(expression, variables), expression), mapping.timeZoneDefault);
    if (moment === null) throw new RecordRefused('as-of', 'the source time is no moment; use instant(…)', expression);
    if (moment === '') return otherwise;
    if (msOf(moment) - msOf(otherwise) > AHEAD_MS_MAX) {
      throw new RecordRefused('as-of', 'the source time lies more than two days after the delivery', expression);
    }
    return moment;
  }
}

function resultOf(expression: Expression, variables: Readonly<Record<string, unknown>>): Value {
  try {
    return expression.run(variables);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RecordRefused(error.code, error.reason, expression);
  }
}

function tried(tryAccounts: (employment: Employment) => void, draft: Employment): void {
  try {
    tryAccounts(draft);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RecordRefused(error.code, `an account cannot be made: ${error.reason}`, null);
  }
}

function textOf(value: Value, expression: Expression): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new RecordRefused('not-text', 'a list stands where a text is due', expression);
}

/** Null where nothing is left: blank values are absent. */
function attributeOf(value: Value, expression: Expression, name: string): AttributeValue | null {
  if (typeof value === 'string') {
    if (value.length > TEXT_MAX)
      throw new RecordRefused('too-long', `${name} is longer than ${TEXT_MAX} characters`, expression);
    const text = tidied(value);
    return text === '' ? null : text;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof UniqueName) throw new RecordRefused('not-text', `${name} is no text`, expression);
  const texts = value.map(tidied).filter((text) => text !== '');
  return texts.length === 0 ? null : texts;
}

function rejected(
  error: RecordRefused,
  key: string | null,
  place: Place,
  saysTerminated: boolean,
  timeZone: string,
): Extract<MappedRecord, { kind: 'rejected' }> {
  const where = error.column === null ? '' : `column ${error.column}: `;
  return {
    kind: 'rejected',
    timeZone,
    rejection: {
      key,
      code: error.code,
      reason: `${where}${error.reason}`,
      column: error.column,
      place: error.column === null ? place : { ...place, key: error.column },
      saysTerminated,
    },
  };
}
