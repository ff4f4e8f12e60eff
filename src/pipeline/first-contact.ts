// Before the first write to a target its accounts are listed once, so that people who have an account already are found
// and names that exist there are not given again.
import { Problem } from '../base/problem.ts';
import type { CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import { textAt } from '../planning/account-changes.ts';
import { nowOf } from '../runtime/clock.ts';
import type { House, LiveConnection } from './house.ts';

export interface Contacts {
  /** Targets listed now. */
  readonly met: readonly string[];
}

export async function meetTargets(
  house: House,
  live: LiveConnection,
  options: { readonly signal: AbortSignal; readonly actor: string },
): Promise<Contacts> {
  const met: string[] = [];
  for (const settings of live.connection.targets) {
    const target = live.targets.get(settings.name);
    if (target === undefined) continue;
    const contact = await house.store.contact(target.name);
    if (contact !== null && contact.baseUrl === target.baseUrl) continue;
    if (contact !== null) {
      throw new Problem({
        code: 'target.moved',
        message: `target ${target.name} was met at ${contact.baseUrl}, the file now says ${target.baseUrl}`,
        hint: 'accounts belong to the endpoint they were made at: give the new endpoint a name of its own',
      });
    }
    const valuesOf = (account: ListedAccount): readonly CorrelationValue[] =>
      settings.correlate.flatMap((path) => {
        const value =
          path === 'externalId'
            ? (account.externalId ?? '')
            : path === 'userName'
              ? (account.userName ?? '')
              : textAt(account.resource, path);
        return value === '' ? [] : [{ path, value }];
      });
    const found = await house.store.replaceInventory(target.name, target.list(options.signal), valuesOf);
    await house.store.saveContact(target.name, { baseUrl: target.baseUrl, listedAt: nowOf(house.clock) });
    await house.store.commit({
      connection: live.connection.name,
      at: nowOf(house.clock),
      entries: [
        {
          kind: 'contact',
          connection: live.connection.name,
          workerKey: null,
          actor: options.actor,
          body: { target: target.name, baseUrl: target.baseUrl, accounts: found },
        },
      ],
    });
    house.log.info({ target: target.name, accounts: found }, 'target met for the first time');
    met.push(target.name);
  }
  return { met };
}
