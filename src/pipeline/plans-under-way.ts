// Plans of one connection that are under way side by side: a snapshot that is read for minutes, the calendar, an order, a webhook.
// Only the guard's word is given to one at a time; what it grants is counted by all others from that moment on, stored or not, so
// that two plans never pass the same window side by side.
import type { GuardUse } from '../planning/changeset.ts';
import type { UsedLine } from '../planning/tally.ts';
import { Turn } from './turn.ts';

/** One plan's place among the others. */
export interface Berth {
  /** Workers of whom another plan stored something since this one was opened: to be planned again before the guard judges. */
  readonly stale: Set<string>;
  /** Whether another plan has stored anything since this one was opened. */
  readonly overtaken: () => boolean;
  /** What the guard let pass, until it is stored or the plan ends. */
  readonly grant: (uses: readonly GuardUse[]) => void;
  /** Workers whom another plan held since this one was opened. */
  readonly heldElsewhere: ReadonlySet<string>;
  /** The guard keeps something of these workers back. */
  readonly held: (keys: Iterable<string>) => void;
  /** These workers' changes are on file now. */
  readonly stored: (keys: readonly string[]) => void;
  /** What the others were granted and have not stored yet. */
  readonly elsewhere: () => readonly UsedLine[];
  /** Nothing more of this plan will be stored. */
  readonly leave: () => void;
}

interface UnderWay {
  readonly stale: Set<string>;
  overtaken: boolean;
  readonly held: Set<string>;
  readonly granted: Map<string, GuardUse[]>;
}

export class PlansUnderWay {
  /** The guard speaks to one plan at a time. */
  readonly turn = new Turn();
  readonly #plans = new Set<UnderWay>();

  open(): Berth {
    const own: UnderWay = { stale: new Set(), overtaken: false, held: new Set(), granted: new Map() };
    this.#plans.add(own);
    return {
      stale: own.stale,
      overtaken: () => own.overtaken,
      heldElsewhere: own.held,
      held: (keys) => {
        for (const key of keys) for (const plan of this.#plans) if (plan !== own) plan.held.add(key);
      },
      grant: (uses) => {
        for (const use of uses) {
          if (use.approved) continue;
          const known = own.granted.get(use.workerKey);
          if (known === undefined) own.granted.set(use.workerKey, [use]);
          else known.push(use);
        }
      },
      stored: (keys) => {
        for (const key of keys) own.granted.delete(key);
        for (const plan of this.#plans) {
          if (plan === own) continue;
          plan.overtaken = true;
          for (const key of keys) plan.stale.add(key);
        }
      },
      elsewhere: () => this.#grantedBeside(own),
      leave: () => void this.#plans.delete(own),
    };
  }

  #grantedBeside(own: UnderWay): readonly UsedLine[] {
    const lines = new Map<
      string,
      Pick<GuardUse, 'kind' | 'attribute'> & { readonly unit: string | undefined; readonly workers: Set<string> }
    >();
    for (const plan of this.#plans) {
      if (plan === own) continue;
      for (const uses of plan.granted.values()) {
        for (const use of uses) {
          // Each counts in the whole house and, where limits hold per unit, in its own.
          const { kind, attribute, unit } = use;
          for (const within of unit === undefined ? [undefined] : [undefined, unit]) {
            const name = JSON.stringify([kind, attribute, within ?? null]);
            const line = lines.get(name) ?? { kind, attribute, unit: within, workers: new Set<string>() };
            lines.set(name, line);
            line.workers.add(use.workerKey);
          }
        }
      }
    }
    return [...lines.values()].map(({ kind, attribute, unit, workers }) => ({
      kind,
      attribute,
      ...(unit === undefined ? {} : { unit }),
      workers: workers.size,
      counted: workers,
    }));
  }
}
