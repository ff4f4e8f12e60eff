// Colour as meaning; nothing is said by colour alone.
import type { Paper } from './desk.ts';

export type Tone = 'dim' | 'bold' | 'good' | 'warning' | 'bad';

const CODES: Readonly<Record<Tone, readonly [number, number]>> = {
  dim: [2, 22],
  bold: [1, 22],
  good: [32, 39],
  warning: [33, 39],
  bad: [31, 39],
};

export function toned({ colour }: Pick<Paper, 'colour'>, tone: Tone, text: string): string {
  if (!colour || text === '') return text;
  const [on, off] = CODES[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
