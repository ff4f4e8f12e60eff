// Whether something grows: a line through measurements by least squares, and how sure its slope is. Pure.
export interface Slope {
  /** Of the unit measured, each hour. */
  readonly perHour: number;
  /** One standard error of it; NaN with fewer than three measurements. */
  readonly error: number;
}

export interface Measured {
  readonly atMs: number;
  readonly value: number;
}

const HOUR_MS = 3_600_000;

export function slopeOf(points: readonly Measured[]): Slope {
  const count = points.length;
  const meanX = sum(points.map(({ atMs }) => atMs)) / count;
  const meanY = sum(points.map(({ value }) => value)) / count;
  const spread = sum(points.map(({ atMs }) => (atMs - meanX) ** 2));
  const slope = sum(points.map(({ atMs, value }) => (atMs - meanX) * (value - meanY))) / spread;
  const rest = sum(points.map(({ atMs, value }) => (value - meanY - slope * (atMs - meanX)) ** 2));
  const error = count < 3 ? Number.NaN : Math.sqrt(rest / (count - 2) / spread);
  return { perHour: slope * HOUR_MS, error: error * HOUR_MS };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Two standard errors: a chance of one in twenty. */
export type Verdict = 'holds' | 'broken' | 'undecided';

/**
 * Against a limit each hour. What is not told apart from the noise is undecided: a longer run decides it. A short one is never held
 * against anybody.
 */
export function verdictOf({ perHour, error }: Slope, limit: number): Verdict {
  if (Number.isNaN(error)) return 'undecided';
  if (perHour + 2 * error < limit) return 'holds';
  return perHour - 2 * error >= limit ? 'broken' : 'undecided';
}
