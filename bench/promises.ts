// The promises that the bench measures, as rows: a figure, its limit, and whether it holds. Pure.
import type { BulkFigures } from './bulk.ts';
import type { LeaverFigures } from './leaver-latency.ts';
import type { Measurement } from './measure.ts';
import type { RehearsalFigures } from './rehearse.ts';
import type { WebhookFigures } from './webhook-latency.ts';

/** Everything measured at one feed size. */
export interface SizeFigures {
  readonly rows: number;
  readonly changedRows: number;
  readonly firstLoad: Measurement;
  readonly delivery: Measurement & { readonly requests: number };
  readonly sameFile: Measurement & { readonly requests: number };
  readonly daily: Measurement;
  /** Requests a second of the bare loop, before and after the delivery it is compared with. */
  readonly barePerSecond: readonly number[];
}

export interface PromiseRow {
  readonly what: string;
  readonly figure: number;
  readonly unit: '×' | 'MB' | 'ms' | 's' | 'requests' | 'workers';
  readonly bound: 'at most' | 'at least' | 'exactly';
  readonly limit: number;
  /** Better than promised, where an aim is set. */
  readonly aim?: number;
  readonly holds: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('bug: the median of nothing');
  return (low + high) / 2;
}

/** `parseSeconds`: csv-parse over the large feed, one figure for each pass. */
export function promiseRows(
  parseSeconds: readonly number[],
  small: SizeFigures,
  large: SizeFigures,
): readonly PromiseRow[] {
  const parsing = median(parseSeconds);
  const phases = [small, large].flatMap((size) => [size.firstLoad, size.delivery, size.sameFile, size.daily]);
  const perWorker = (size: SizeFigures): number => size.firstLoad.seconds / size.rows;
  const peak = (size: SizeFigures): number =>
    Math.max(...[size.firstLoad, size.delivery, size.sameFile, size.daily].map(({ peakMb }) => peakMb));
  const perSecond = large.delivery.requests / large.delivery.seconds;
  return [
    row('daily snapshot, 0.1 % changed, other order ÷ parsing', large.daily.seconds / parsing, '×', 'at most', 0.5),
    row(
      'workers decided in the daily snapshot',
      large.daily.cycle?.decided ?? Number.NaN,
      'workers',
      'exactly',
      large.changedRows,
    ),
    row('the very same file ÷ parsing', large.sameFile.seconds / parsing, '×', 'at most', 0.05),
    row('requests for the very same file', large.sameFile.requests, 'requests', 'exactly', 0),
    row('first load ÷ parsing', large.firstLoad.seconds / parsing, '×', 'at most', 5, 3),
    row(
      'workers decided in the first load',
      large.firstLoad.cycle?.decided ?? Number.NaN,
      'workers',
      'exactly',
      large.rows,
    ),
    row('delivery ÷ bare undici loop', perSecond / median(large.barePerSecond), '×', 'at least', 0.5, 0.7),
    row(`time per worker, ${large.rows} ÷ ${small.rows}`, perWorker(large) / perWorker(small), '×', 'at most', 1.25),
    row(`peak memory, ${large.rows} ÷ ${small.rows}`, peak(large) / peak(small), '×', 'at most', 1.3),
    row('peak memory', peak(large), 'MB', 'at most', 512),
    row(
      'event loop delay p99, worst phase',
      Math.max(...phases.map((phase) => phase.loopDelayMs.p99)),
      'ms',
      'at most',
      50,
    ),
  ];
}

/** What has a script of its own. */
export interface OtherFigures {
  readonly bulk: readonly BulkFigures[];
  readonly leavers: LeaverFigures;
  readonly webhooks: WebhookFigures;
  readonly rehearsal: RehearsalFigures;
}

export function otherRows({ bulk, leavers, webhooks, rehearsal }: OtherFigures): readonly PromiseRow[] {
  return [
    ...bulk
      .filter(({ delayMs }) => delayMs > 0)
      .map(({ delayMs, singles, barePerSecond }) =>
        row(
          `delivery ÷ bare undici loop, answers after ${delayMs} ms`,
          singles.requests / singles.seconds / barePerSecond,
          '×',
          'at least',
          0.5,
          0.7,
        ),
      ),
    ...bulk.map(({ delayMs, gain }) =>
      row(`bulk requests ÷ one by one, answers after ${delayMs} ms`, gain, '×', 'at least', 2),
    ),
    row(`leaver confirmed, p95, ${leavers.joiners} joiners queued`, leavers.confirmed.p95, 'ms', 'at most', 1_000),
    row(
      `termination by webhook confirmed, p95, ${webhooks.rows} rows being read`,
      webhooks.confirmed.p95,
      'ms',
      'at most',
      1_000,
    ),
    row(`rehearse: ${rehearsal.days} days of ${rehearsal.workers} workers`, rehearsal.seconds, 's', 'at most', 120),
  ];
}

function row(
  what: string,
  figure: number,
  unit: PromiseRow['unit'],
  bound: PromiseRow['bound'],
  limit: number,
  aim?: number,
): PromiseRow {
  const holds = bound === 'exactly' ? figure === limit : bound === 'at most' ? figure <= limit : figure >= limit;
  return { what, figure, unit, bound, limit, ...(aim === undefined ? {} : { aim }), holds };
}

/** The rows as an aligned table for a terminal. */
export function table(rows: readonly PromiseRow[]): string {
  const cells = rows.map(({ what, figure, unit, bound, limit, aim, holds }) => [
    what,
    `${shown(figure)} ${unit}`,
    `${bound} ${limit} ${unit}${aim === undefined ? '' : ` (aim ${aim})`}`,
    holds ? (missesAim(figure, bound, aim) ? 'holds, misses the aim' : 'holds') : 'BROKEN',
  ]);
  const all = [['promise', 'measured', 'limit', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const missesAim = (figure: number, bound: PromiseRow['bound'], aim: number | undefined): boolean =>
  aim !== undefined && (bound === 'at least' ? figure < aim : figure > aim);

const shown = (figure: number): string =>
  Number.isInteger(figure) ? String(figure) : figure >= 100 ? figure.toFixed(0) : figure.toFixed(3);
