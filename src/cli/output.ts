// A command's answer: lines for people or one JSON value for scripts, never both.
import { type Fault, faultLine } from '../base/problem.ts';
import type { Desk, Session } from './desk.ts';
import { harmless } from './display-width.ts';

/** One line each; an empty list prints nothing. */
export async function printLines(desk: Desk, lines: Iterable<string>): Promise<void> {
  let text = '';
  for (const line of lines) text += `${line}\n`;
  if (text !== '') await desk.out.write(text);
}

export async function printJson(desk: Desk, value: unknown): Promise<void> {
  await desk.out.write(`${JSON.stringify(value, null, desk.out.isTerminal ? 2 : 0)}\n`);
}

/** The JSON value with `--json`, else the lines. */
export async function answer(
  { desk, json }: Pick<Session, 'desk' | 'json'>,
  value: unknown,
  lines: () => Iterable<string>,
): Promise<void> {
  if (json) await printJson(desk, value);
  else await printLines(desk, lines());
}

/** Faults go to stderr without a stack; scripts find them on stdout as well. */
export async function printFaults(desk: Desk, faults: readonly Fault[], json: boolean): Promise<void> {
  if (json) await printJson(desk, { error: faults });
  for (const fault of faults) await desk.err.write(`rollcall: ${harmless(faultLine(fault))}\n`);
}
