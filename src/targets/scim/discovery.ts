// What the endpoint says of itself (RFC 7644 section 4): read in the background at the first use, again every day, and when an
// answer does not fit. Never mandatory: nobody waits for it, and an answer that is absurd or missing says nothing.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { memberOf } from '../../planning/account-changes.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import { type Capabilities, type Configured, capabilitiesOf, type Discovered } from './capabilities.ts';
import type { Exchange } from './exchange.ts';
import type { BulkLimits, Profile } from './profiles.ts';
import type { ScimRequest } from './requests.ts';
import { listOf } from './responses.ts';

/** Capabilities change when somebody upgrades the endpoint: a day late is early enough. */
const REFRESH_MS = 24 * 60 * 60 * 1000;
/**
 * An answer that does not fit, or a look that was not answered, leads to another one at most this often: a mapping that is refused
 * would ask for ever.
 */
const AGAIN_MS = 10 * 60 * 1000;
/** Limits beyond these are taken for a mistake. */
const LIMIT_MAX = 1_000_000_000;

export interface Discovery {
  /** The best present knowledge. Asks nobody. */
  readonly capabilities: () => Capabilities;
  /** Starts a look in the background where one is due. */
  readonly keepUp: () => void;
  /** An answer did not fit what we believe. */
  readonly doubt: () => void;
  readonly cannotPatch: () => void;
  readonly cannotPut: () => void;
  /** Resolves when no look is under way. */
  readonly settled: () => Promise<void>;
}

export interface DiscoveryParts {
  readonly profile: Profile;
  readonly configured: Configured;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Runs `look` with a way to the endpoint of its own, so that no delivery waits behind it. Null: nobody is ever asked. */
  readonly ask: ((look: (exchange: Exchange) => Promise<void>) => Promise<void>) | null;
}

export function discoveryOf({ profile, configured, now, ask }: DiscoveryParts): Discovery {
  let discovered: Discovered | null = null;
  /** The way that the endpoint answered as one it does not have, where the other one worked. */
  let refused: 'patch' | 'put' | null = null;
  let known = capabilitiesOf(profile, null, configured);
  let lookedAt: number | null = null;
  let heard = false;
  let looking: Promise<void> | null = null;

  const conclude = () => {
    const capabilities = capabilitiesOf(profile, discovered, configured);
    // What its answers show counts more than its own description.
    const works = refused === 'patch' ? 'put' : 'patch';
    known = refused !== null && configured.update === undefined ? { ...capabilities, update: works } : capabilities;
  };
  const look = (dueAfterMs: number) => {
    if (ask === null || !profile.discovery || looking !== null) return;
    const at = now();
    // A clock that was set back must not put the next look off for ever.
    if (lookedAt !== null && at >= lookedAt && at - lookedAt < dueAfterMs) return;
    lookedAt = at;
    looking = ask(async (exchange) => {
      const answer = await discover(exchange, profile);
      heard = answer !== null;
      if (answer !== null) discovered = answer;
      conclude();
    })
      .catch(() => {})
      .finally(() => {
        looking = null;
      });
  };
  return {
    capabilities: () => known,
    keepUp: () => look(heard ? REFRESH_MS : AGAIN_MS),
    doubt: () => look(AGAIN_MS),
    cannotPatch: () => {
      refused = 'patch';
      conclude();
    },
    cannotPut: () => {
      refused = 'put';
      conclude();
    },
    settled: async () => {
      await looking;
    },
  };
}

/** Null where the endpoint could not be asked: what was known stays known. */
async function discover(exchange: Exchange, { paths }: Profile): Promise<Discovered | null> {
  const ask = async (path: string) => {
    const request: ScimRequest = { kind: 'read', method: 'GET', path, body: '' };
    const answer = await exchange(request);
    // Silence is no statement; a refusal means that there is no such document.
    if (answer.outcome.class === 'done') return { body: answer.body };
    return answer.outcome.countsAsAttempt ? { body: null } : null;
  };
  const config = await ask(paths.serviceProviderConfig);
  if (config === null) return null;
  const types = await ask(paths.resourceTypes);
  const schemas = await ask(paths.schemas);
  return discoveredFrom(config.body, types?.body ?? null, schemas?.body ?? null);
}

/** Pure. What is not of its documented type is ignored, and only that. */
export function discoveredFrom(
  config: JsonObject | null,
  resourceTypes: JsonObject | null,
  schemas: JsonObject | null,
): Discovered {
  const section = (name: string): JsonObject | null => {
    const value = config === null ? undefined : memberOf(config, name);
    return isObject(value) ? value : null;
  };
  const supported = (name: string): boolean | null => booleanOf(section(name), 'supported');
  const pagination = section('pagination');
  const [cursor, index] = [booleanOf(pagination, 'cursor'), booleanOf(pagination, 'index')];
  return {
    patch: supported('patch'),
    bulk: bulkFrom(section('bulk')),
    filterMax: supported('filter') === true ? limitOf(section('filter'), 'maxResults') : null,
    etag: supported('etag'),
    // An endpoint with both is asked as every other one: by index.
    paging: index === true ? 'index' : cursor === true ? 'cursor' : null,
    pageMax: limitOf(pagination, 'maxPageSize'),
    groups: groupsFrom(resourceTypes),
    readOnly: readOnlyFrom(schemas),
  };
}

const booleanOf = (section: JsonObject | null, name: string): boolean | null => {
  const value = section === null ? undefined : memberOf(section, name);
  return typeof value === 'boolean' ? value : null;
};

function limitOf(section: JsonObject | null, name: string): number | null {
  const value = section === null ? undefined : memberOf(section, name);
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LIMIT_MAX ? value : null;
}

function bulkFrom(section: JsonObject | null): BulkLimits | false | null {
  const supported = booleanOf(section, 'supported');
  if (supported !== true) return supported;
  const maxOps = limitOf(section, 'maxOperations');
  const maxBytes = limitOf(section, 'maxPayloadSize');
  // Without limits nobody can stay under them.
  return maxOps === null || maxBytes === null ? null : { maxOps, maxBytes };
}

/** Only a list that names users may be believed when it names no groups. */
function groupsFrom(resourceTypes: JsonObject | null): boolean | null {
  const types = listOf(resourceTypes)?.resources ?? [];
  const endpoints = types.map((type) => (textOf(type, 'endpoint') ?? textOf(type, 'name') ?? '').toLowerCase());
  const names = (word: string) => endpoints.some((endpoint) => endpoint.replace(/^.*\//, '').startsWith(word));
  if (names('group')) return true;
  return names('user') ? false : null;
}

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:user';

function readOnlyFrom(schemas: JsonObject | null): readonly string[] {
  const user = listOf(schemas)?.resources.find((schema) => textOf(schema, 'id')?.toLowerCase() === USER_SCHEMA);
  const attributes = user === undefined ? undefined : memberOf(user, 'attributes');
  if (!Array.isArray(attributes)) return [];
  return (attributes as readonly JsonValue[])
    .filter(isObject)
    .filter((attribute) => textOf(attribute, 'mutability')?.toLowerCase() === 'readonly')
    .flatMap((attribute) => textOf(attribute, 'name')?.toLowerCase() ?? []);
}
