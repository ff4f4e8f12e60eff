// Lenient reading: attribute names in any case (RFC 7643 section 2.1), any content type that carries JSON, booleans as text.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { memberOf } from '../../planning/account-changes.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';

/** Null where the resource does not say. */
export function activeOf(resource: JsonObject | null): boolean | null {
  const value = resource === null ? undefined : memberOf(resource, 'active');
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return null;
  if (value.toLowerCase() === 'true') return true;
  return value.toLowerCase() === 'false' ? false : null;
}

export function versionOf(resource: JsonObject | null): string | null {
  const meta = resource === null ? undefined : memberOf(resource, 'meta');
  return isObject(meta) ? textOf(meta, 'version') : null;
}

/** Remote id of the manager, '' when there is none. */
export function managerOf(resource: JsonObject, managerPath: string): string {
  const colon = managerPath.lastIndexOf(':');
  const extension = memberOf(resource, managerPath.slice(0, colon));
  const manager = isObject(extension) ? memberOf(extension, managerPath.slice(colon + 1)) : undefined;
  if (typeof manager === 'string') return manager;
  return isObject(manager) ? (textOf(manager, 'value') ?? '') : '';
}

/** A ListResponse (RFC 7644 section 3.4.2); null when the body is none. `total` is null where the server does not count. */
export function listOf(
  body: JsonObject | null,
): { readonly total: number | null; readonly resources: readonly JsonObject[] } | null {
  if (body === null) return null;
  const resources = memberOf(body, 'Resources');
  const total = Number(memberOf(body, 'totalResults') ?? Number.NaN);
  const known = Number.isInteger(total) && total >= 0 ? total : null;
  if (resources === undefined || resources === null) return known === 0 ? { total: 0, resources: [] } : null;
  if (!Array.isArray(resources)) return null;
  return { total: known, resources: (resources as readonly JsonValue[]).filter(isObject) };
}

/** An error body (RFC 7644 section 3.12), or what Graph (`error.message`) and Okta (`errorSummary`) have in its place. */
export function errorOf(body: JsonObject | null): { readonly scimType: string | null; readonly detail: string } {
  const error = body === null ? undefined : memberOf(body, 'error');
  const detail = [
    () => textOf(body, 'detail'),
    () => (isObject(error) ? textOf(error, 'message') : null),
    () => textOf(body, 'errorSummary'),
  ];
  return {
    scimType: textOf(body, 'scimType'),
    detail: detail.reduce<string | null>((said, read) => said ?? read(), null) ?? '',
  };
}

/** The id at the end of a Location header; the address itself is never followed. */
export function idFromLocation(location: string | null): string | null {
  const last = (location ?? '')
    .split(/[?#]/)[0]
    ?.split('/')
    .findLast((part) => part !== '');
  if (last === undefined || last === 'Users' || last === 'Groups') return null;
  try {
    return decodeURIComponent(last);
  } catch {
    return null;
  }
}
