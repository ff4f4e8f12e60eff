// A SCIM endpoint that costs as little as possible, in a process of its own: what is measured against it is the client.
// Raw sockets and just enough HTTP/1.1 for a well-behaved client (Content-Length bodies, keep-alive). Not for tests of behaviour.
// argv: milliseconds that pass before an answer leaves, as on the way to an endpoint that is not on this machine; 0 by default.
// Prints {"url": …} on stdout; GET /__counts tells how many requests came, POST /__reset forgets everything.
import { createServer, type Socket } from 'node:net';

interface Resource {
  [key: string]: unknown;
  id: string;
}
interface Shelf {
  readonly byId: Map<string, Resource>;
  /** By lower-case value of the attribute that must be unique and is looked up: externalId, userName or displayName. */
  readonly byName: Map<string, Resource>;
  /** All resources in order, kept between the pages of one listing; null after a change. */
  listing: readonly Resource[] | null;
}

const BASE = '/scim/v2';
const HEAD_BYTES_MAX = 64 * 1024;
const DELAY_MS = Number(process.argv[2] ?? 0);
const PAGE_MAX = 1_000;
const shelves: Record<'Users' | 'Groups', Shelf> = { Users: emptyShelf(), Groups: emptyShelf() };
const counts = { total: 0, post: 0, patch: 0, get: 0, other: 0 };
let issued = 0;

function emptyShelf(): Shelf {
  return { byId: new Map(), byName: new Map(), listing: null };
}

/** Requests a second beyond which it says 429; 0 allows any. */
const PER_SECOND = Number(process.env.ROLLCALL_STUB_PER_SECOND ?? 0);
/** Nobody keeps to the millisecond: so much more than a second's worth may come. */
const TOLERANCE = 1.1;
const allowance = { left: PER_SECOND * TOLERANCE, atMs: performance.now() };

function isTooMany(): boolean {
  if (PER_SECOND === 0) return false;
  const nowMs = performance.now();
  const gained = ((nowMs - allowance.atMs) * PER_SECOND) / 1_000;
  allowance.left = Math.min(PER_SECOND * TOLERANCE, allowance.left + gained);
  allowance.atMs = nowMs;
  if (allowance.left < 1) return true;
  allowance.left -= 1;
  return false;
}

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    pending = answerAll(socket, pending);
  });
});

/** Answers every whole request in the buffer and returns what is left of it. */
function answerAll(socket: Socket, buffer: Buffer): Buffer {
  let at = 0;
  let out = '';
  for (;;) {
    const headEnd = buffer.indexOf('\r\n\r\n', at, 'latin1');
    if (headEnd === -1) {
      if (buffer.length - at > HEAD_BYTES_MAX) socket.destroy();
      break;
    }
    const head = buffer.toString('latin1', at, headEnd);
    if (/\r\ntransfer-encoding:/i.test(head)) {
      socket.end(response('411 Length Required', ''));
      return Buffer.alloc(0);
    }
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const bodyAt = headEnd + 4;
    if (buffer.length < bodyAt + length) break;
    const methodEnd = head.indexOf(' ');
    const path = head.slice(methodEnd + 1, head.indexOf(' ', methodEnd + 1));
    out += answer(head.slice(0, methodEnd), path, length === 0 ? '' : buffer.toString('utf8', bodyAt, bodyAt + length));
    at = bodyAt + length;
  }
  if (out !== '' && DELAY_MS === 0) socket.write(out);
  else if (out !== '') setTimeout(() => socket.write(out), DELAY_MS);
  return at === 0 ? buffer : buffer.subarray(at);
}

function answer(method: string, path: string, body: string): string {
  if (path.startsWith('/__')) return control(path);
  counts.total += 1;
  if (isTooMany()) return problem('429 Too Many Requests', `more than ${PER_SECOND} requests a second`);
  if (method === 'POST') counts.post += 1;
  else if (method === 'PATCH') counts.patch += 1;
  else if (method === 'GET') counts.get += 1;
  else counts.other += 1;
  if (!path.startsWith(BASE)) return problem('404 Not Found', 'no such endpoint');
  if (method === 'POST' && path === `${BASE}/Bulk`) return bulk(JSON.parse(body));
  return single(method, path, body === '' ? undefined : JSON.parse(body));
}

interface BulkOperation {
  readonly method: string;
  readonly path: string;
  readonly bulkId?: string;
  readonly data?: Record<string, unknown>;
}

/** Each operation as though it had come alone; results without the resources, as RFC 7644 section 3.7.3 allows. */
function bulk({ Operations: operations }: { readonly Operations: readonly BulkOperation[] }): string {
  const results = operations.map(({ method, path, bulkId, data }) => {
    const answered = single(method, BASE + path, data);
    const status = answered.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3);
    const made = method === 'POST' && status === '201';
    const location = made ? `${origin()}${BASE}${path}/b${issued}` : `${origin()}${BASE}${path}`;
    return { method, ...(bulkId === undefined ? {} : { bulkId }), location, status };
  });
  return response(
    '200 OK',
    JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'], Operations: results }),
  );
}

function single(method: string, path: string, body: unknown): string {
  const [, kind = '', rest = ''] = /^\/(\w+)\/?(.*)$/.exec(path.slice(BASE.length)) ?? [];
  const name = kind.replace(/\?.*$/, '');
  if (name !== 'Users' && name !== 'Groups') return problem('404 Not Found', 'no such resource type');
  const shelf = shelves[name];
  if (method === 'POST') return create(shelf, name, body as Record<string, unknown>);
  if (method === 'GET' && rest.startsWith('?')) return list(shelf, rest.slice(1));
  if (method === 'GET' && rest === '') return list(shelf, '');
  const resource = shelf.byId.get(rest.replace(/\?.*$/, ''));
  if (resource === undefined) return problem('404 Not Found', 'no such resource');
  if (method === 'GET') return response('200 OK', JSON.stringify(resource));
  if (method === 'PATCH') return patch(resource, body as PatchBody);
  if (method === 'DELETE') {
    shelf.byId.delete(resource.id);
    shelf.listing = null;
    for (const key of keysOf(resource)) shelf.byName.delete(key);
    return response('204 No Content', '');
  }
  return problem('405 Method Not Allowed', 'not built in this stub');
}

function create(shelf: Shelf, kind: string, body: Record<string, unknown>): string {
  const keys = keysOf(body);
  if (keys.some((key) => !key.startsWith('externalId ') && shelf.byName.has(key))) {
    return problem('409 Conflict', 'the name is taken', 'uniqueness');
  }
  issued += 1;
  const id = `b${issued}`;
  const resource = {
    ...body,
    id,
    meta: { resourceType: kind.slice(0, -1), location: `${origin()}${BASE}/${kind}/${id}` },
  };
  shelf.byId.set(id, resource);
  shelf.listing = null;
  for (const key of keys) shelf.byName.set(key, resource);
  return response('201 Created', JSON.stringify(resource));
}

function keysOf(resource: Record<string, unknown>): string[] {
  const keys: string[] = [];
  for (const attribute of ['externalId', 'userName', 'displayName']) {
    // Users may share a displayName; only groups are looked up by it.
    if (attribute === 'displayName' && resource.userName !== undefined) continue;
    const value = resource[attribute];
    if (typeof value === 'string') keys.push(`${attribute} ${value.toLowerCase()}`);
  }
  return keys;
}

function list(shelf: Shelf, query: string): string {
  const params = new URLSearchParams(query);
  const filter = /^(\w+) eq "(.*)"$/i.exec(params.get('filter') ?? '');
  if (filter !== null) {
    const found = shelf.byName.get(`${filter[1]} ${JSON.parse(`"${filter[2]}"`).toLowerCase()}`);
    return response(
      '200 OK',
      JSON.stringify(listOf(found === undefined ? [] : [found], 1, found === undefined ? 0 : 1)),
    );
  }
  const startIndex = Math.max(1, Number(params.get('startIndex') ?? 1));
  const count = Math.min(PAGE_MAX, Number(params.get('count') ?? PAGE_MAX));
  shelf.listing ??= [...shelf.byId.values()];
  const page = shelf.listing.slice(startIndex - 1, startIndex - 1 + count);
  return response('200 OK', JSON.stringify(listOf(page, startIndex, shelf.byId.size)));
}

const listOf = (resources: readonly Resource[], startIndex: number, totalResults: number): unknown => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});

interface PatchBody {
  readonly Operations?: readonly { readonly op: string; readonly path?: string; readonly value?: unknown }[];
}

/** Sets simple, complex and extension paths; multi-valued paths are accepted and kept out of the resource. */
function patch(resource: Resource, body: PatchBody): string {
  for (const { op, path, value } of body.Operations ?? []) {
    if (path === undefined) Object.assign(resource, value);
    else if (!path.includes('[')) setAt(resource, pathParts(path), op.toLowerCase() === 'remove' ? undefined : value);
  }
  return response('200 OK', JSON.stringify(resource));
}

function pathParts(path: string): string[] {
  if (!path.startsWith('urn:')) return path.split('.');
  const cut = path.lastIndexOf(':');
  return [path.slice(0, cut), ...path.slice(cut + 1).split('.')];
}

function setAt(target: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  const [key = '', ...rest] = parts;
  if (key === '__proto__') return;
  if (rest.length === 0) target[key] = value;
  else {
    if (typeof target[key] !== 'object' || target[key] === null) target[key] = {};
    setAt(target[key] as Record<string, unknown>, rest, value);
  }
}

function control(path: string): string {
  if (path === '/__reset') {
    shelves.Users = emptyShelf();
    shelves.Groups = emptyShelf();
    Object.assign(counts, { total: 0, post: 0, patch: 0, get: 0, other: 0 });
  }
  return response('200 OK', JSON.stringify({ ...counts, users: shelves.Users.byId.size }));
}

function problem(status: string, detail: string, scimType?: string): string {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error'];
  return response(status, JSON.stringify({ schemas, status: status.slice(0, 3), detail, scimType }));
}

function response(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: application/scim+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function origin(): string {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

// The parent holds the other end of stdin: when it is gone, so is this process.
process.stdin.resume().on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `${origin()}${BASE}`, control: origin() })));
