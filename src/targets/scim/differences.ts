// What an operation has to change: between the payload and what is known of the account, or what the target itself just said.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { changesBetween, projected } from '../../planning/account-changes.ts';
import type { AccountPayload, AccountState } from '../../planning/changeset.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import type { Sendable } from '../target.ts';
import { sameName } from './correlate.ts';
import { wholeLists } from './overlay.ts';
import { type PatchOperation, patchOperations } from './patch.ts';
import type { Profile } from './profiles.ts';
import { activeOf, managerOf } from './responses.ts';

/** The account as it stands, as far as somebody told us. */
export interface Standing {
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly active: boolean | null;
  readonly attributes: JsonObject;
  /** Whether a manager's reference stands there, and whether it is the one the payload asks for. */
  readonly manager: 'none' | 'other' | 'wanted';
}

export function fromAccount({ account, payload }: Sendable): Standing {
  const { managerKey } = payload as AccountPayload;
  return {
    userName: account.userName,
    externalId: account.externalId,
    active: account.active,
    attributes: account.known,
    manager: managerStanding(managerKey === null || managerKey === account.managerKnown, account.managerKnown),
  };
}

export function fromResource(operation: Sendable, resource: JsonObject, profile: Profile): Standing {
  const payload = operation.payload as AccountPayload;
  const manager = managerOf(resource, profile.manager.path);
  return {
    userName: textOf(resource, 'userName'),
    externalId: textOf(resource, 'externalId'),
    active: activeOf(resource),
    attributes: seenOf(operation, resource),
    manager: managerStanding(
      payload.managerKey === null || manager === (payload.managerKey === '' ? '' : operation.managerRemoteId),
      manager,
    ),
  };
}

const managerStanding = (wanted: boolean, present: string): Standing['manager'] =>
  wanted ? 'wanted' : present === '' ? 'none' : 'other';

/** The target's resource cut to what we speak of: the values we want and those we wrote before. */
export function seenOf({ account, payload, kind }: Sendable, resource: JsonObject): JsonObject {
  const wanted = (payload as AccountPayload).attributes;
  const seen = projected(resource, bothShapes(account.known, wanted));
  // A password is never read back (RFC 7643 section 4.1.1): what we sent last is what stands there.
  const password = account.known.password ?? (kind === 'create' ? wanted.password : undefined);
  return password === undefined ? seen : { ...seen, password };
}

export type Activation = 'send' | 'ifDifferent' | 'leave';

/** Only what differs. `active` is sent by an enable in any case, and never by an update: a late mover must not revive a leaver. */
export function differences(
  operation: Sendable,
  standing: Standing,
  profile: Profile,
  activation: Activation,
): readonly PatchOperation[] {
  const payload = operation.payload as AccountPayload;
  const changes = changesBetween(standing.attributes, payload.attributes, payload);
  const byType = patchOperations(changes, standing.attributes, payload.attributes);
  const operations = [...(profile.patch.lists === 'whole' ? wholeLists(byType, standing.attributes) : byType)];
  if (!sameName(standing.userName, payload.userName) && payload.userName !== '') {
    operations.push({ op: 'replace', path: 'userName', value: payload.userName });
  }
  if (standing.externalId !== payload.externalId && payload.externalId !== '') {
    operations.push({ op: 'replace', path: 'externalId', value: payload.externalId });
  }
  if (standing.manager !== 'wanted') {
    if (payload.managerKey === '') operations.push({ op: 'remove', path: profile.manager.path });
    else if (operation.managerRemoteId !== null) {
      operations.push(managerOperation(standing.manager, operation.managerRemoteId, profile));
    }
  }
  if (activation === 'send' || (activation === 'ifDifferent' && standing.active !== payload.active)) {
    operations.push({ op: 'replace', path: 'active', value: activation === 'send' ? true : payload.active });
  }
  return operations;
}

function managerOperation(standing: 'none' | 'other', id: string, { manager }: Profile): PatchOperation {
  const op = standing === 'none' ? 'add' : 'replace';
  return manager.patch === 'object'
    ? { op, path: manager.path, value: { value: id } }
    : { op, path: `${manager.path}.value`, value: id };
}

export const DISABLE: readonly PatchOperation[] = [{ op: 'replace', path: 'active', value: false }];

/** One object that has the members of both; where both have one, elements of lists are joined by their type. */
export function bothShapes(known: JsonObject, desired: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...known };
  for (const [key, value] of Object.entries(desired)) {
    const other = result[key];
    if (isObject(other) && isObject(value)) result[key] = bothShapes(other, value);
    else if (Array.isArray(other) && Array.isArray(value)) result[key] = bothLists(other, value);
    else result[key] = value;
  }
  return result;
}

function bothLists(known: readonly JsonValue[], desired: readonly JsonValue[]): readonly JsonValue[] {
  const typeOf = (element: JsonValue) => (isObject(element) && typeof element.type === 'string' ? element.type : null);
  if ([...known, ...desired].some((element) => typeOf(element) === null)) return desired;
  const byType = new Map<string | null, JsonValue>();
  for (const element of [...known, ...desired]) {
    const before = byType.get(typeOf(element));
    byType.set(typeOf(element), isObject(before) && isObject(element) ? bothShapes(before, element) : element);
  }
  return [...byType.values()];
}

/** The id in a path: issued, or shown as still to come. */
export const idShown = (account: AccountState, workerKey: string): string => account.remoteId ?? `<id:${workerKey}>`;
