// One worker's account at one target as the planner meets it, and its plan in few words.
import { type Instant, instantOf } from '../../src/base/instant.ts';
import type {
  DesiredAccount,
  DesiredMembership,
  ListedAccount,
  TargetMapping,
} from '../../src/mapping/bound-mapping.ts';
import type {
  AccountPayload,
  AccountState,
  MembershipPayload,
  NewOperation,
  OpenOperation,
  OperationKind,
} from '../../src/planning/changeset.ts';
import {
  type AccountInput,
  type AccountPlan,
  planAccount,
  type TargetAnswers,
} from '../../src/planning/plan-account.ts';

export const NOW: Instant = instantOf('2026-11-23T11:00:00Z');

const unasked = (): never => {
  throw new Error('the planner of accounts asks no mapping');
};

/** Accounts named `svc-…` are protected. */
export const target = (change: Partial<TargetMapping> = {}): TargetMapping => ({
  name: 'idp',
  desired: unasked,
  trace: unasked,
  correlation: unasked,
  fullGroups: [],
  isProtected: ({ userName }) => userName?.startsWith('svc-') === true,
  deletes: false,
  ...change,
});

export const membership = (group: string, change: Partial<DesiredMembership> = {}): DesiredMembership => ({
  group,
  authority: 'additive',
  create: true,
  computed: false,
  ...change,
});

export const desired = (change: Partial<DesiredAccount> = {}): DesiredAccount => ({
  externalId: '7',
  userNames: ['ada@example.com'],
  userNameGenerated: true,
  attributes: { title: 'Clerk' },
  onCreateOnly: [],
  keepWhenBlank: [],
  memberships: [],
  managerKey: '',
  ...change,
});

export const account = (change: Partial<AccountState> = {}): AccountState => ({
  target: 'idp',
  remoteId: 'r-7',
  etag: null,
  userName: 'ada@example.com',
  externalId: '7',
  active: true,
  origin: 'created',
  known: { title: 'Clerk' },
  managerKnown: '',
  managerOwed: '',
  groups: [],
  ...change,
});

export const listed = (change: Partial<ListedAccount> = {}): ListedAccount => ({
  remoteId: 'r-9',
  externalId: '7',
  userName: 'ada@example.com',
  active: true,
  resource: { title: 'Clerk' },
  ...change,
});

export const payload = (change: Partial<AccountPayload> = {}): AccountPayload => ({
  userName: 'ada@example.com',
  externalId: '7',
  active: true,
  attributes: { title: 'Clerk' },
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
  ...change,
});

/** They change nothing but the access. */
const ENDING: ReadonlySet<OperationKind> = new Set(['disable', 'revokeSessions', 'delete']);

let ids = 0;
/** An open operation; its id tells it from all others. */
export const open = (
  kind: OperationKind,
  state: OpenOperation['state'] = 'queued',
  what: Partial<AccountPayload> = {},
  ambiguous = false,
): OpenOperation => {
  ids += 1;
  return {
    id: ids,
    target: 'idp',
    kind,
    lane: 'mover',
    state,
    payload: payload({ ...(ENDING.has(kind) ? { active: false, attributes: {} } : {}), ...what }),
    ...(ambiguous ? { ambiguous } : {}),
  };
};
export const openMember = (
  kind: 'addMember' | 'removeMember',
  group: string,
  state: OpenOperation['state'] = 'queued',
  ambiguous = false,
): OpenOperation => ({ ...open(kind, state, {}, ambiguous), payload: membership(group) });

export const answers = (change: Partial<TargetAnswers> = {}): TargetAnswers => ({
  userName: 'ada@example.com',
  matches: [],
  foundBy: null,
  ownedElsewhere: new Set(),
  managerReady: false,
  nameHeld: false,
  ...change,
});

/** Somebody at work with an account that is as it shall be. */
export const input = (change: Partial<AccountInput> = {}): AccountInput => ({
  workerKey: '7',
  target: target(),
  account: account(),
  open: [],
  replayed: [],
  stage: 'active',
  shallBeActive: true,
  shallHaveGroups: true,
  leaving: false,
  purging: false,
  endsSessions: false,
  desired: desired(),
  answers: answers(),
  lane: 'mover',
  transition: 'mover',
  now: NOW,
  ...change,
});

/** Somebody who has left, with an account that is still as it was. */
export const gone = (change: Partial<AccountInput> = {}): AccountInput =>
  input({ stage: 'left', shallBeActive: false, shallHaveGroups: false, desired: null, lane: 'leaver', ...change });

/** `update on ada@example.com manager=3 {"title":"Clerk"}`, `addMember Sales`; refused ones say by which code. */
export function inWords({ kind, payload: what, refused, undoes }: NewOperation): string {
  const said = 'group' in what ? groupInWords(what) : accountInWords(what);
  return [kind, said, undoes === true ? 'undoes' : '', refused === undefined ? '' : `REFUSED ${refused.code}`]
    .filter((word) => word !== '')
    .join(' ');
}
const groupInWords = ({ group }: MembershipPayload): string => group;
const accountInWords = ({ userName, active, managerKey, attributes }: AccountPayload): string =>
  [
    active ? 'on' : 'off',
    userName,
    managerKey === null ? '' : `manager=${managerKey}`,
    Object.keys(attributes).length === 0 ? '' : JSON.stringify(attributes),
  ]
    .filter((word) => word !== '')
    .join(' ');

export interface PlanInWords {
  readonly operations: readonly string[];
  readonly harms: readonly string[];
  readonly supersedes: readonly number[];
  /** The row to store. */
  readonly row: AccountState | null;
}

export function plan(of: AccountInput): PlanInWords & { readonly all: AccountPlan } {
  const all = planAccount(of);
  return {
    all,
    operations: all.operations.map(inWords),
    harms: all.harms.map(
      ({ kind, operation, attribute, before, after }) =>
        `${kind}: ${operation}${attribute === null ? '' : ` (${attribute})`}, ${before || '–'} → ${after || '–'}`,
    ),
    supersedes: all.supersedes,
    row: all.account,
  };
}
