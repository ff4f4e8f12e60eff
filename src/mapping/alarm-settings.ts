// The keys of `alarms`: after how long a feed that stands still, or credentials that run out, are somebody's business.
import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../base/instant.ts';
import type { Binder } from './binder.ts';
import { isoDay } from './date-text.ts';
import { said } from './schema-words.ts';
import type { YamlPath } from './yaml-tree.ts';

/** From so many workers on, silence of this kind is strange by itself; smaller houses are silent for weeks. */
export const SILENCE_WORKERS_MIN = 250;

const NEVER = 'never';

const DEFAULTS = {
  // A weekend and two hours: an export of Friday evening is followed by one on Monday evening.
  noDeliveryFor: '74h',
  noChangeFor: '7d',
  noHiresFor: '30d',
  dateOffBy: '74h',
  credentialsEndIn: '30d',
} as const;

type AlarmKey = keyof typeof DEFAULTS;

const duration = (key: AlarmKey, description: string, more = '') =>
  said(z.string(), `${description}: 26h, 30d or never. Without it ${DEFAULTS[key]}${more}.`).optional();

const LARGE = ` from ${SILENCE_WORKERS_MIN} active workers on, else never`;

export const alarmsSchema = z
  .strictObject({
    noDeliveryFor: duration('noDeliveryFor', 'No new delivery was accepted for so long; 26h suits a feed of every day'),
    noChangeFor: duration('noChangeFor', 'Deliveries came, but all said the very same for so long', LARGE),
    noHiresFor: duration('noHiresFor', 'Nobody joined for so long', LARGE),
    dateOffBy: duration(
      'dateOffBy',
      'The date in the name of a delivery and the time it was written lie further apart',
    ),
    credentialsEndIn: duration(
      'credentialsEndIn',
      'A certificate, a PGP key, or a secret whose auth says `expires` ends within',
    ),
  })
  .prefault({});

/** In milliseconds; null means never. */
export interface AlarmSettings {
  readonly noDeliveryForMs: number | null;
  readonly noChangeForMs: number | null;
  readonly noHiresForMs: number | null;
  /** Kinds of silence that the file asks for: they count however few work here. */
  readonly asked: ReadonlySet<'noChangeFor' | 'noHiresFor'>;
  readonly dateOffByMs: number | null;
  readonly credentialsEndInMs: number | null;
}

const DURATION = /^\s*(\d{1,5})\s*([hd])\s*$/;

/** Null for what is no duration. */
function durationMs(text: string): number | null {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return count === undefined || Number(count) === 0 ? null : Number(count) * (unit === 'h' ? HOUR_MS : DAY_MS);
}

export function alarmSettings(said: z.output<typeof alarmsSchema>): AlarmSettings {
  const of = (key: AlarmKey): number | null => {
    const text = said[key] ?? DEFAULTS[key];
    return text.trim() === NEVER ? null : durationMs(text);
  };
  return {
    noDeliveryForMs: of('noDeliveryFor'),
    noChangeForMs: of('noChangeFor'),
    noHiresForMs: of('noHiresFor'),
    asked: new Set((['noChangeFor', 'noHiresFor'] as const).filter((key) => said[key] !== undefined)),
    dateOffByMs: of('dateOffBy'),
    credentialsEndInMs: of('credentialsEndIn'),
  };
}

export function checkAlarms(binder: Binder): void {
  for (const key of binder.names(['alarms'])) {
    const text = binder.at(['alarms', key]);
    if (typeof text !== 'string' || text.trim() === NEVER || durationMs(text) !== null) continue;
    binder.fault(['alarms', key], 'mapping.value', 'this is no time', 'hours or days, such as 26h or 30d, or never');
  }
  for (const { path, day } of expiriesIn(binder)) {
    if (isoDay(day)) continue;
    binder.fault(path, 'mapping.value', `"${day}" is no real day`, 'the day on which it ends, such as 2027-01-31');
  }
}

/** A secret whose end is stated in the file. */
export interface Expiry {
  /** Where it stands: `targets[0].auth`. */
  readonly where: string;
  /** yyyy-MM-dd */
  readonly day: string;
}

export const expiries = (binder: Binder): readonly Expiry[] =>
  expiriesIn(binder).map(({ path, day }) => ({
    where: binder.tree.place(path.slice(0, -1)).key ?? '',
    day,
  }));

function expiriesIn(binder: Binder): readonly { readonly path: YamlPath; readonly day: string }[] {
  const found: { path: YamlPath; day: string }[] = [];
  const visit = (value: unknown, path: YamlPath): void => {
    if (value === null || typeof value !== 'object') return;
    const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
      ? value.map((one, index) => [index, one] as const)
      : Object.entries(value);
    for (const [name, member] of entries) {
      if (name === 'expires' && typeof member === 'string') found.push({ path: [...path, name], day: member });
      else visit(member, [...path, name]);
    }
  };
  for (const section of ['source', 'also', 'targets', 'webhooks']) visit(binder.at([section]), [section]);
  return found;
}
