// One story's stage: a vendor's endpoint, the production target with a profile in front of it, and the account as the store
// would know it after each delivery.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import type { AccountPayload, AccountState, OperationKind } from '../../../src/planning/changeset.ts';
import { PROFILES, type Profile } from '../../../src/targets/scim/profiles.ts';
import type { ScimTargetSettings } from '../../../src/targets/scim/scim-target.ts';
import type { Delivered, Sendable } from '../../../src/targets/target.ts';
import type { LoggedRequest } from '../../support/fake-idp.ts';
import { accountOf, type Desk, membership, noAccount, openDesk, operation, TOKEN } from '../../support/scim-desk.ts';
import type { Quirk, Resource, Vendor } from './quirk.ts';
import { resourceOf, startVendorFake, type VendorFake, type VendorFakeOptions } from './vendor-fake.ts';

/** How the same vendor is met: what the connection file says, and which of its moods the endpoint is in. */
export interface Meeting {
  readonly name: string;
  readonly vendor: Vendor;
  readonly settings?: Partial<Omit<ScimTargetSettings, 'profile'>>;
  readonly also?: readonly Quirk[];
  readonly change?: VendorFakeOptions['change'];
  /** The endpoint was asked what it can do, and answered, before the story begins. */
  readonly acquainted?: true;
  /** In place of the usual token. */
  readonly token?: string;
  /** Changes of the profile: a quirk that is taken out of it. */
  readonly profile?: Partial<Profile>;
}

export interface Scene {
  readonly meeting: Meeting;
  readonly fake: VendorFake;
  readonly desk: Desk;
  readonly profile: Profile;
  readonly person: (n: number) => AccountPayload;
  /** The user as stored at the endpoint; of somebody it does not have, undefined. */
  readonly user: (payload: AccountPayload) => Resource | undefined;
  readonly send: (
    kind: OperationKind,
    payload: AccountPayload,
    account?: AccountState,
    change?: Partial<Sendable>,
  ) => Promise<Delivered>;
  /** Several at once, as the pipeline hands over what may travel together. */
  readonly many: (
    kind: OperationKind,
    payloads: readonly AccountPayload[],
    accounts: readonly AccountState[],
  ) => readonly Promise<Delivered>[];
  /** Creates person `n` and hands back the account as the store then knows it. */
  readonly join: (n: number) => Promise<AccountState>;
  /** The account after `payload` was delivered. */
  readonly after: (payload: AccountPayload, delivered: Delivered, before: AccountState) => AccountState;
  /** Requests since `mark` was called last, discovery apart. */
  readonly mark: () => void;
  readonly asked: (method?: string) => readonly LoggedRequest[];
  readonly seedUsers: (count: number) => readonly string[];
  readonly members: (group: string) => readonly string[];
  readonly memberships: (
    kind: 'addMember' | 'removeMember',
    group: string,
    ids: readonly string[],
    change?: Parameters<typeof membership>[3],
  ) => Promise<readonly Delivered[]>;
  /** Has the endpoint asked what it can do, and waits until that is known. */
  readonly acquainted: () => Promise<void>;
  /** Paths of discovery that were asked. */
  readonly discoveries: () => readonly string[];
}

export type Story = (scene: Scene) => Promise<void>;

const DISCOVERY = /^\/(?:serviceproviderconfig|resourcetypes|schemas)$/i;
/** Turns of the event loop in which an answer that was sent is surely read. */
const TURNS_MAX = 2_000;
const QUIET_TURNS = 3;

/** Plays one story; what the endpoint refused as a broken rule fails it, unless the story is about that. */
export async function play(meeting: Meeting, story: Story, tolerates: boolean): Promise<void> {
  const { vendor, settings = {}, also = [], change } = meeting;
  let nowMs = Date.parse('2027-03-01T08:00:00Z');
  const profile: Profile = { ...PROFILES[vendor.name], ...meeting.profile };
  const asked: string[] = [];
  await using fake = await startVendorFake(vendor, {
    token: TOKEN,
    also,
    now: () => nowMs,
    ...(change === undefined ? {} : { change }),
    onDiscovery: (path) => asked.push(path),
  });
  await using desk = openDesk(fake.url, {
    ...settings,
    token: () => meeting.token ?? TOKEN,
    perSecond: profile.account.perSecond,
    like: profile,
    now: () => nowMs,
    wait: async (ms) => {
      const until = nowMs + ms;
      // Time goes on when every request that left has its answer: they arrive at the moment at which they were allowed.
      for (let quiet = 0, turns = 0; quiet < QUIET_TURNS && turns < TURNS_MAX; turns += 1) {
        await turn();
        quiet = desk.intents.length === desk.answers.length ? quiet + 1 : 0;
      }
      nowMs = Math.max(nowMs, until);
    },
  });
  let from = 0;
  const requests = () => fake.idp.log.filter(({ path }) => !DISCOVERY.test(path.split('?')[0] as string));
  const send: Scene['send'] = (kind, payload, account, sendable) =>
    desk.deliver(operation(kind, payload, account ?? noAccount(payload), sendable));
  const scene: Scene = {
    meeting,
    fake,
    desk,
    profile,
    person: vendor.person,
    user: ({ externalId }) => [...fake.idp.users.values()].find((user) => user.externalId === externalId),
    send,
    many: (kind, payloads, accounts) => {
      const passengers = payloads.map((payload, index) => ({
        operation: operation(kind, payload, accounts[index], { id: index + 1 }),
        journal: desk.journal,
      }));
      return desk.target.batchMax() === null
        ? passengers.map((passenger) => desk.deliver(passenger.operation))
        : desk.target.deliverMany(passengers, new AbortController().signal);
    },
    join: async (n) => {
      const payload = vendor.person(n);
      const delivered = await send('create', payload);
      expect(delivered.outcome).toMatchObject({ class: 'done' });
      return scene.after(payload, delivered, noAccount(payload));
    },
    after: (payload, { account }, before) =>
      accountOf(payload, account?.remoteId ?? before.remoteId ?? '', {
        etag: account?.etag ?? null,
        managerKnown: payload.managerKey ?? before.managerKnown,
        active: account?.active ?? before.active,
      }),
    mark: () => {
      from = requests().length;
    },
    asked: (method) =>
      requests()
        .slice(from)
        .filter((request) => method === undefined || request.method === method),
    seedUsers: (count) =>
      Array.from({ length: count }, (_, index) => {
        const id = `seed-${index}`;
        const meta = { resourceType: 'User', version: 'W/"0"', location: `/Users/${id}` };
        fake.idp.users.set(id, { ...resourceOf(vendor, 10_000 + index), id, meta });
        return id;
      }),
    members: (group) => fake.idp.members(group),
    memberships: (kind, group, ids, sendable) =>
      desk.memberships(ids.map((id) => membership(kind, group, id, sendable))),
    acquainted: async () => {
      await send('disable', vendor.person(99_999));
      for (let turns = 0; turns < TURNS_MAX && asked.length < 3; turns += 1) await turn();
      // The last answer was sent; a whole exchange later the target has read it.
      for (let times = 0; times < 3; times += 1) await send('disable', vendor.person(99_999));
    },
    discoveries: () => asked,
  };
  if (meeting.acquainted === true) {
    await scene.acquainted();
    // A second in which the endpoint was asked counts for its throttle, and not for ours.
    nowMs += 2_000;
    scene.mark();
  }
  await story(scene);
  if (!tolerates) expect(fake.breaches).toEqual([]);
}

/** A payload with other attributes; undefined takes one away. */
export function changed(
  payload: AccountPayload,
  attributes: { readonly [key: string]: JsonObject[string] | undefined },
): AccountPayload {
  const next = Object.entries({ ...payload.attributes, ...attributes }).filter(([, value]) => value !== undefined);
  return { ...payload, attributes: Object.fromEntries(next) as JsonObject };
}
