// Reads what requests asked for: whom they were about, and which values they wanted at the account or which membership.
import type { LoggedRequest } from '../support/fake-idp.ts';
import { ENTERPRISE_SCHEMA, type Resource, USER_SCHEMA } from '../support/fake-scim.ts';

/** What one write says about one worker, applied or not. */
export interface Write {
  readonly worker: string;
  readonly request: LoggedRequest;
  readonly wants:
    | { readonly kind: 'account'; readonly creates: boolean; readonly values: ReadonlyMap<string, unknown> }
    | { readonly kind: 'membership'; readonly group: string; readonly adds: boolean }
    | { readonly kind: 'delete' };
}

export interface Directory {
  /** Remote id → externalId of the users that are the workers' own. */
  readonly workerOf: ReadonlyMap<string, string>;
  /** Lower-case userName → externalId. */
  readonly workerNamed: ReadonlyMap<string, string>;
  /** Remote id → display name. */
  readonly groupOf: ReadonlyMap<string, string>;
}

/** One request, or one of the parts of a bulk request (RFC 7644 section 3.7). */
interface Part {
  readonly method: string;
  readonly path: string;
  readonly body: Resource;
}

const parsed = (text: string): Resource => {
  try {
    return JSON.parse(text) as Resource;
  } catch {
    return {};
  }
};

function partsOf(request: LoggedRequest, directory: Directory): { parts: readonly Part[]; workerOf: Lookup } {
  const { method, path, body } = request;
  if (method !== 'POST' || path !== '/Bulk') {
    return {
      parts: [{ method, path, body: body === '' ? {} : parsed(body) }],
      workerOf: (id) => directory.workerOf.get(id),
    };
  }
  const parts = ((parsed(body).Operations ?? []) as readonly Resource[]).map((operation) => ({
    method: String(operation.method),
    path: String(operation.path),
    body: (operation.data ?? {}) as Resource,
    bulkId: operation.bulkId,
  }));
  // A part may speak of a user whom another part of the same request creates.
  const made = new Map(
    parts
      .filter(({ path }) => path === '/Users')
      .map(({ bulkId, body }) => [`bulkId:${bulkId}`, String(body.externalId)]),
  );
  return { parts, workerOf: (id) => made.get(id) ?? directory.workerOf.get(id) };
}
type Lookup = (id: string) => string | undefined;

/** In the order in which the request names them. */
export function writesOf(request: LoggedRequest, directory: Directory): readonly Write[] {
  if (request.method === 'GET') return [];
  const { parts, workerOf } = partsOf(request, directory);
  return parts.flatMap((part): Write[] => {
    const [room, id] = part.path.split('?')[0]?.split('/').slice(1) ?? [];
    if (room === 'Users') {
      const creates = part.method === 'POST';
      const worker = creates ? String(part.body.externalId) : workerOf(decodeURIComponent(id ?? ''));
      if (worker === undefined) return [];
      if (part.method === 'DELETE') return [{ worker, request, wants: { kind: 'delete' } }];
      const values = accountValues(part, workerOf);
      return [{ worker, request, wants: { kind: 'account', creates, values } }];
    }
    if (room !== 'Groups' || id === undefined || part.method !== 'PATCH') return [];
    const group = directory.groupOf.get(decodeURIComponent(id)) ?? '?';
    return membersIn(part.body).flatMap(({ member, adds }) => {
      const worker = workerOf(member);
      return worker === undefined ? [] : [{ worker, request, wants: { kind: 'membership', group, adds } }];
    });
  });
}

/** Everybody the request is about, looked up or written, by id, externalId or userName. */
export function workersIn(request: LoggedRequest, directory: Directory): ReadonlySet<string> {
  const workers = new Set(writesOf(request, directory).map(({ worker }) => worker));
  if (request.method !== 'GET' || !request.path.startsWith('/Users')) return workers;
  const [path, query] = request.path.split('?') as [string, string | undefined];
  const id = path.slice('/Users/'.length);
  const byId = directory.workerOf.get(decodeURIComponent(id));
  if (byId !== undefined) workers.add(byId);
  const filter = /^(externalId|userName) eq ("(?:[^"\\]|\\.)*")$/.exec(
    new URLSearchParams(query ?? '').get('filter') ?? '',
  );
  if (filter !== null) {
    const value = JSON.parse(filter[2] as string) as string;
    const worker = filter[1] === 'externalId' ? value : directory.workerNamed.get(value.toLowerCase());
    if (worker !== undefined) workers.add(worker);
  }
  return workers;
}

/** Ids of users and groups that a write names, in its path or as members. */
export function idsWritten(request: LoggedRequest): ReadonlySet<string> {
  const nobody: Directory = { workerOf: new Map(), workerNamed: new Map(), groupOf: new Map() };
  if (request.method === 'GET') return new Set();
  const ids = partsOf(request, nobody).parts.flatMap(({ method, path, body }) => {
    const [room, id] = path.split('?')[0]?.split('/').slice(1) ?? [];
    if (id === undefined) return [];
    if (room === 'Users') return [decodeURIComponent(id)];
    return room === 'Groups' && method === 'PATCH' ? membersIn(body).map(({ member }) => member) : [];
  });
  return new Set(ids);
}

const MEMBER_PATH = /^members\[value eq ("(?:[^"\\]|\\.)*")\]$/;

function membersIn({ Operations }: Resource): readonly { readonly member: string; readonly adds: boolean }[] {
  return ((Operations ?? []) as readonly Resource[]).flatMap(({ op, path, value }) => {
    const adds = String(op).toLowerCase() !== 'remove';
    const named = MEMBER_PATH.exec(String(path));
    if (named !== null) return [{ member: JSON.parse(named[1] as string) as string, adds }];
    const members = path === 'members' ? value : (value as Resource | undefined)?.members;
    const list = (Array.isArray(members) ? members : []) as readonly Resource[];
    return list.map((one) => ({ member: String(one.value), adds }));
  });
}

const MANAGER = `${ENTERPRISE_SCHEMA}:manager`;

/** Flat, by path: what a create or a change wants to stand there; '' for what it takes away. The manager is a worker. */
function accountValues({ method, body }: Part, workerOf: Lookup): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  if (method !== 'PATCH') flatten('', body, values);
  for (const { op, path, value } of (method === 'PATCH' ? (body.Operations ?? []) : []) as readonly Resource[]) {
    const at = String(path ?? '').replace(`${USER_SCHEMA}:`, '');
    if (String(op).toLowerCase() === 'remove') values.set(at, '');
    else flatten(at, value, values);
  }
  for (const path of [MANAGER, `${MANAGER}.value`]) {
    const id = values.get(path);
    values.delete(path);
    if (id !== undefined) values.set(MANAGER, id === '' ? '' : (workerOf(String(id)) ?? `stranger ${String(id)}`));
  }
  return values;
}

function flatten(path: string, value: unknown, into: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    into.set(path, value);
    return;
  }
  for (const [key, part] of Object.entries(value)) {
    const joint = path === '' ? '' : path.startsWith('urn:') && path === ENTERPRISE_SCHEMA ? ':' : '.';
    flatten(`${path}${joint}${key}`, part, into);
  }
}
