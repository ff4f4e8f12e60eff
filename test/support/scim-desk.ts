// A target on a fake or embedded endpoint, with a journal that remembers, and operations as the pipeline would hand them over.
import type { JsonObject } from '../../src/base/json.ts';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import type { AccountPayload, AccountState, OperationKind } from '../../src/planning/changeset.ts';
import type { Access } from '../../src/runtime/access/access.ts';
import { bearer } from '../../src/runtime/access/credentials.ts';
import type { Profile } from '../../src/targets/scim/profiles.ts';
import { type ScimTargetDeps, type ScimTargetSettings, scimTarget } from '../../src/targets/scim/scim-target.ts';
import type { Delivered, Journal, Sendable, ShownRequest, Target } from '../../src/targets/target.ts';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const TOKEN = 'correct-horse';

export interface Desk extends AsyncDisposable {
  readonly target: Target;
  readonly journal: Journal;
  readonly intents: ShownRequest[];
  readonly answers: { readonly request: ShownRequest; readonly outcome: Outcome }[];
  /** What the target waited for, in milliseconds; the waits themselves take no time. */
  readonly waits: number[];
  readonly deliver: (operation: Sendable, signal?: AbortSignal) => Promise<Delivered>;
  readonly memberships: (operations: readonly Sendable[]) => Promise<readonly Delivered[]>;
}

export function openDesk(
  baseUrl: string,
  options: Partial<ScimTargetSettings> & {
    readonly profile?: never;
    /** The bearer token, asked for with each request. */
    readonly token?: () => string;
    /** In place of a token. */
    readonly access?: Access;
    readonly now?: () => number;
    readonly like?: Profile;
    /** Without it a wait takes no time. */
    readonly wait?: ScimTargetDeps['wait'];
  } = {},
): Desk {
  const intents: ShownRequest[] = [];
  const answers: { request: ShownRequest; outcome: Outcome }[] = [];
  const waits: number[] = [];
  const { token, access, now, wait, like, ...settings } = options;
  const target = scimTarget(
    {
      name: 'idp',
      baseUrl,
      concurrency: 8,
      perSecond: null,
      timeoutMs: 10_000,
      discover: false,
      deletes: true,
      ...settings,
      profile: 'generic',
    },
    {
      credentials: access?.credentials ?? bearer(token ?? (() => TOKEN)),
      ...(access === undefined ? {} : { transport: access.transport }),
      now: now ?? Date.now,
      wait: (ms, signal) => {
        waits.push(ms);
        return wait?.(ms, signal) ?? Promise.resolve();
      },
      random: () => 0.5,
      userAgent: 'Rollcall/test',
    },
    like,
  );
  const journal: Journal = {
    intent: (request) => {
      intents.push(request);
      return Promise.resolve();
    },
    answer: (request, outcome) => {
      answers.push({ request, outcome });
    },
  };
  const signal = new AbortController().signal;
  return {
    target,
    journal,
    intents,
    answers,
    waits,
    deliver: (operation, own = signal) => target.deliver(operation, journal, own),
    memberships: (operations) => target.deliverMemberships(operations, journal, signal),
    [Symbol.asyncDispose]: () => target.close(),
  };
}

export const ALICE: AccountPayload = {
  userName: 'alice.doe@example.com',
  externalId: '007',
  active: true,
  attributes: {
    name: { givenName: 'Alice', familyName: 'Doe' },
    title: 'Clerk',
    emails: [{ value: 'alice.doe@example.com', type: 'work', primary: true }],
    [ENTERPRISE]: { employeeNumber: '007', department: 'Sales' },
  },
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
};

/** The account of somebody nothing was sent for yet. */
export const noAccount = (payload: AccountPayload): AccountState => ({
  target: 'idp',
  remoteId: null,
  etag: null,
  userName: payload.userName,
  externalId: payload.externalId,
  active: null,
  origin: 'created',
  known: {},
  managerKnown: '',
  managerOwed: '',
  groups: [],
});

/** The account as it stands after `payload` was delivered. */
export const accountOf = (
  payload: AccountPayload,
  remoteId: string,
  change: Partial<AccountState> = {},
): AccountState => ({
  ...noAccount(payload),
  remoteId,
  active: payload.active,
  known: payload.attributes,
  managerKnown: payload.managerKey ?? '',
  ...change,
});

export const operation = (
  kind: OperationKind,
  payload: AccountPayload,
  account: AccountState = noAccount(payload),
  change: Partial<Sendable> = {},
): Sendable => ({
  id: 1,
  workerKey: payload.externalId,
  kind,
  payload,
  account,
  managerRemoteId: null,
  ambiguous: false,
  groupRemoteId: null,
  ...change,
});

export const membership = (
  kind: 'addMember' | 'removeMember',
  group: string,
  remoteId: string,
  change: Partial<Sendable> & { readonly create?: boolean } = {},
): Sendable => {
  const { create, ...rest } = change;
  return {
    ...operation(kind, ALICE, accountOf(ALICE, remoteId)),
    payload: { group, create: create ?? false, computed: false, authority: 'full' },
    ...rest,
  };
};

/** A user resource as an endpoint holds it. */
export const resourceOf = (payload: AccountPayload, change: JsonObject = {}): Record<string, unknown> => ({
  externalId: payload.externalId,
  userName: payload.userName,
  active: payload.active,
  ...structuredClone(payload.attributes),
  ...change,
});
