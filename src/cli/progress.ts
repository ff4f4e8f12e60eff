// One line on a terminal's stderr that says how far a long work is. Piped or with --json there is none.
import type { Clock } from '../runtime/clock.ts';
import { grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { fitted } from './display-width.ts';
import { toned } from './tone.ts';

export interface Progress extends Disposable {
  readonly show: (phase: string, done: number, total: number) => void;
  /** Takes the line away, before something else is printed. */
  readonly clear: () => void;
}

const DRAW_EVERY_MS = 100;
const BAR_COLUMNS = 24;
const CLEAR = '\r\u001b[K';

export function progressOn(paper: Paper, clock: Clock, wanted: boolean): Progress {
  if (!paper.isTerminal || !wanted) return { show: () => {}, clear: () => {}, [Symbol.dispose]: () => {} };
  let phase = '';
  let startedMs = 0;
  let startedAt = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  let drawn = false;
  const clear = (): void => {
    if (drawn) void paper.write(CLEAR);
    drawn = false;
  };
  return {
    show: (name, done, total) => {
      const now = clock.nowMs();
      if (name !== phase) {
        phase = name;
        startedMs = now;
        startedAt = done;
      }
      if (now - drawnMs < DRAW_EVERY_MS && done < total) return;
      drawnMs = now;
      drawn = true;
      const line = progressLine({ phase, done, total, seconds: (now - startedMs) / 1_000, since: startedAt });
      void paper.write(`${CLEAR}${toned(paper, 'dim', fitted(line, Math.max(20, (paper.width ?? 80) - 1)))}`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
}

export interface ProgressState {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Since the phase began. */
  readonly seconds: number;
  /** How much was done when it began. */
  readonly since: number;
}

/** `deliver  ████████░░░░  1,200/3,000  40 %  310/s  0:05 left`. */
export function progressLine({ phase, done, total, seconds, since }: ProgressState): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const full = Math.floor(share * BAR_COLUMNS);
  const rate = seconds > 0 ? (done - since) / seconds : 0;
  const left = rate > 0 && total > done ? `  ${clockText((total - done) / rate)} left` : '';
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full);
  return `${phase.padEnd(8)} ${bar}  ${grouped(done)}/${grouped(total)}  ${Math.floor(share * 100)} %  ${grouped(Math.round(rate))}/s${left}`;
}

function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
