// Who stands where: what the store says of each worker beside the account as it really stands at the endpoint.
import { type CalendarDate, dayIn } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Stage } from '../lifecycle/standing.ts';
import type { Store } from '../store/store.ts';
import { DEMO_CONNECTION } from './demo-house.ts';
import type { EmbeddedEndpoint } from './endpoint.ts';

export interface RosterAccount {
  readonly userName: string;
  readonly active: boolean;
  /** Display name of the manager whose reference the account carries; '' without one. */
  readonly manager: string;
  readonly groups: readonly string[];
}

export interface RosterEntry {
  readonly key: string;
  readonly name: string;
  readonly stage: Stage;
  readonly department: string;
  readonly managerId: string;
  readonly startDate: CalendarDate | null;
  /** The last day with access; null means open. */
  readonly endDate: CalendarDate | null;
  /** The day that it is where this person works. */
  readonly today: CalendarDate;
  /** Null where the endpoint has none. */
  readonly account: RosterAccount | null;
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Everybody on file, in the order of their keys. */
export async function rosterOf(
  store: Store,
  endpoint: EmbeddedEndpoint,
  now: Instant,
): Promise<readonly RosterEntry[]> {
  const keys: string[] = [];
  for await (const ids of store.allEmploymentIds(DEMO_CONNECTION)) keys.push(...ids);
  const situations = await store.situations(DEMO_CONNECTION, keys);
  const accounts = accountsAt(endpoint);
  return [...situations.values()]
    .map((situation): RosterEntry => {
      const [employment] = situation.employments;
      const attribute = (name: string): string => String(employment?.attributes[name] ?? '');
      return {
        key: situation.key,
        name: [attribute('givenName'), attribute('familyName')].filter((part) => part !== '').join(' '),
        stage: situation.standing.stage,
        department: attribute('department'),
        managerId: employment?.managerId ?? '',
        startDate: employment?.startDate ?? null,
        endDate: employment?.endDate ?? null,
        today: dayIn(now, employment?.timeZone ?? 'UTC'),
        account: accounts.get(situation.key) ?? null,
      };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** By externalId, which is the worker's key. */
function accountsAt(endpoint: EmbeddedEndpoint): ReadonlyMap<string, RosterAccount> {
  const users = endpoint.users();
  const nameOf = new Map(users.map((user) => [text(user.id), text(user.displayName)]));
  const groupsOf = new Map<string, string[]>();
  for (const group of endpoint.groups()) {
    const members = Array.isArray(group.members) ? (group.members as readonly JsonObject[]) : [];
    for (const { value } of members) {
      const names = groupsOf.get(text(value)) ?? [];
      names.push(text(group.displayName));
      groupsOf.set(text(value), names);
    }
  }
  return new Map(
    users.map((user) => {
      const manager = ((user[ENTERPRISE] as JsonObject | undefined)?.manager as JsonObject | undefined)?.value;
      const account: RosterAccount = {
        userName: text(user.userName),
        active: user.active === true,
        manager: nameOf.get(text(manager)) ?? '',
        groups: (groupsOf.get(text(user.id)) ?? []).sort(),
      };
      return [text(user.externalId), account];
    }),
  );
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
