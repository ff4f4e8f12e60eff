// A clock that jumped ahead, and who was asked what time it is.
import { msOf } from '../base/instant.ts';
import type { ClockDoubt } from '../pipeline/clock-watch.ts';
import { span } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { toned } from './tone.ts';

/** Nothing where the clock is believed. */
export function clockLines(paper: Paper, doubt: ClockDoubt | null): readonly string[] {
  if (doubt === null) return [];
  const { lastSeen, now, witnesses } = doubt;
  const said = witnesses.map(({ target, says }) => `${target} ${says === null ? 'names no time' : `says ${says}`}`);
  return [
    toned(
      paper,
      'bad',
      harmless(
        `THE CLOCK JUMPED AHEAD by ${span(msOf(now) - msOf(lastSeen))}, from ${lastSeen} to ${now}: nothing begins or ends by date`,
      ),
    ),
    `  ${harmless(said.join('; ') || 'no target was asked')}; set the clock right, or if it is right: rollcall approve clock --reason "…"`,
  ];
}
