// SCIM servers whose protocol others have written: the same stories are told to each of them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { startEmbeddedEndpoint } from '../../src/demo/endpoint.ts';
import { type BetterAuthEndpoint, startBetterAuthEndpoint } from './better-auth-endpoint.ts';
import { mappingText, openTestHouse, type TestHouse } from './house.ts';
import { tapped, type WireTap } from './wire-tap.ts';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export interface RunningServer {
  /** Base URL. */
  readonly url: string;
  readonly token: string;
  readonly close: () => Promise<void>;
}

export interface IndependentServer {
  readonly name: 'scimmy' | 'better-auth';
  /** Packages and versions that were driven. */
  readonly packages: readonly string[];
  readonly start: () => Promise<RunningServer>;
  /** What it cannot do, and why: stories that need it end with a failure that is shown, or in a limit that is written down. */
  readonly unsupported: Readonly<Partial<Record<Ability, string>>>;
}

export type Ability = 'searches in any case' | 'searches for a quote' | 'members that are checked';

const TOKEN = 'token-of-the-independent-servers';

export const INDEPENDENT_SERVERS: readonly IndependentServer[] = [
  {
    name: 'scimmy',
    packages: ['scimmy', 'scimmy-routers', 'express'],
    start: async () => ({
      ...(await startEmbeddedEndpoint({ port: 0, host: '127.0.0.1', token: TOKEN })),
      token: TOKEN,
    }),
    unsupported: {
      'searches in any case': 'its filters compare case',
      'searches for a quote': 'its filters cannot hold an escaped quote',
      'members that are checked': 'it takes any text for a member',
    },
  },
  {
    name: 'better-auth',
    packages: ['better-auth', '@better-auth/scim'],
    start: startBetterAuthEndpoint,
    unsupported: {},
  },
];

export async function started(server: IndependentServer): Promise<RunningServer> {
  const running = await server.start();
  onTestFinished(() => running.close());
  return running;
}

export async function startedBetterAuth(): Promise<BetterAuthEndpoint> {
  const running = await startBetterAuthEndpoint();
  onTestFinished(() => running.close());
  return running;
}

/** `name version` as installed. */
export function installed(name: string): string {
  const require = createRequire(import.meta.url);
  for (let dir = dirname(require.resolve(name)); dir !== dirname(dir); dir = dirname(dir)) {
    try {
      const read = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as { name?: string; version?: string };
      if (read.name === name) return `${name} ${read.version}`;
    } catch {
      // Not the package's own folder.
    }
  }
  throw new Error(`${name} is not installed`);
}

export interface ServersAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

/** One request of somebody else's, past Rollcall and past the tap. */
export async function ask(
  { url, token }: RunningServer,
  method: string,
  path: string,
  body?: JsonObject,
  headers: Readonly<Record<string, string>> = {},
): Promise<ServersAnswer> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/scim+json',
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : (JSON.parse(text) as JsonObject) };
}

const listed = async (server: RunningServer, path: string): Promise<readonly JsonObject[]> => {
  const all: JsonObject[] = [];
  for (;;) {
    const { body } = await ask(server, 'GET', `${path}?startIndex=${all.length + 1}&count=50`);
    const page = (body.Resources ?? []) as unknown as readonly JsonObject[];
    all.push(...page);
    if (page.length === 0 || all.length >= Number(body.totalResults)) return all;
  }
};
export const usersOf = (server: RunningServer): Promise<readonly JsonObject[]> => listed(server, '/Users');

/** The user with this externalId; `{}` when there is none. */
export const userOf = async (server: RunningServer, externalId: string): Promise<JsonObject> =>
  (await usersOf(server)).find((user) => user.externalId === externalId) ?? {};

/** externalIds of the members of the group of this name, sorted; null where there is no such group. */
export async function membersOf(server: RunningServer, name: string): Promise<readonly string[] | null> {
  const group = (await listed(server, '/Groups')).find(({ displayName }) => displayName === name);
  if (group === undefined) return null;
  const { body } = await ask(server, 'GET', `/Groups/${String(group.id)}`);
  const ids = ((body.members ?? []) as unknown as readonly { readonly value: string }[]).map(({ value }) => value);
  const users = await usersOf(server);
  return ids.map((id) => String(users.find((user) => user.id === id)?.externalId)).sort();
}

export const SCIM = {
  user: (more: JsonObject): JsonObject => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
    active: true,
    name: { givenName: 'Some', familyName: 'Body' },
    ...more,
  }),
  group: (displayName: string): JsonObject => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName,
  }),
  patch: (...operations: readonly JsonObject[]): JsonObject => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: operations,
  }),
};

export interface ServedHouse {
  readonly server: RunningServer;
  readonly tap: WireTap;
  readonly test: TestHouse;
}

/** The acme house with this server as its identity provider, and a tap on the wire between them. */
export async function houseAt(independent: IndependentServer, mapping = WITH_MAIL): Promise<ServedHouse> {
  const server = await started(independent);
  const tap = await tapped(server.url);
  onTestFinished(() => tap.close());
  const test = await openTestHouse({ mapping, environment: { IDP_URL: tap.url, IDP_TOKEN: server.token } });
  return { server, tap, test };
}

export const WITH_MAIL = mappingText({
  '      title: worker.title\n': `      title: worker.title\n      emails: [{ value: userName, type: '"work"', primary: 'true' }]\n`,
});
