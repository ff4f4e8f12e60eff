// At which target an act on one worker is meant.
import { Problem } from '../base/problem.ts';
import type { Target } from '../targets/target.ts';
import type { LiveConnection } from './house.ts';

/** `wanted` may be '' where there is only one. @throws Problem where it is not to be told. */
export function targetOf(live: LiveConnection, wanted: string): Target {
  const [only, other] = live.targets.values();
  const target = wanted === '' && other === undefined ? only : live.targets.get(wanted);
  if (target !== undefined) return target;
  const names = [...live.targets.keys()].join(', ');
  throw new Problem({
    code: 'pair.target',
    message: wanted === '' ? 'the connection has several targets' : `the connection has no target ${wanted}`,
    hint: `say which one with --target: ${names}`,
  });
}
