// Tables for people: aligned by what a terminal shows, fitted to its width, coloured only where colour is wanted. Piped
// text is aligned too, without tabs, and nothing of it is cut.
import type { Paper } from './desk.ts';
import { displayWidth, fitted, harmless } from './display-width.ts';
import { type Tone, toned } from './tone.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut when the terminal is too narrow; others keep their width. */
  readonly flexible?: boolean;
}
export type Cell = string | { readonly text: string; readonly tone: Tone };

const GAP = '  ';
/** A flexible column is not cut below this. */
const FLEXIBLE_MIN = 8;

const textOf = (cell: Cell | undefined): string =>
  harmless(cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text);

/** Lines without a line break at their end. */
export function table(
  paper: Pick<Paper, 'colour' | 'width'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): readonly string[] {
  const texts = rows.map((row) => columns.map((_, index) => textOf(row[index])));
  const widths = columns.map(({ title }, index) =>
    texts.reduce((width, row) => Math.max(width, displayWidth(row[index] ?? '')), displayWidth(title)),
  );
  shrink(columns, widths, paper.width);
  const line = (cells: readonly string[], toneOf: (index: number) => Tone | null): string =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const text = fitted(cells[index] ?? '', width);
        const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
        const tone = toneOf(index);
        const shown = tone === null ? text : toned(paper, tone, text);
        return align === 'right' ? padding + shown : shown + padding;
      })
      .join(GAP)
      .trimEnd();
  const header = line(
    columns.map(({ title }) => title),
    () => 'dim',
  );
  return [
    header,
    ...texts.map((cells, at) =>
      line(cells, (index) => {
        const cell = rows[at]?.[index];
        return cell === undefined || typeof cell === 'string' ? null : cell.tone;
      }),
    ),
  ];
}

/** The widest flexible column gives way first. */
function shrink(columns: readonly Column[], widths: number[], available: number | null): void {
  if (available === null) return;
  let over = widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - available;
  while (over > 0) {
    let widest = -1;
    for (const [index, { flexible }] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (flexible === true && width > FLEXIBLE_MIN && (widest === -1 || width > (widths[widest] ?? 0))) widest = index;
    }
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
}
