// How many rows a delivery rejects that the last accepted one did not: the guard's measure of a feed gone bad.
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { House } from './house.ts';

export const baselineKey = (connection: string): string => `rejections-accepted:${connection}`;
export const rejectionName = ({ key, code }: Rejection): string => `${key ?? ''} ${code}`;

/**
 * Rejections that were not there in the last delivery that passed this limit. Compared with one that did not pass, a bad
 * feed would pass at its second reading.
 */
export async function newlyRejected(
  house: House,
  connection: string,
  reading: { readonly rejections: readonly Rejection[]; readonly rejected: number },
): Promise<number> {
  const before = ((await house.store.setting(baselineKey(connection))) ?? []) as readonly string[];
  const left = new Map<string, number>();
  for (const name of before) left.set(name, (left.get(name) ?? 0) + 1);
  let fresh = Math.max(0, reading.rejected - reading.rejections.length);
  for (const rejection of reading.rejections) {
    const name = rejectionName(rejection);
    const known = left.get(name) ?? 0;
    if (known > 0) left.set(name, known - 1);
    else fresh += 1;
  }
  return fresh;
}
