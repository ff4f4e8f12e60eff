import { lifecycle } from './machine.ts';
import { OPERATION_NAMES, TRANSITIONS } from './operation.ts';

type StateNode = (typeof lifecycle)['root'];

/** The chart as a Mermaid state diagram, read from the machine itself: what is printed is what decides. */
export function chartAsMermaid(): string {
  const regions = Object.values(lifecycle.root.states).map((region) => regionLines(region as unknown as StateNode));
  return [
    'stateDiagram-v2',
    '  state worker {',
    regions.map((lines) => lines.join('\n')).join('\n    --\n'),
    '  }',
    '',
  ].join('\n');
}

const isOperation = (name: string): boolean => (OPERATION_NAMES as readonly string[]).includes(name);
const isTransition = (name: string): boolean => (TRANSITIONS as readonly string[]).includes(name);

/** More events than this on one arrow are summed up: every one of them means "work was ordered". */
const EVENTS_ON_AN_ARROW = 3;

function regionLines(region: StateNode): readonly string[] {
  const lines = [`    [*] --> ${String(region.config.initial)}`];
  for (const state of Object.values(region.states)) {
    const arrows = new Map<string, Set<string>>();
    for (const [event, branches] of state.transitions) {
      for (const { target, guard, actions } of branches) {
        const names = (actions as readonly unknown[]).filter((action) => typeof action === 'string');
        // Without a target an accepted branch stays where it is; refusals and silent branches are no arrows.
        const to = target?.[0]?.key ?? (names.some(isOperation) ? state.key : undefined);
        if (to === undefined) continue;
        const condition = typeof guard === 'string' ? ` [${guard}]` : '';
        const named = names.find(isTransition);
        const arrow = arrows.get(to) ?? new Set();
        arrow.add(`${event}${condition}${named === undefined ? '' : ` / ${named}`}`);
        arrows.set(to, arrow);
      }
    }
    for (const [to, labels] of arrows) {
      const events = [...labels];
      const many = region.key === 'delivery' && events.length > EVENTS_ON_AN_ARROW;
      const shown = many
        ? ['any accepted event that names operations', ...events.filter((event) => event.startsWith('delivery'))]
        : events;
      for (const label of shown) lines.push(`    ${state.key} --> ${to}: ${label}`);
    }
  }
  return lines;
}
