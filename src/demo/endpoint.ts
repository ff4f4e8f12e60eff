// A SCIM 2.0 endpoint in memory on a library that knows nothing of us (scimmy), for the demo, rehearsals and tests.
// Where it strays from RFC 7644: filters compare case and cannot hold an escaped quote, a path into an extension cannot name
// a part (`…:manager.value`), `replace` does not make the parent of what it writes, a PATCH that changes nothing answers 204,
// and a page behind the last one repeats the first.
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import SCIMMY from 'scimmy';
import ScimRouters from 'scimmy-routers';
import type { JsonObject } from '../base/json.ts';
import { type Clock, nowOf, systemClock } from '../runtime/clock.ts';

export interface EndpointOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: '127.0.0.1';
  /** Demanded as `Authorization: Bearer TOKEN`. */
  readonly token: string;
  /** Dates `meta.created` and `meta.lastModified`; the system's unless told otherwise. */
  readonly clock?: Clock;
  /** Told of every answered request that was no GET. */
  readonly onWrite?: (write: EndpointWrite) => void;
}

export interface EndpointWrite {
  readonly method: string;
  /** Below the base URL. */
  readonly path: string;
  readonly status: number;
}

export interface EmbeddedEndpoint extends AsyncDisposable {
  /** Base URL. */
  readonly url: string;
  readonly users: () => readonly JsonObject[];
  readonly groups: () => readonly JsonObject[];
  readonly close: () => Promise<void>;
}

type Stored = Record<string, unknown> & { id: string };

/** Users and groups of one endpoint. The library keeps its handlers per process, so each request brings its own shelf. */
interface Shelf {
  readonly clock: Clock;
  readonly token: string;
  readonly users: Map<string, Stored>;
  readonly groups: Map<string, Stored>;
}

interface Asked {
  readonly id?: string;
  readonly filter?: { match(values: readonly Stored[]): Stored[] };
}

const BASE = '/scim/v2';

let declared = false;
/** Tells the library once per process how users and groups are read, written and removed. */
function declareResources(): void {
  if (declared) return;
  declared = true;
  const { User, Group } = SCIMMY.Resources;
  SCIMMY.Resources.declare(User.extend(SCIMMY.Schemas.EnterpriseUser, false), handlers('users', 'userName'));
  SCIMMY.Resources.declare(Group, handlers('groups', 'displayName'));
}

function handlers(shelfName: 'users' | 'groups', uniqueName: 'userName' | 'displayName') {
  const fold = (resource: Record<string, unknown>) => String(resource[uniqueName] ?? '').toLowerCase();
  return {
    egress: (asked: Asked, shelf: Shelf) => {
      const kept = shelf[shelfName];
      if (asked.id !== undefined) {
        const found = kept.get(asked.id);
        if (found === undefined) throw new SCIMMY.Types.Error(404, null as never, `Resource ${asked.id} not found`);
        return found;
      }
      const all = [...kept.values()];
      return asked.filter === undefined ? all : asked.filter.match(all);
    },
    ingress: (asked: Asked, data: object, shelf: Shelf) => {
      const kept = shelf[shelfName];
      const before = asked.id === undefined ? undefined : kept.get(asked.id);
      if (asked.id !== undefined && before === undefined) {
        throw new SCIMMY.Types.Error(404, null as never, `Resource ${asked.id} not found`);
      }
      const content = JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
      for (const [id, other] of kept) {
        if (id !== asked.id && fold(other) === fold(content)) {
          throw new SCIMMY.Types.Error(409, 'uniqueness', `${uniqueName} is taken`);
        }
      }
      const now = nowOf(shelf.clock);
      const created = (before?.meta as { created?: string } | undefined)?.created ?? now;
      const id = asked.id ?? randomUUID();
      const stored: Stored = { ...content, id, meta: { created, lastModified: now } };
      // The library appends a member that is there already; RFC 7644 section 3.5.2.1 wants that to be nothing.
      if (Array.isArray(stored.members)) stored.members = onePerValue(stored.members as { value?: string }[]);
      // What lost its last part is gone (RFC 7643 section 2.5): an extension, `name`.
      for (const [key, value] of Object.entries(stored)) {
        if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) delete stored[key];
      }
      kept.set(id, stored);
      return stored;
    },
    degress: (asked: Asked, shelf: Shelf) => {
      if (asked.id === undefined || !shelf[shelfName].delete(asked.id)) {
        throw new SCIMMY.Types.Error(404, null as never, `Resource ${asked.id ?? ''} not found`);
      }
      if (shelfName === 'users') leaveGroups(shelf, asked.id);
    },
  };
}

const onePerValue = (members: readonly { value?: string }[]) => [
  ...new Map(members.map((member) => [member.value, member])).values(),
];

function leaveGroups(shelf: Shelf, userId: string): void {
  for (const group of shelf.groups.values()) {
    if (Array.isArray(group.members)) {
      group.members = (group.members as { value?: string }[]).filter((member) => member.value !== userId);
    }
  }
}

/** Opens the endpoint; it is there when this resolves. */
export async function startEmbeddedEndpoint(options: EndpointOptions): Promise<EmbeddedEndpoint> {
  declareResources();
  const shelf: Shelf = {
    clock: options.clock ?? systemClock,
    token: options.token,
    users: new Map(),
    groups: new Map(),
  };
  const routers = new ScimRouters({
    type: 'bearer',
    handler: (request: object) => {
      const { authorization } = (request as { headers: { authorization?: string } }).headers;
      if (!sameSecret(authorization ?? '', `Bearer ${shelf.token}`)) throw new Error('Unauthorized');
      return '';
    },
    context: () => shelf,
  } as unknown as ConstructorParameters<typeof ScimRouters>[0]);
  const app = express();
  app.disable('x-powered-by');
  const { onWrite } = options;
  if (onWrite !== undefined) {
    app.use(BASE, (request, response, next) => {
      const [method, path] = [request.method ?? '', request.url ?? ''];
      if (method !== 'GET') response.once('finish', () => onWrite({ method, path, status: response.statusCode }));
      next();
    });
  }
  app.use(BASE, routers as unknown as Parameters<typeof app.use>[1]);
  const server = createServer(app);
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port, options.host, done);
  });
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
    return closing;
  };
  const shown = (kept: ReadonlyMap<string, Stored>) =>
    [...kept.values()].map((stored) => structuredClone(stored) as JsonObject);
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}${BASE}`,
    users: () => shown(shelf.users),
    groups: () => shown(shelf.groups),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sameSecret(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
