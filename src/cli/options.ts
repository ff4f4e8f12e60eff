// Values of flags, read once: what does not fit is a usage error.
import { InvalidArgumentError } from 'commander';

/** Longer than a day nobody waits for a command. */
const SECONDS_MAX = 86_400;
const COUNT_MAX = 1_000_000;

export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > SECONDS_MAX)
    throw new InvalidArgumentError(`a number of seconds from 0 to ${SECONDS_MAX}`);
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > COUNT_MAX)
    throw new InvalidArgumentError(`a whole number from 1 to ${COUNT_MAX}`);
  return value;
}

const SPAN = /^(\d+)(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90m`, `2h`, `3d`, in milliseconds. */
export function timeSpan(text: string): number {
  const [, count, unit] = SPAN.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (count === undefined || unitMs === undefined) throw new InvalidArgumentError('a span such as 90m, 2h or 3d');
  return Number(count) * unitMs;
}

export function operationId(text: string, before: readonly number[] = []): readonly number[] {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('ids of operations are whole numbers: see rollcall failed --list');
  return [...before, Number(text)];
}
