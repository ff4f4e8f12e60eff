// A unit of the house: everybody who shares the value of one attribute, such as a department or a site.
import type { Instant } from '../base/instant.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import type { Standing } from '../lifecycle/standing.ts';
import { truthOf } from '../lifecycle/truth.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import type { HarmKind } from './harm.ts';

/** By which attribute the house is divided, and which kinds are limited within its units: null means all of them. */
export interface LimitsPer {
  readonly attribute: string;
  readonly only: ReadonlySet<HarmKind> | null;
}

/** The employment that says where somebody works. Most people have one: theirs needs no judgement. */
export function workplace(
  standing: Standing,
  employments: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy,
): Employment | null {
  const [only, second] = employments;
  if (only === undefined) return null;
  return second === undefined ? inForceAt(only, now) : truthOf(standing, employments, now, policy).primary;
}

/** How the unit is called in holds, such as `department Sales`; null where nothing says where they work. */
export function unitName(attribute: string, employment: Employment | null): string | null {
  const value = employment?.attributes[attribute];
  const text = value === undefined ? '' : String(value).trim();
  return text === '' ? null : `${attribute} ${text}`;
}
