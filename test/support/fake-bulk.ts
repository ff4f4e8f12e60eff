// The bulk endpoint of the fake identity provider (RFC 7644 section 3.7): strict about what it is sent, and as odd in its answers
// as real servers are when it is told to be.
import { type Resource, ScimRefusal } from './fake-scim.ts';

export interface BulkManners {
  readonly maxOperations: number;
  /** UTF-8 bytes. */
  readonly maxPayloadSize: number;
  /** Status of the whole answer: some document 201. */
  readonly envelope?: 200 | 201;
  readonly status?: 'text' | 'number' | 'object';
  readonly order?: 'kept' | 'reversed';
  /** What results do not say, though they should. */
  readonly hides?: readonly ('bulkId' | 'location' | 'method')[];
  /** Whether results show the resource as it stands. */
  readonly shows?: boolean;
  /** Of so many results, how many are given: the rest is dropped. */
  readonly gives?: number;
  /** Whether a `bulkId:` is replaced by the id of what was created before it in the same request. */
  readonly resolves?: boolean;
}

export interface BulkAsked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}
export interface BulkReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const REQUEST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const RESPONSE_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';
const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'];

const refuse = (status: number, scimType: string | null, detail: string): never => {
  throw new ScimRefusal(status, scimType, detail);
};
const isObject = (value: unknown): value is Resource =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly bulkId?: string;
  readonly version?: string;
  readonly data?: Resource;
}

/** Performs each operation with `perform`. @throws ScimRefusal for a request that is refused whole; nothing is done then. */
export function answerBulk(manners: BulkManners, body: string, perform: (asked: BulkAsked) => BulkReply): BulkReply {
  if (Buffer.byteLength(body) > manners.maxPayloadSize) refuse(413, null, 'the payload is too large');
  const operations = operationsOf(body);
  if (operations.length > manners.maxOperations) refuse(413, null, 'too many operations');
  const ids = new Map<string, string>();
  let results = operations.map((operation) => {
    const reply = performed(operation, ids, manners, perform);
    const id = reply.status < 300 && reply.body !== undefined ? (JSON.parse(reply.body) as Resource).id : undefined;
    if (operation.bulkId !== undefined && typeof id === 'string') ids.set(operation.bulkId, id);
    return resultOf(operation, reply, id, manners);
  });
  if (manners.order === 'reversed') results = results.reverse();
  results = results.slice(0, manners.gives ?? results.length);
  return {
    status: manners.envelope ?? 200,
    body: JSON.stringify({ schemas: [RESPONSE_SCHEMA], Operations: results }),
  };
}

function operationsOf(body: string): readonly Operation[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    refuse(400, 'invalidSyntax', 'the body is no JSON');
  }
  if (!isObject(parsed)) return refuse(400, 'invalidSyntax', 'the body is no object');
  const { schemas, Operations: operations, ...others } = parsed;
  if (JSON.stringify(schemas) !== JSON.stringify([REQUEST_SCHEMA])) refuse(400, 'invalidSyntax', 'not a BulkRequest');
  if (Object.keys(others).length > 0) refuse(400, 'invalidSyntax', `unknown member ${Object.keys(others).join()}`);
  if (!Array.isArray(operations) || operations.length === 0) return refuse(400, 'invalidSyntax', 'no Operations');
  const bulkIds = new Set<string>();
  const paths = new Set<string>();
  for (const operation of operations as readonly unknown[]) {
    if (!isObject(operation)) return refuse(400, 'invalidSyntax', 'an operation is no object');
    const { method, path, bulkId, version, data, ...more } = operation;
    if (Object.keys(more).length > 0) refuse(400, 'invalidSyntax', `unknown member ${Object.keys(more).join()}`);
    if (typeof method !== 'string' || !METHODS.includes(method)) refuse(400, 'invalidSyntax', 'unknown method');
    const wanted = method === 'POST' ? /^\/(Users|Groups)$/ : /^\/(Users|Groups)\/[^/?]+$/;
    if (typeof path !== 'string' || !wanted.test(path)) refuse(400, 'invalidPath', `bad path ${String(path)}`);
    if (method === 'POST' && typeof bulkId !== 'string') refuse(400, 'invalidValue', 'a POST needs its bulkId');
    if (typeof bulkId === 'string' && bulkIds.has(bulkId)) refuse(400, 'invalidValue', 'a bulkId is used twice');
    bulkIds.add(String(bulkId));
    if (method !== 'POST' && paths.has(String(path))) refuse(400, 'invalidPath', 'two operations on one resource');
    if (method !== 'POST') paths.add(String(path));
    if (version !== undefined && typeof version !== 'string') refuse(400, 'invalidVers', 'version is no text');
    if (method !== 'DELETE' && !isObject(data)) refuse(400, 'invalidSyntax', 'data is no object');
  }
  return operations as readonly Operation[];
}

function performed(
  operation: Operation,
  ids: ReadonlyMap<string, string>,
  manners: BulkManners,
  perform: (asked: BulkAsked) => BulkReply,
): BulkReply {
  let body = operation.data === undefined ? '' : JSON.stringify(operation.data);
  if (manners.resolves === true) {
    let unknown: string | null = null;
    body = body.replaceAll(/"bulkId:([^"]+)"/g, (all, bulkId: string) => {
      const id = ids.get(bulkId);
      if (id === undefined) unknown = bulkId;
      return id === undefined ? all : JSON.stringify(id);
    });
    if (unknown !== null) return errorReply(409, null, `nothing was created as ${unknown}`);
  }
  const headers = operation.version === undefined ? {} : { 'if-match': operation.version };
  return perform({ method: operation.method, path: operation.path, body, headers });
}

const errorReply = (status: number, scimType: string | null, detail: string): BulkReply => ({
  status,
  body: JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    detail,
    ...(scimType === null ? {} : { scimType }),
  }),
});

function resultOf(operation: Operation, reply: BulkReply, id: unknown, manners: BulkManners): Resource {
  const { status } = reply;
  const hides = manners.hides ?? [];
  const location =
    operation.method === 'POST' ? (typeof id === 'string' ? `${operation.path}/${id}` : null) : operation.path;
  const said = { text: String(status), number: status, object: { code: String(status) } }[manners.status ?? 'text'];
  const shown = reply.body !== undefined && (status >= 400 || manners.shows === true);
  return {
    ...(hides.includes('method') ? {} : { method: operation.method }),
    ...(hides.includes('bulkId') || operation.bulkId === undefined ? {} : { bulkId: operation.bulkId }),
    ...(hides.includes('location') || location === null
      ? {}
      : { location: `https://idp.example.com/scim/v2${location}` }),
    ...(reply.headers?.etag === undefined ? {} : { version: reply.headers.etag }),
    status: said,
    ...(shown ? { response: JSON.parse(reply.body as string) as Resource } : {}),
  };
}
