// One worker as bulkUpload wants them: always the complete record, always with `active` (an update without it disabled accounts,
// https://github.com/AzureAD/entra-id-inbound-provisioning/issues/16), the manager by the value that the app matches by. Pure.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { flatten } from '../../planning/account-changes.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import { overlaid } from '../scim/overlay.ts';
import type { PatchOperation } from '../scim/patch.ts';
import type { Sendable } from '../target.ts';

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export interface RecordRules {
  /** `externalId`, `userName`, or a flattened path. */
  readonly matching: string;
  /** Whether null clears a value there. */
  readonly flowNull: boolean;
}

/** `null` in `matching`: the record carries nothing that it could be found by, and must not be sent. */
export interface UploadRecord {
  readonly data: JsonObject;
  readonly matching: string | null;
  readonly active: boolean;
}

/** @see https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-post-bulkupload */
export function uploadRecord(operation: Sendable, rules: RecordRules): UploadRecord {
  const payload = operation.payload as AccountPayload;
  const ends = operation.kind === 'disable';
  const active = ends ? false : payload.active;
  const userName = ends ? operation.account.userName || payload.userName : payload.userName;
  const externalId = ends ? operation.account.externalId || payload.externalId : payload.externalId;
  const attributes = withManager(complete(operation, rules.flowNull), operation, rules.flowNull);
  const extensions = Object.keys(attributes).filter((name) => name.startsWith('urn:'));
  const data: JsonObject = {
    schemas: [USER_SCHEMA, ...extensions],
    ...(externalId === '' ? {} : { externalId }),
    userName,
    active,
    ...attributes,
  };
  return { data, matching: matchingOf({ externalId, userName, attributes }, rules.matching), active };
}

/** By what the account of this worker is found: its name, once it is confirmed, and before that what the record will carry. */
export function matchingOf(
  record: { readonly externalId: string; readonly userName: string; readonly attributes: JsonObject },
  matching: string,
): string | null {
  if (matching === 'externalId' || matching === 'userName') return record[matching] === '' ? null : record[matching];
  const value = flatten(record.attributes).get(matching);
  return value === undefined || typeof value === 'object' || String(value) === '' ? null : String(value);
}

/**
 * Everything that the account shall hold, and what it keeps by a rule: a value that is sent once stays as it was sent, and a blank
 * one that is kept stays as it is known. A disable says what is known, so that it changes nothing but the access.
 */
function complete({ kind, payload, account }: Sendable, flowNull: boolean): JsonObject {
  const { attributes, onCreateOnly, keepWhenBlank } = payload as AccountPayload;
  if (kind === 'disable' && Object.keys(attributes).length === 0) return withoutPassword(account.known);
  if (kind === 'create' && account.remoteId === null) return attributes;
  const wanted = flatten(attributes);
  const known = flatten(account.known);
  const rules: PatchOperation[] = [];
  for (const path of wanted.keys()) {
    if (!covers(onCreateOnly, path)) continue;
    const sent = known.get(path);
    rules.push(sent === undefined ? { op: 'remove', path: scimPath(path) } : replaced(path, sent));
  }
  for (const [path, value] of known) {
    if (wanted.has(path)) continue;
    if (covers(keepWhenBlank, path) || covers(onCreateOnly, path)) rules.push(replaced(path, value));
    // Only single values can be cleared: https://learn.microsoft.com/entra/identity/app-provisioning/clear-attribute-values
    else if (flowNull && !path.includes('[') && !Array.isArray(value)) rules.push(replaced(path, null));
  }
  return withoutPassword(overlaid(attributes, rules, false));
}

const replaced = (path: string, value: JsonValue): PatchOperation => ({ op: 'replace', path: scimPath(path), value });

const scimPath = (path: string): string =>
  path.replace(/\[([^\]]+)\]/, (_, type: string) => `[type eq ${JSON.stringify(type)}]`);

/** Passwords are for accounts that are made. */
function withoutPassword(attributes: JsonObject): JsonObject {
  const { password: _, ...others } = attributes;
  return others;
}

/** The reference is the manager's matching value, not an id of the directory; the service resolves it. */
function withManager(attributes: JsonObject, operation: Sendable, flowNull: boolean): JsonObject {
  const { managerKey } = operation.payload as AccountPayload;
  const stands = managerKey === null ? (operation.managerStandsRemoteId ?? null) : operation.managerRemoteId;
  const extension = attributes[ENTERPRISE] as JsonObject | undefined;
  if (managerKey === '' || stands === null) {
    const clears = flowNull && managerKey === '' && operation.account.managerKnown !== '';
    if (!clears) return attributes;
    return { ...attributes, [ENTERPRISE]: { ...extension, manager: null as JsonValue } };
  }
  return { ...attributes, [ENTERPRISE]: { ...extension, manager: { value: stands } } };
}

/** A rule for `name` also covers `name.givenName`, one for `emails` also `emails[work].value`. */
const covers = (rules: readonly string[], path: string): boolean =>
  rules.some((rule) => path === rule || (path.startsWith(rule) && '.[:'.includes(path.charAt(rule.length))));
