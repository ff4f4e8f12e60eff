// What the body of a webhook says: the compiled expressions of one hook over `body`. Pure; bounded like every expression.
import type { Environment } from '@marcbachmann/cel-js';
import { type Instant, instantOfMs, msOf } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { Binder } from './binder.ts';
import type { RawRecord } from './bound-mapping.ts';
import { celEnvironment, type Tables } from './cel-environment.ts';
import { writtenInstant } from './date-text.ts';
import type { Dialect, Expression, Value, ValueType } from './expression.ts';
import { LIST_MAX, Meter, NESTED_MAX } from './meter.ts';
import { presented } from './record-view.ts';
import { Refusal } from './refusal.ts';
import { recordPath } from './webhook-rules.ts';
import type { YamlPath } from './yaml-tree.ts';

/** What one body says. */
export type HookReading =
  | { readonly kind: 'ignored' }
  /** It cannot be understood; the reason names no personal value. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'read';
      /** Ids as HR writes them, each once. */
      readonly workers: readonly string[];
      readonly records: readonly RawRecord[];
      /** When it was so; null where the hook does not say. */
      readonly at: Instant | null;
    };

export interface HookReader {
  readonly read: (body: JsonValue) => HookReading;
  /** What the event is known by when it is sent again; '' without one. */
  readonly idOf: (body: JsonValue) => string;
  /** Whether the body itself tells one event from another. */
  readonly tellsApart: boolean;
}

const TEXTS: readonly ValueType[] = ['text', 'int', 'texts', 'any'];
const TEXT: readonly ValueType[] = ['text', 'int', 'any'];

/** Longest id of an event that is remembered as it is. */
const ID_MAX = 500;
const UNIX_SECONDS = /^\d{9,11}$/;
const UNIX_MS = /^\d{12,14}$/;

/** Compiles one hook; faults are noted in the binder. */
export function hookReader(binder: Binder, hook: YamlPath, tables: Tables, timeZone: string): HookReader {
  const meter = new Meter();
  const dialect: Dialect = {
    environment: bodyEnvironment(celEnvironment(tables, timeZone, meter)),
    vocabulary: { variables: new Map([['body', null]]), tables, uniqueAllowed: false, randomPasswordAllowed: false },
    meter,
  };
  const at = (key: string, wanted: readonly ValueType[]) => binder.expression([...hook, key], dialect, wanted);
  const worker = at('worker', TEXTS);
  const when = at('when', ['bool', 'any']);
  const id = at('id', TEXT);
  const moment = at('at', TEXT);
  const written = binder.at([...hook, 'record']);
  const path = typeof written === 'string' ? recordPath(written) : null;

  const run = (expression: Expression, body: JsonValue): Value => {
    meter.start();
    return expression.run({ body: presented(body, meter, { left: NESTED_MAX }) });
  };
  const understood = (body: JsonValue): HookReading => {
    if (body === null || typeof body !== 'object' || Array.isArray(body))
      throw new Refusal('body', 'the body is no object');
    if (when !== null && run(when, body) !== true) return { kind: 'ignored' };
    return {
      kind: 'read',
      workers: worker === null ? [] : idsOf(run(worker, body)),
      records: path === null ? [] : recordsAt(body, path),
      at: moment === null ? null : momentOf(run(moment, body), timeZone),
    };
  };
  return {
    read: (body) => {
      try {
        return understood(body);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { kind: 'refused', reason: error.reason };
      }
    },
    idOf: (body) => {
      if (id === null) return '';
      try {
        const value = run(id, body);
        return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, ID_MAX) : '';
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return '';
      }
    },
    tellsApart: id !== null || moment !== null,
  };
}

/** Members of a body are known by nobody beforehand: each is looked up when it is asked for. */
const bodyEnvironment = (base: Environment): Environment => base.clone().registerVariable('body', 'dyn');

function idsOf(value: Value): readonly string[] {
  const ids = (Array.isArray(value) ? value : [value]).map((one) => String(one).trim());
  const named = [...new Set(ids.filter((one) => one !== ''))];
  if (named.length === 0) throw new Refusal('worker', 'the body names no worker');
  return named;
}

function momentOf(value: Value, timeZone: string): Instant | null {
  const text = String(value).trim();
  if (text === '') return null;
  if (UNIX_SECONDS.test(text)) return instantOfMs(Number(text) * 1000);
  if (UNIX_MS.test(text)) return instantOfMs(Number(text));
  const moment = writtenInstant(text, timeZone);
  if (moment === null || moment === '' || !Number.isFinite(msOf(moment)))
    throw new Refusal('at', 'the time of the event is no moment');
  return moment;
}

function recordsAt(body: JsonValue, path: readonly string[]): readonly RawRecord[] {
  let value: JsonValue | undefined = body;
  for (const name of path) {
    const inside: JsonValue | undefined = value;
    if (inside === null || typeof inside !== 'object' || Array.isArray(inside)) throw noRecord();
    value = Object.hasOwn(inside, name) ? (inside as Readonly<Record<string, JsonValue>>)[name] : undefined;
  }
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  if (list.length > LIST_MAX) throw new Refusal('too-long', `the body carries more than ${LIST_MAX} records`);
  return list.map((one) => {
    if (one === null || typeof one !== 'object' || Array.isArray(one)) throw noRecord();
    return Object.assign(Object.create(null), one) as RawRecord;
  });
}

const noRecord = (): Refusal => new Refusal('record', 'the body carries no record where one is due');
