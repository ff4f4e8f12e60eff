// Why somebody is in a plan: their record changed, or only what is made of it, or the date, or nobody wrote them any more.
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { Inspected } from '../pipeline/intake.ts';
import type { Planned } from '../pipeline/planned-spool.ts';

/**
 * `feed`: their row is new or differs from the one that was read last. `mapping`: the very rows that were read last lead
 * elsewhere, since the mapping, the version, the format or the zones changed. `absence`: the delivery proves that the record is
 * gone. `date`: a moment has come. `released`: something held is looked at again. `unknown`: which rows are new cannot be told.
 */
export const CAUSES = ['feed', 'mapping', 'absence', 'date', 'released', 'unknown'] as const;
export type Cause = (typeof CAUSES)[number];

export type CauseOf = (planned: Planned) => Cause;

/** Loads the rows of the delivery before this one: what was read then is not news. */
export async function causesIn(
  house: House,
  { connection }: LiveConnection,
  { context, before, due }: Inspected,
): Promise<CauseOf> {
  const known = before === null ? null : await house.store.knownRows(connection.name, before.contextDigest);
  // A pilot under a changed mapping has begun to write down its own rows in place of those.
  const lost = known !== null && known.size === 0 && (before?.rows ?? 0) > 0;
  const otherRules = before !== null && before.contextDigest !== context;
  return ({ plan, observed }) => {
    if (observed.employments.some(({ absent }) => absent !== undefined)) return 'absence';
    const digests = observed.fingerprints.flatMap((one) => one.digests);
    if (digests.length === 0) {
      if (due.has(plan.key)) return 'date';
      return observed.employments.length > 0 || observed.fingerprints.length > 0 ? 'feed' : 'released';
    }
    if (known === null) return 'feed';
    if (lost) return 'unknown';
    const news = digests.some((row) => known.indexOf(Buffer.from(row, 'hex')) < 0);
    if (news) return 'feed';
    return otherRules ? 'mapping' : due.has(plan.key) ? 'date' : 'released';
  };
}
