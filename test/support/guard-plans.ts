import { createHash } from 'node:crypto';
import { instantOf } from '../../src/base/instant.ts';
import type { Candidate, GuardInput } from '../../src/planning/guard.ts';
import type { Harm, HarmKind } from '../../src/planning/harm.ts';
import { itemDigest } from '../../src/planning/hold-items.ts';
import { LIMITS } from '../../src/planning/limits.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const MAPPING_DIGEST = sha256('mapping');

const OPERATIONS: Record<HarmKind, string> = {
  inferredLeaver: 'disable',
  explicitLeaver: 'disable',
  emergencyLeaver: 'disable',
  delete: 'delete',
  membershipRemoved: 'leave group Staff',
  valueBlanked: 'blank title',
  rename: 'change userName',
  attributeChanged: 'change title',
  adoption: 'adopt 2819c223',
  protectedRescind: 'undo an ordered leave',
  absence: 'disable',
  erased: 'take up again',
  merge: 'join with another worker',
};

export function aHarm(kind: HarmKind, workerKey: string, over: Partial<Harm> = {}): Harm {
  const attribute = kind === 'valueBlanked' || kind === 'attributeChanged' ? 'title' : null;
  return { kind, workerKey, target: 'idp', operation: OPERATIONS[kind], attribute, before: 'a', after: 'b', ...over };
}

/** A worker whose change does this harm. */
export const doing = (kind: HarmKind, workerKey: string, over: Partial<Harm> = {}): Candidate => ({
  workerKey,
  harms: [aHarm(kind, workerKey, over)],
});

/** `count` workers `w1` … who all do this harm. */
export const many = (kind: HarmKind, count: number, over: Partial<Harm> = {}, prefix = 'w'): readonly Candidate[] =>
  Array.from({ length: count }, (_, index) => doing(kind, `${prefix}${index + 1}`, over));

export const digestsOf = (candidates: readonly Candidate[]): ReadonlySet<string> =>
  new Set(candidates.flatMap(({ harms }) => harms.map((harm) => itemDigest(harm, MAPPING_DIGEST, sha256))));

export function guardInput(
  active: number,
  candidates: readonly Candidate[],
  over: Partial<GuardInput> = {},
): GuardInput {
  return {
    connection: 'acme',
    now: instantOf('2026-03-02T08:00:00Z'),
    population: { workers: active, active },
    candidates,
    used: { hour: [], day: [], week: [] },
    approvals: new Set(),
    discards: new Set(),
    limits: LIMITS,
    mappingDigest: MAPPING_DIGEST,
    sha256,
    firstLoad: false,
    ...over,
  };
}
