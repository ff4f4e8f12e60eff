// One worker's record as the identity source takes it: texts only, whole, within the lengths that are documented [O2].
import type { JsonObject } from '../../base/json.ts';
import type { OktaSettings } from '../../mapping/okta-schema.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import type { Sendable } from '../target.ts';

export interface Entity {
  readonly externalId: string;
  readonly profile: Readonly<Record<string, string>>;
}

const EXTERNAL_ID_MAX = 512;
/** Members of a group are known by shorter ids. */
export const MEMBER_ID_MAX = 255;
const LENGTHS: Readonly<Record<string, readonly [number, number]>> = {
  userName: [1, 100],
  email: [5, 100],
  firstName: [1, 50],
  lastName: [1, 50],
  mobilePhone: [0, 100],
};
/** What may not be blank is never cleared. */
const NEEDED = ['userName', 'email'];

/** Never half a record: what an upsert does with what is left out is not documented. */
export function entityOf(
  { payload, account, managerRemoteId }: Sendable,
  { manager, blanks }: OktaSettings,
): Entity | { readonly refused: string } {
  const { userName, externalId, attributes, onCreateOnly, keepWhenBlank, managerKey } = payload as AccountPayload;
  const stands = account.remoteId !== null;
  const profile: Record<string, string> = { userName };
  for (const [name, value] of Object.entries(attributes)) {
    // What was sent with the new account only keeps what stands there.
    const sent = stands && onCreateOnly.includes(name) ? account.known[name] : value;
    if (typeof sent === 'string') profile[name] = sent;
    else if (sent !== undefined) return { refused: `${name} is no text, and Okta takes texts only` };
  }
  if (blanks === 'empty')
    for (const name of Object.keys(account.known))
      if (!Object.hasOwn(profile, name) && !keepWhenBlank.includes(name) && !NEEDED.includes(name)) profile[name] = '';
  if (manager !== '') {
    const key =
      managerKey === null || (managerKey !== '' && managerRemoteId === null) ? account.managerKnown : managerKey;
    if (key !== '') profile[manager] = key;
    else if (blanks === 'empty' && account.managerKnown !== '') profile[manager] = '';
  }
  const fault = lengthFault(externalId, profile);
  return fault === null ? { externalId, profile } : { refused: fault };
}

function lengthFault(externalId: string, profile: Readonly<Record<string, string>>): string | null {
  if (externalId === '') return 'the external id is blank';
  if (externalId.length > EXTERNAL_ID_MAX) return `the external id is longer than ${EXTERNAL_ID_MAX} characters`;
  for (const name of NEEDED) if ((profile[name] ?? '') === '') return `${name} is blank, and Okta needs it`;
  for (const [name, [least, most]] of Object.entries(LENGTHS)) {
    const text = profile[name];
    if (text === undefined || (text === '' && !NEEDED.includes(name))) continue;
    if (text.length < least || text.length > most)
      return `${name} has ${text.length} characters, and Okta takes ${least} to ${most}`;
  }
  return null;
}

/** What an account's values look like to the rest of the house. */
export const textsOf = (profile: JsonObject): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(profile).flatMap(([name, value]) =>
      typeof value === 'string' && value !== '' ? [[name, value]] : [],
    ),
  );
