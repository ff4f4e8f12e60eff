// A real HTTP server that stands in for Microsoft Graph: uploads, the provisioning job, its logs, users, the SCIM API and the token
// endpoint, strict about every documented limit, in the time of a clock that a test holds. Facts bear the keys of the reference.
import { createPublicKey } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { Directory, type DirectoryOptions, type DirectoryUser, type LogEntry } from './fake-entra-directory.ts';

type Json = Record<string, unknown>;

export interface EntraRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  status: number | null;
  readonly records: number;
}

export interface FakeEntraOptions extends Partial<DirectoryOptions> {
  /** Milliseconds since the epoch, by Microsoft's clock. */
  readonly now: () => number;
  /** Application permissions that were granted. */
  readonly permissions?: readonly string[];
  readonly clientSecret?: string;
  /** Public keys (PEM) of certificates of the app. */
  readonly keys?: readonly string[];
  /** Upload calls in 24 hours: 2,000 with P1 or P2 [E2]. */
  readonly dailyCalls?: number;
}

/** Everything that some part of Rollcall may use. */
export const ALL_PERMISSIONS: readonly string[] = [
  'SynchronizationData-User.Upload',
  'ProvisioningLog.Read.All',
  'Synchronization.Read.All',
  'User.Read.All',
  'User.EnableDisableAccount.All',
  'User.RevokeSessions.All',
];

export interface FakeEntra extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly url: string;
  readonly uploadUrl: string;
  readonly tokenUrl: string;
  readonly directory: Directory;
  readonly log: EntraRequest[];
  readonly uploads: () => readonly EntraRequest[];
  permissions: readonly string[];
  /** Called with each request when it has arrived; what it returns is answered instead, `lose` applies and drops the connection. */
  onRequest:
    | ((
        request: EntraRequest,
      ) =>
        | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
        | 'lose'
        | undefined)
    | null;
  /** Users whose sessions were ended, by id. */
  readonly revoked: string[];
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

export const JOB = 'API2AAD.2f1c.7b7e';
const PRINCIPAL = '9c1d0d34-0000-4000-8000-000000000001';
const JOB_PATH = `/v1.0/servicePrincipals/${PRINCIPAL}/synchronization/jobs/${JOB}`;
const TENANT = 'acme-tenant';
export const CLIENT = 'rollcall-app';

/** 40 calls in 5 s, else 429 [E2] [E4]; 50 operations in one call [E1]. */
const SHORT = { calls: 40, ms: 5_000 } as const;
const OPERATIONS_MAX = 50;
const DAY_MS = 86_400_000;
/** Of the order of 5 requests in 10 s (GK). */
const REPORTS = { calls: 5, ms: 10_000 } as const;

export async function startFakeEntra(options: FakeEntraOptions): Promise<FakeEntra> {
  const { now } = options;
  const directory = new Directory({
    processAfterMs: options.processAfterMs ?? 60_000,
    logAfterMs: options.logAfterMs ?? 5 * 60_000,
    flowNull: options.flowNull ?? false,
    inScope: options.inScope ?? (() => true),
    disableThreshold: options.disableThreshold ?? null,
  });
  const tokens = new Map<string, { readonly endsAt: number; readonly roles: readonly string[] }>();
  const used = new Set<unknown>();
  let uploadsAt: number[] = [];
  let reportsAt: number[] = [];
  let open = 0;

  const say = (status: number, body: unknown = null, headers: Record<string, string> = {}): Said => ({
    status,
    body,
    headers,
  });
  const refused = (status: number, code: string, message: string): Said => say(status, { error: { code, message } });
  /** The application permissions that allow it; one is enough. */
  const may = (roles: readonly string[], ...any: readonly string[]): boolean => any.some((one) => roles.includes(one));

  async function token(fields: URLSearchParams): Promise<Said> {
    const bad = (error: string): Said => say(401, { error, error_description: 'AADSTS7000215: invalid client' });
    if (fields.get('grant_type') !== 'client_credentials') return say(400, { error: 'unsupported_grant_type' });
    // [E13]
    if (fields.get('scope') !== 'https://graph.microsoft.com/.default') return say(400, { error: 'invalid_scope' });
    if (fields.get('client_id') !== CLIENT && fields.get('client_assertion') === null) return bad('invalid_client');
    const secret = fields.get('client_secret');
    if (secret !== null ? secret !== (options.clientSecret ?? 'app-secret') : !(await proven(fields)))
      return bad('invalid_client');
    const payload = Buffer.from(
      JSON.stringify({ aud: 'https://graph.microsoft.com', roles: entra.permissions }),
    ).toString('base64url');
    const text = `e30.${payload}.sig${tokens.size}`;
    tokens.set(text, { endsAt: now() + 3_599_000, roles: [...entra.permissions] });
    return say(200, { token_type: 'Bearer', expires_in: 3599, access_token: text });
  }

  async function proven(fields: URLSearchParams): Promise<boolean> {
    for (const key of options.keys ?? []) {
      const verified = await jwtVerify(fields.get('client_assertion') ?? '', createPublicKey(key), {
        audience: entra.tokenUrl,
        issuer: CLIENT,
        subject: CLIENT,
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'jti'],
      }).catch(() => null);
      if (verified === null || used.has(verified.payload.jti)) continue;
      used.add(verified.payload.jti);
      return verified.protectedHeader['x5t#S256'] !== undefined;
    }
    return false;
  }

  function upload(request: EntraRequest, roles: readonly string[]): Said {
    if (request.method !== 'POST') return refused(405, 'MethodNotAllowed', 'POST only');
    if (!may(roles, 'SynchronizationData-User.Upload', 'SynchronizationData-User.Upload.OwnedBy'))
      return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
    const at = now();
    uploadsAt = uploadsAt.filter((one) => one > at - DAY_MS);
    const short = uploadsAt.filter((one) => one > at - SHORT.ms).length;
    if (short >= SHORT.calls || uploadsAt.length >= (options.dailyCalls ?? 2_000))
      return refused(429, 'TooManyRequests', 'Too many requests.');
    uploadsAt.push(at);
    // Without the type of content: 400 [E1] [E4].
    if (request.headers['content-type'] !== 'application/scim+json')
      return refused(400, 'BadRequest', 'Invalid data format');
    const body = parsed(request.body);
    const operations = Array.isArray(body?.Operations) ? (body.Operations as Json[]) : null;
    const schemas = body?.schemas;
    if (
      operations === null ||
      !Array.isArray(schemas) ||
      schemas[0] !== 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'
    )
      return refused(400, 'BadRequest', 'Invalid data format');
    if (operations.length === 0 || operations.length > OPERATIONS_MAX)
      return refused(400, 'BadRequest', 'too many operations');
    if (new Set(operations.map(({ bulkId }) => bulkId)).size !== operations.length)
      return refused(400, 'BadRequest', 'bulkId is not unique');
    for (const { data } of operations) {
      const record = (data ?? {}) as Json;
      const listed = new Set(Array.isArray(record.schemas) ? record.schemas : []);
      // Custom attributes stand under a URN that is listed in schemas [E19].
      if (Object.keys(record).some((name) => name.startsWith('urn:') && !listed.has(name)) || poisoned(record))
        return refused(400, 'BadRequest', 'Schema violation');
    }
    directory.take(operations, at);
    // Staged only: the address covers the whole job, the body is empty [E1].
    const location = `https://graph.microsoft.com/v1.0/auditLogs/provisioning/?$filter=jobid eq '${JOB}'`;
    return say(202, null, { location, 'request-id': `request-${uploadsAt.length}` });
  }

  /** A value that no schema allows. */
  const poisoned = (record: Json): boolean => JSON.stringify(record).includes('POISON');

  function logs(query: URLSearchParams, roles: readonly string[]): Said {
    if (!may(roles, 'ProvisioningLog.Read.All', 'AuditLog.Read.All'))
      return refused(
        403,
        'Authentication_MSGraphPermissionMissing',
        'Calling principal does not have required MSGraph permissions',
      );
    const at = now();
    reportsAt = reportsAt.filter((one) => one > at - REPORTS.ms);
    if (reportsAt.length >= REPORTS.calls)
      return say(429, { error: { code: 'TooManyRequests', message: 'slow down' } }, { 'retry-after': '10' });
    reportsAt.push(at);
    // Filters are case sensitive [E8].
    const filter = /^jobId eq '([^']*)' and activityDateTime (gt|ge) (\S+)$/.exec(query.get('$filter') ?? '');
    const since = Date.parse(filter?.[3] ?? '');
    if (filter === null || Number.isNaN(since)) return refused(400, 'BadRequest', 'Invalid filter clause');
    const top = Number(query.get('$top') ?? '100');
    const [upTo = Number.POSITIVE_INFINITY, offset = 0] = (query.get('$skiptoken') ?? '')
      .split('.')
      .filter((part) => part !== '')
      .map(Number);
    const all: LogEntry[] = [];
    const length = Math.min(upTo, directory.logs.length);
    for (let index = 0; index < length; index += 1) {
      const line = directory.logs[index];
      if (line !== undefined && line.visibleAt <= at && line.at > since && filter[1] === JOB) all.push(line);
    }
    const page = all.slice(offset, offset + top);
    const next =
      offset + top < all.length
        ? `${entra.url}/v1.0/auditLogs/provisioning?$filter=${encodeURIComponent(query.get('$filter') ?? '')}&$top=${top}&$skiptoken=${length}.${offset + top}`
        : null;
    return say(200, { value: page.map(lineShown), ...(next === null ? {} : { '@odata.nextLink': next }) });
  }

  function users(method: string, path: string, query: URLSearchParams, body: string, roles: readonly string[]): Said {
    const [, , , id = '', action = ''] = path.split('/').map(decodeURIComponent);
    if (method === 'GET' && id === '') {
      if (!may(roles, 'User.Read.All', 'User.ReadWrite.All'))
        return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
      return listed(query);
    }
    const user = directory.users.get(id) ?? directory.named(id);
    if (user === null || user === undefined)
      return refused(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
    if (method === 'POST' && action === 'revokeSignInSessions') {
      if (!may(roles, 'User.RevokeSessions.All', 'User.ReadWrite.All', 'Directory.ReadWrite.All'))
        return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
      entra.revoked.push(user.id);
      return say(200, { value: true });
    }
    if (method === 'PATCH' && action === '') {
      if (!may(roles, 'User.EnableDisableAccount.All', 'User.ReadWrite.All'))
        return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
      user.accountEnabled = parsed(body)?.accountEnabled === true;
      return say(204);
    }
    return refused(404, 'BadRequest', 'no such path');
  }

  function listed(query: URLSearchParams): Said {
    const filter = query.get('$filter');
    const select = (query.get('$select') ?? 'id').split(',');
    let found: readonly DirectoryUser[];
    if (filter !== null) {
      const match = /^(\w+) eq '((?:[^']|'')*)'$/.exec(filter);
      const value = (match?.[2] ?? '').replaceAll("''", "'");
      if (match === null) return refused(400, 'Request_UnsupportedQuery', 'Unsupported query.');
      const one =
        match[1] === 'employeeId'
          ? directory.of(value)
          : match[1] === 'userPrincipalName'
            ? directory.named(value)
            : (directory.users.get(value) ?? null);
      found = one === null ? [] : [one];
    } else found = [...directory.users.values()];
    const top = Math.min(Number(query.get('$top') ?? '100'), 999);
    const offset = Number(query.get('$skiptoken') ?? '0');
    const next =
      offset + top < found.length
        ? `${entra.url}/v1.0/users?$select=${select.join(',')}&$top=${top}&$skiptoken=${offset + top}`
        : null;
    return say(200, {
      value: found
        .slice(offset, offset + top)
        .map((user) => Object.fromEntries(select.map((name) => [name, propertyOf(user, name)]))),
      ...(next === null ? {} : { '@odata.nextLink': next }),
    });
  }

  /** The SCIM provisioning API: app-only, JSON accepted, PATCH 204 without a body [E20] [E25]. */
  function scim(request: EntraRequest, path: string, roles: readonly string[]): Said {
    if (!may(roles, 'User.EnableDisableAccount.All', 'User.ReadWrite.All'))
      return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
    if (!/json/.test(request.headers.accept ?? '')) return refused(400, 'BadRequest', 'Accept must be JSON');
    const user = directory.users.get(decodeURIComponent(path.split('/')[4] ?? ''));
    if (user === undefined) return refused(404, 'NotFound', 'no such user');
    const [operation] = (parsed(request.body)?.Operations ?? []) as Json[];
    if (request.method !== 'PATCH' || operation?.path !== 'active' || operation.op !== 'replace')
      return refused(400, 'BadRequest', 'not understood');
    user.accountEnabled = operation.value === true;
    return say(204);
  }

  function job(roles: readonly string[]): Said {
    if (!may(roles, 'Synchronization.Read.All', 'Synchronization.ReadWrite.All'))
      return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
    const { status, quarantine } = directory;
    return say(200, {
      id: JOB,
      templateId: 'API2AAD',
      schedule: { state: status === 'Paused' ? 'Paused' : 'Active', interval: 'PT40M' },
      status: {
        code: status,
        quarantine:
          quarantine === null
            ? null
            : {
                reason: quarantine.reason,
                seriesCount: 1,
                error: { code: quarantine.reason, message: quarantine.message },
              },
      },
    });
  }

  async function answerTo(request: EntraRequest): Promise<Said> {
    const url = new URL(request.path, 'http://fake');
    if (url.pathname === `/${TENANT}/oauth2/v2.0/token`) return token(new URLSearchParams(request.body));
    const shown = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (shown === undefined || shown.endsAt <= now())
      return refused(401, 'InvalidAuthenticationToken', 'Access token has expired or is not yet valid.');
    directory.runUntil(now());
    if (url.pathname === `${JOB_PATH}/bulkUpload`) return upload(request, shown.roles);
    if (url.pathname === JOB_PATH && request.method === 'GET') return job(shown.roles);
    if (url.pathname === '/v1.0/auditLogs/provisioning' && request.method === 'GET')
      return logs(url.searchParams, shown.roles);
    if (url.pathname.startsWith('/v1.0/users'))
      return users(request.method, url.pathname, url.searchParams, request.body, shown.roles);
    if (url.pathname.startsWith('/rp/scim/users/')) return scim(request, url.pathname, shown.roles);
    return refused(404, 'ResourceNotFound', 'Resource not found for the segment');
  }

  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    open += 1;
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      const request: EntraRequest = {
        at: now(),
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        body,
        headers: incoming.headers as Record<string, string | undefined>,
        status: null,
        records: (body.match(/"bulkId"/g) ?? []).length,
      };
      entra.log.push(request);
      const told = entra.onRequest?.(request);
      const said =
        told === undefined || told === 'lose'
          ? await answerTo(request)
          : { status: told.status, body: told.body ?? null, headers: told.headers ?? {} };
      open -= 1;
      if (told === 'lose') {
        incoming.socket.destroy();
        return;
      }
      request.status = said.status;
      response.writeHead(said.status, {
        'content-type': 'application/json',
        date: new Date(now()).toUTCString(),
        ...said.headers,
      });
      response.end(
        said.body === null ? undefined : typeof said.body === 'string' ? said.body : JSON.stringify(said.body),
      );
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  const entra: FakeEntra = {
    url,
    uploadUrl: `${url}${JOB_PATH}/bulkUpload`,
    tokenUrl: `${url}/${TENANT}/oauth2/v2.0/token`,
    directory,
    log: [],
    uploads: () => entra.log.filter(({ path }) => path.endsWith('/bulkUpload')),
    permissions: options.permissions ?? ALL_PERMISSIONS,
    onRequest: null,
    revoked: [],
    open: () => open,
    close,
    [Symbol.asyncDispose]: close,
  };
  return entra;
}

interface Said {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;
}

function parsed(text: string): Json | null {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** Members as documented [E5] [E8]; the source id carries the matching value (obs) [X1]. */
const lineShown = (line: LogEntry) => ({
  id: line.id,
  activityDateTime: new Date(line.at).toISOString(),
  jobId: JOB,
  cycleId: 'cycle',
  changeId: line.id,
  provisioningAction: line.action,
  provisioningStatusInfo: {
    status: line.status,
    errorInformation:
      line.errorCode === null
        ? null
        : { errorCode: line.errorCode, reason: line.reason, errorCategory: 'nonServiceFailure', recommendedAction: '' },
  },
  sourceIdentity: { id: line.identity, displayName: '', identityType: 'User', details: {} },
  targetIdentity: { id: '', displayName: '', identityType: 'User', details: {} },
  provisioningSteps: [],
  modifiedProperties: line.modified,
});

function propertyOf(user: DirectoryUser, name: string): unknown {
  if (name === 'id' || name === 'userPrincipalName' || name === 'accountEnabled' || name === 'employeeId')
    return user[name];
  return user.properties.get(name) ?? null;
}
