// Which limits count now: the standard rows, lowered by the mapping, halved in the first cycle of a changed mapping or of a version that maps otherwise.
import { MAPPING_CODE_VERSION } from '../mapping/bound-mapping.ts';
import { halfLimits, LIMITS, type Limits, lowered } from '../planning/limits.ts';
import type { Store } from '../store/store.ts';
import type { House, LiveConnection } from './house.ts';

/** Digest of the mapping whose raised limits a person has approved. */
export const limitsApprovedKey = (connection: string): string => `limits-approved:${connection}`;
const acceptedKey = (connection: string): string => `mapping-accepted:${connection}`;
/** What rows are read by: the mapping's text, and the code that makes facts and accounts of it. */
const readBy = (mappingDigest: string): string => `${mappingDigest}@${MAPPING_CODE_VERSION}`;

export async function limitsOf(house: House, live: LiveConnection, firstLoad: boolean): Promise<Limits> {
  const { name, digest, guards } = live.connection;
  const raised = (await house.store.setting(limitsApprovedKey(name))) === digest;
  const { limits } = lowered(LIMITS, guards, raised);
  const accepted = await house.store.setting(acceptedKey(name));
  return !firstLoad && accepted !== null && accepted !== readBy(digest) ? halfLimits(limits) : limits;
}

/** What the rows on file were read by: mapping digest and code version; '' before any mapping was accepted. */
export async function acceptedMapping(store: Pick<Store, 'setting'>, connection: string): Promise<string> {
  const accepted = await store.setting(acceptedKey(connection));
  return typeof accepted === 'string' ? accepted : '';
}

/** It has run a whole cycle: from now on its limits are whole. */
export async function acceptMapping(house: House, live: LiveConnection): Promise<void> {
  const { name, digest, text } = live.connection;
  if ((await house.store.setting(acceptedKey(name))) === readBy(digest)) return;
  await house.store.saveMapping(digest, name, text);
  await house.store.saveSetting(acceptedKey(name), readBy(digest));
}
