// Outbox → target → outcome → the door: one line for each target, whatever the number of connections that name it. Lines share
// nothing but the door: what hangs or is down at one target delays nothing at another.
import type { Target } from '../targets/target.ts';
import { confirmLoop } from './confirm.ts';
import { Board, type DispatchStates } from './dispatch-state.ts';
import { Bell, type House, type LiveConnection } from './house.ts';
import { watchLeavers } from './leaver-watch.ts';
import { Line } from './line.ts';
import { OutcomeDoor } from './outcomes.ts';

export interface Dispatch {
  /** In flight now, at all targets. */
  readonly inFlight: () => number;
  /** How each target stands now. */
  readonly states: () => DispatchStates;
  /** Resolves once nothing is in flight any more. */
  readonly stopped: Promise<void>;
  /** Rings after every stored outcome. */
  readonly progress: Bell;
}

/** Delivers until the signal aborts. Throws out of `stopped` only for a bug or a store that nobody can trust any more. */
export function startDispatch(house: House, signal: AbortSignal): Dispatch {
  const door = new OutcomeDoor(house);
  const progress = new Bell();
  const board = new Board(house.store);
  const targets = targetLines(house);
  const lines = new Map(
    targets.map(({ target, connections }) => [
      target.name,
      new Line({ house, target, connections, door, progress, board, signal }),
    ]),
  );
  return {
    inFlight: () => [...lines.values()].reduce((sum, line) => sum + line.inFlight, 0),
    states: () => Object.fromEntries([...lines].map(([target, line]) => [target, line.state])),
    stopped: run(
      [...lines.values()],
      targets.map((line) => () => confirmLoop({ house, ...line, door, progress }, signal)),
      house,
      board,
      signal,
    ),
    progress,
  };
}

async function run(
  lines: readonly Line[],
  confirming: readonly (() => Promise<void>)[],
  house: House,
  board: Board,
  signal: AbortSignal,
): Promise<void> {
  await board.clear();
  // Where one breaks the house ends: the others are not waited for, whoever opened the house aborts the signal.
  await Promise.all([
    ...lines.map((line) => line.run()),
    ...confirming.map((start) => start()),
    watchLeavers(house, signal),
  ]);
  await board.written();
}

/** A target that several connections name is one target: it has one queue and one pool. */
function targetLines(house: House): readonly { target: Target; connections: readonly LiveConnection[] }[] {
  const lines = new Map<string, { target: Target; connections: LiveConnection[] }>();
  for (const live of house.connections.values()) {
    for (const target of live.targets.values()) {
      const line = lines.get(target.name);
      if (line === undefined) lines.set(target.name, { target, connections: [live] });
      else line.connections.push(live);
    }
  }
  return [...lines.values()];
}
