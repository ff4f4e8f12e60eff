// One worker as the planner meets them, under the mapping that most stories use, and shorthands for its plan.
import { type Instant, instantOf } from '../../src/base/instant.ts';
import type { LifecycleEvent } from '../../src/lifecycle/event.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { NO_FACTS, UNKNOWN } from '../../src/lifecycle/standing.ts';
import type { BoundMapping } from '../../src/mapping/bound-mapping.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import type { AccountPayload, AccountState, Situation } from '../../src/planning/changeset.ts';
import type { TargetAnswers } from '../../src/planning/plan-account.ts';
import { complete, type PlanRules, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { mappingText } from './mapping-text.ts';

export const NOW = instantOf('2026-11-23T11:00:00Z');
const HEADER = ['ID', 'First', 'Last', 'Status', 'Start', 'End', 'Manager', 'Dept', 'Title'];

export function mappingOf(text: string): BoundMapping {
  const read = readConnection('acme.yaml', text, { sha256 });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const bound = read.connection.bind(HEADER);
  if ('faults' in bound) throw new Error(JSON.stringify(bound.faults));
  return bound.mapping;
}

export const GROUPED = mappingText({
  '- { name: \'"All staff"\', authority: full, create: true }':
    '- { name: \'"All staff"\', authority: full, create: true }\n      - { name: \'"Dept " + worker.department\', create: true }',
});
export const mapping = mappingOf(GROUPED);
export const guarded = mappingOf(
  `${GROUPED}\nprotected: ['account.userName.startsWith("svc-")']\n`.replace('targets:', 'targets:'),
);

export const rulesWith = (bound: BoundMapping, now: Instant = NOW): PlanRules => ({
  mapping: bound,
  policy: DEFAULT_POLICY,
  now,
  actor: 'feed',
});

export function employed(change: Partial<Record<string, string>> = {}, asOf: Instant = NOW): Employment {
  const record = {
    ID: '104',
    First: 'Zoë',
    Last: 'Okafor',
    Status: 'A',
    Start: '2024-05-06',
    End: '',
    Manager: '',
    Dept: 'Sales',
    Title: 'Clerk',
    ...change,
  };
  const mapped = mapping.toEmployment(record, {}, asOf);
  if (mapped.kind !== 'employment') throw new Error(mapped.rejection.reason);
  return mapped.employment;
}

export const nobody: Situation = {
  key: '104',
  revision: 0,
  standing: UNKNOWN,
  employments: [],
  accounts: [],
  operations: [],
  suspicion: null,
  dueAt: null,
};

export const account = (change: Partial<AccountState> = {}): AccountState => ({
  target: 'idp',
  remoteId: 'r-1',
  etag: null,
  userName: 'zoe.okafor@example.com',
  externalId: '104',
  active: true,
  origin: 'created',
  known: desiredAttributes(employed()),
  managerKnown: '',
  managerOwed: '',
  groups: ['All staff', 'Dept Sales'],
  ...change,
});

export function desiredAttributes(employment: Employment) {
  const [target] = mapping.targets;
  if (target === undefined) throw new Error('no target');
  return target.desired({ key: employment.personId, employments: [employment] }, employment, null).attributes;
}

export const working = (change: Partial<Situation> = {}): Situation => ({
  ...nobody,
  revision: 3,
  standing: { stage: 'active', delivery: 'settled', facts: NO_FACTS },
  employments: [employed({}, instantOf('2026-11-20T00:00:00Z'))],
  accounts: [account()],
  ...change,
});

export const answer = (change: Partial<TargetAnswers> = {}): ReadonlyMap<string, TargetAnswers> =>
  new Map([
    [
      'idp',
      {
        userName: 'zoe.okafor@example.com',
        matches: [],
        foundBy: null,
        ownedElsewhere: new Set(),
        managerReady: false,
        nameHeld: false,
        ...change,
      },
    ],
  ]);

export const planned = (
  situation: Situation,
  seen: readonly Employment[],
  answers = answer(),
  rules = rulesWith(mapping),
  orders: readonly LifecycleEvent[] = [],
): WorkerPlan => complete(prepare(situation, seen, rules, orders), answers, rules);

export function payloadOf(plan: WorkerPlan): AccountPayload {
  const [first] = plan.change?.operations ?? [];
  if (first === undefined) throw new Error('nothing was planned');
  return first.payload as AccountPayload;
}
export const kinds = (plan: WorkerPlan) => plan.change?.operations.map(({ kind }) => kind) ?? [];
export const harms = (plan: WorkerPlan) => plan.harms.map(({ kind }) => kind);
