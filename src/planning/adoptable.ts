// Whether the one account that was found may be taken over at all. What passes here still waits for a person's approval.

import type { DesiredAccount, ListedAccount } from '../mapping/bound-mapping.ts';
import { flatten, projected } from './account-changes.ts';

interface FoundAccount {
  /** Accounts among those found that belong to another worker, or that another one claims too. */
  readonly ownedElsewhere: ReadonlySet<string>;
  readonly foundBy: string | null;
}

/** Why it may not, whoever approves; null when it may. */
export function notAdoptable(
  { ownedElsewhere, foundBy }: FoundAccount,
  desired: DesiredAccount,
  match: ListedAccount,
): { readonly code: string; readonly detail: string } | null {
  if (ownedElsewhere.has(match.remoteId)) {
    return {
      code: 'already-owned',
      detail: 'the matching account belongs to another worker, or several workers claim it',
    };
  }
  const externalId = match.externalId ?? '';
  if (externalId !== '' && externalId !== desired.externalId) {
    return { code: 'foreign-account', detail: 'the matching account carries the externalId of somebody else' };
  }
  const weak = foundBy !== null && ADDRESSES.test(foundBy);
  return weak && externalId === '' && !agreesOnPerson(desired, match)
    ? {
        code: 'weak-match',
        detail: `nothing but userName or mail agrees with account "${match.remoteId}"; a person has to say that it is theirs`,
      }
    : null;
}

/** Addresses are handed on, shared and guessed: found by one of them, a second attribute must agree. */
const ADDRESSES = /^(userName|emails(\[.*)?)$/;

/** What tells persons apart besides their addresses; a title or department that agrees says nothing. */
const OF_A_PERSON = /^(name\.(familyName|formatted)|displayName|phoneNumbers\b.*|urn:.*:employeeNumber)$/;

function agreesOnPerson(desired: DesiredAccount, { resource }: ListedAccount): boolean {
  const there = flatten(projected(resource, desired.attributes));
  return [...flatten(desired.attributes)].some(
    ([path, value]) =>
      OF_A_PERSON.test(path) && String(there.get(path) ?? '').toLowerCase() === String(value).toLowerCase(),
  );
}
