// A vendor's endpoint over real HTTP: the strict SCIM provider of the tests with the vendor's rules in front of it.
// What a rule refuses is kept in `breaches`; a conforming client leaves it empty.
import { type Asked, type FakeIdp, type LoggedRequest, type Reply, startFakeIdp } from '../../support/fake-idp.ts';
import { ScimRefusal } from '../../support/fake-scim.ts';
import { listed, projection } from './listing.ts';
import {
  type Call,
  type Kind,
  type ProbeTools,
  type Quirk,
  type Refused,
  type Resource,
  RFC_TRAITS,
  type TraitChange,
  type Traits,
  type Vendor,
  withChange,
} from './quirk.ts';

export interface VendorFakeOptions {
  readonly token?: string;
  /** Ids of quirks that this server does not have. */
  readonly without?: readonly string[];
  /** Further quirks, e.g. deviations that any server may show. */
  readonly also?: readonly Quirk[];
  /** Changes that belong to a story. */
  readonly change?: TraitChange;
  readonly users?: readonly Resource[];
  readonly groups?: readonly Resource[];
  /** Milliseconds; the throttle counts by it. */
  readonly now?: () => number;
  /** Called with each path of discovery that is asked for. */
  readonly onDiscovery?: (path: string) => void;
}

export interface Breach {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly why: string;
}

export interface VendorFake extends AsyncDisposable {
  readonly url: string;
  readonly idp: FakeIdp;
  readonly traits: Traits;
  /** Requests that broke a rule of SCIM or of the vendor. Unknown ids, taken names, old tags and throttling break none. */
  readonly breaches: readonly Breach[];
  /** Ids of users whose sessions the server ended. */
  readonly sessionsEnded: ReadonlySet<string>;
  /** The next so many requests are too many. */
  readonly throttleNext: (times: number) => void;
  readonly requests: (fits?: (request: LoggedRequest) => boolean) => readonly LoggedRequest[];
  readonly tools: ProbeTools;
}

const WRITTEN_AT = { created: '2027-03-01T08:00:00Z', lastModified: '2027-03-01T08:00:00Z' };
/** Refusals that tell of the state, not of a broken rule. */
const NO_BREACH = [401, 409, 412, 429];

export async function startVendorFake(vendor: Vendor, options: VendorFakeOptions = {}): Promise<VendorFake> {
  const quirks = [
    ...vendor.quirks.filter(({ id, occasional }) => occasional !== true && !options.without?.includes(id)),
    ...(options.also ?? []),
  ];
  let traits = withChange(RFC_TRAITS, vendor.base ?? {});
  for (const quirk of quirks) traits = withChange(traits, quirk.does);
  traits = withChange(traits, options.change ?? {});

  const breaches: Breach[] = [];
  const sessionsEnded = new Set<string>();
  const taken: number[] = [];
  let tooMany = 0;
  const now = options.now ?? Date.now;
  const throttleNext = (times: number) => {
    tooMany = times;
  };
  type Kept = Pick<FakeIdp, 'users' | 'groups'>;

  const jsonReply = (status: number, body: Resource, headers: Record<string, string> = {}): Reply => ({
    status,
    headers: { 'content-type': traits.contentType, ...headers },
    body: JSON.stringify(body),
  });
  function refusal(status: number, scimType: string | null, detail: string): Reply {
    const body = traits.error(status, scimType, detail);
    return body === null ? { status } : jsonReply(status, body);
  }

  /** Refused by a rule: what a conforming client never gets to see. */
  function breach(asked: Asked, status: number, scimType: string | null, detail: string): Reply {
    if (!NO_BREACH.includes(status)) {
      const why = `${scimType ?? ''} ${detail}`.trim();
      breaches.push({ method: asked.method, path: asked.path, status, why });
    }
    return refusal(status, scimType, detail);
  }

  function doorman(asked: Asked, ask: (asked: Asked) => Reply, kept: Kept): Reply {
    if (isThrottled()) return refusal(429, null, 'too many requests');
    if (traits.audience !== '' && !audiencesOf(asked.headers.authorization).includes(traits.audience))
      return refusal(401, null, 'the token is not for this endpoint');
    const call = callOf(asked, traits);
    const broken = traits.refuses.find(({ when }) => when(call));
    if (broken !== undefined) return breach(asked, broken.status, broken.scimType ?? null, broken.detail);
    try {
      return served(asked, call, ask, kept);
    } catch (refused) {
      if (!(refused instanceof ScimRefusal)) throw refused;
      return breach(asked, refused.status, refused.scimType, refused.message);
    }
  }

  function isThrottled(): boolean {
    if (tooMany > 0) {
      tooMany -= 1;
      return true;
    }
    const { throttle } = traits;
    if (throttle === null) return false;
    const at = now();
    while (taken[0] !== undefined && taken[0] <= at - throttle.perMs) taken.shift();
    if (taken.length >= throttle.calls) return true;
    taken.push(at);
    return false;
  }

  function served(asked: Asked, call: Call, ask: (asked: Asked) => Reply, kept: Kept): Reply {
    if (call.on === 'discovery') return discovered(asked, call);
    if (call.on === 'other') return breach(asked, 404, null, 'no such endpoint');
    const kind = call.on;
    const all = kind === 'User' ? kept.users : kept.groups;
    if (call.id === null && call.method === 'GET') {
      const view = [...all.values()].map((resource) => shown(resource, kind, kept));
      const list = listed(call, kind, view, traits);
      const project = projection(call.query);
      return jsonReply(200, { ...list, [traits.listKey]: (list[traits.listKey] as Resource[]).map(project) });
    }
    const present = call.id === null ? undefined : all.get(call.id);
    if (call.id !== null && present === undefined) {
      const { status, scimType, detail } = traits.unknownId;
      return refusal(status, scimType ?? null, detail);
    }
    if (call.id !== null && present !== undefined && call.method === 'GET')
      return answered(200, projection(call.query)(shown(present, kind, kept)), present);
    if (traits.takesInOnly) return { status: 202 };
    return written(asked, call, kind, ask, kept);
  }

  function discovered(asked: Asked, call: Call): Reply {
    const path = asked.path.split('?')[0] as string;
    options.onDiscovery?.(path);
    const answer = Object.entries(traits.discovery).find(([known]) => known === path)?.[1];
    // Looking for what need not be there is no breach.
    if (answer === undefined) return refusal(404, null, 'no such endpoint');
    return call.method === 'GET' ? jsonReply(200, answer) : breach(asked, 405, null, 'not allowed here');
  }

  function written(asked: Asked, call: Call, kind: Kind, ask: (asked: Asked) => Reply, kept: Kept): Reply {
    const { method } = call;
    if (method === 'PUT' && traits.put === 'none') return breach(asked, 405, null, 'PUT is not allowed');
    if (method === 'PATCH' && !traits.patch) return breach(asked, 501, null, 'PATCH is not implemented');
    const all = kind === 'User' ? kept.users : kept.groups;
    const before = call.id === null ? undefined : structuredClone(all.get(call.id));
    const owner =
      traits.takesOver && kind === 'User' && method === 'POST' ? structuredClone(namesake(call, kept)) : undefined;
    const wanted = strictly(asked, call, kind, owner ?? before);
    const parts =
      traits.stepwise && call.operations.length > 1 ? call.operations.map((one) => [one]) : [call.operations];
    let id = call.id ?? '';
    let stored: Resource = {};
    for (const operations of parts) {
      const part =
        parts.length === 1 ? wanted : { ...wanted, body: JSON.stringify({ ...call.body, Operations: operations }) };
      const reply = ask(owner === undefined ? part : { ...part, method: 'PUT', path: `/Users/${owner.id}` });
      if (reply.status < 400 && method === 'DELETE')
        return traits.lateGateway ? refusal(504, null, 'gateway timeout') : reply;
      if (reply.status < 400 && call.id === null) id = String((JSON.parse(reply.body ?? '{}') as Resource).id);
      if (reply.status < 400) {
        stored = traits.keeps.reduce((resource, keep) => keep(resource, kind), all.get(id) as Resource);
        all.set(id, stored);
      }
      const broken = reply.status < 400 ? brokenBy(stored, kind) : null;
      if (reply.status < 400 && broken === null) continue;
      const previous = owner ?? before;
      if (previous !== undefined) all.set(String(previous.id), previous);
      else if (id !== '') all.delete(id);
      if (broken === null) return reshaped(asked, reply);
      return breach(asked, broken.status, broken.scimType ?? null, broken.detail);
    }
    if (traits.scopesExternalId && call.body !== null && JSON.stringify(call.body).includes('externalId'))
      delete stored.madeByOther;
    if (traits.endsSessions && before?.active === true && stored.active === false) sessionsEnded.add(id);
    if (traits.createsNothing && method === 'POST') all.delete(id);
    if (traits.lateGateway) return refusal(504, null, 'gateway timeout');
    if (method === 'PATCH' && traits.patchAnswer === 'none') return { status: 204 };
    if (method === 'PATCH' && traits.patchAnswer === 'braces') return jsonReply(200, {});
    return answered(method === 'POST' ? 201 : 200, shown(stored, kind, kept), stored);
  }

  const brokenBy = (resource: Resource, kind: Kind): Refused | null =>
    traits.holds.map((hold) => hold(resource, kind)).find((refused) => refused !== null) ?? null;

  /** The request as the strict provider is asked: without what this vendor does not look at. */
  function strictly(asked: Asked, call: Call, kind: Kind, present: Resource | undefined): Asked {
    const headers = { ...asked.headers };
    if (!traits.etag) delete headers['if-match'];
    const path = call.id === null ? `/${kind}s` : `/${kind}s/${encodeURIComponent(call.id)}`;
    if (call.method !== 'PUT' || traits.put !== 'merges' || present === undefined) return { ...asked, headers, path };
    const { meta: _, id: __, ...content } = present;
    return { ...asked, headers, path, body: JSON.stringify(merged(content, call.body ?? {})) };
  }

  function namesake(call: Call, { users }: Kept): Resource | undefined {
    const name = String(call.body?.userName).toLowerCase();
    return [...users.values()].find((user) => String(user.userName).toLowerCase() === name);
  }

  function reshaped(asked: Asked, reply: Reply): Reply {
    const { scimType, detail } = JSON.parse(reply.body ?? '{}') as { scimType?: string; detail?: string };
    const { taken: refused } = traits;
    if (reply.status === 409 && refused !== null)
      return refusal(refused.status, refused.scimType ?? null, refused.detail);
    return breach(asked, reply.status, scimType ?? null, detail ?? '');
  }

  function answered(status: number, resource: Resource, stored: Resource): Reply {
    const meta = stored.meta as Resource;
    return jsonReply(status, resource, {
      ...(status === 201 ? { location: String(meta.location) } : {}),
      ...(traits.etag ? { etag: String(meta.version) } : {}),
    });
  }

  function shown(stored: Resource, kind: Kind, kept: Kept): Resource {
    const { password: _, madeByOther, ...rest } = stored;
    const meta: Resource = { ...WRITTEN_AT, ...(rest.meta as Resource) };
    if (!traits.etag) delete meta.version;
    if (traits.lowerCaseType) meta.resourceType = kind.toLowerCase();
    let resource: Resource = { ...rest, meta };
    if (traits.scopesExternalId && madeByOther === true) delete resource.externalId;
    if (kind === 'User') {
      const groups = [...kept.groups.values()]
        .filter(({ members }) => ((members ?? []) as Resource[]).some(({ value }) => value === stored.id))
        .map(({ id, displayName }) => ({ value: id, display: displayName }));
      if (groups.length > 0) resource.groups = groups;
    }
    for (const show of traits.shows) resource = show(resource, kind);
    return resource;
  }

  const idp = await startFakeIdp({
    ...(options.token === undefined || traits.audience !== '' ? {} : { token: options.token }),
    ...(options.users === undefined ? {} : { users: options.users }),
    ...(options.groups === undefined ? {} : { groups: options.groups }),
    ...(traits.bulk === null ? {} : { bulk: traits.bulk }),
    doorman,
  });
  const tools: ProbeTools = {
    users: idp.users,
    groups: idp.groups,
    sessionsEnded,
    throttleNext,
    person: (n, change = {}) => ({ ...resourceOf(vendor, n), ...change }),
    send: async (method, path, body, headers = {}) => {
      const sent: Record<string, string> = {
        accept: 'application/scim+json, application/json',
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      };
      const answer = await fetch(`${idp.url}${path}`, {
        method,
        headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, text, body: objectOf(text) ?? {} };
    },
  };
  return {
    url: idp.url,
    idp,
    traits,
    breaches,
    sessionsEnded,
    throttleNext,
    requests: (fits = () => true) => idp.log.filter(fits),
    tools,
    [Symbol.asyncDispose]: () => idp.close(),
  };
}

/** What is left out stays, null deletes, at every depth. */
function merged(old: Resource, fresh: Resource): Resource {
  const isObject = (value: unknown): value is Resource =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries({ ...old, ...fresh })
    .map(([key, value]) => [key, isObject(value) && isObject(old[key]) ? merged(old[key], value) : value] as const)
    .filter(([, value]) => value !== null && !(isObject(value) && Object.keys(value).length === 0));
  return Object.fromEntries(entries);
}

const DISCOVERY = ['serviceproviderconfig', 'resourcetypes', 'schemas'];

function callOf({ method, path, body, headers }: Asked, { paths }: Traits): Call {
  const [bare = '', rawQuery = ''] = path.split('?');
  const at = (root: string | null) => root !== null && (bare === root || bare.startsWith(`${root}/`));
  const kind: Kind | null = at(paths.User) ? 'User' : at(paths.Group) ? 'Group' : null;
  const rest = kind === null ? '' : bare.slice((paths[kind] as string).length + 1);
  const discovery = DISCOVERY.includes(bare.split('/')[1]?.toLowerCase() ?? '');
  const content = body === '' ? null : objectOf(body);
  const operations = method === 'PATCH' && Array.isArray(content?.Operations) ? (content.Operations as Resource[]) : [];
  return {
    method,
    on: kind ?? (discovery ? 'discovery' : 'other'),
    id: rest === '' ? null : decodeURIComponent(rest),
    query: new URLSearchParams(rawQuery),
    rawQuery,
    headers,
    body: content,
    operations,
  };
}

function objectOf(text: string): Resource | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Resource) : null;
  } catch {
    return null;
  }
}

/** `aud` of a JWT; its signature is not what is tested here. */
function audiencesOf(authorization: string | undefined): readonly unknown[] {
  const payload = authorization?.split('.')[1];
  if (payload === undefined) return [];
  const { aud } = objectOf(Buffer.from(payload, 'base64url').toString('utf8')) ?? {};
  return Array.isArray(aud) ? aud : [aud];
}

/** The person as a request to create them, with every extension named. */
export function resourceOf(vendor: Vendor, n: number): Resource {
  const { userName, externalId, active, attributes } = vendor.person(n);
  const extensions = Object.keys(attributes).filter((key) => key.startsWith('urn:'));
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ...extensions],
    userName,
    externalId,
    active,
    ...structuredClone(attributes),
  };
}
