// A SCIM 2.0 server that knows nothing of us and shares no code with the embedded endpoint: the SCIM plugin of Better Auth on
// SQLite in memory, over real HTTP. Independent-server stories judge by what it stores.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scim } from '@better-auth/scim';
import { type BetterAuthPlugin, betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import BetterSqlite3 from 'better-sqlite3';

export interface BetterAuthEndpoint extends AsyncDisposable {
  /** Base URL. */
  readonly url: string;
  readonly token: string;
  /** Signs the user of this name in, as the application in front of it would. */
  readonly signIn: (userName: string) => void;
  /** Sessions of that user that are open. */
  readonly sessions: (userName: string) => number;
  readonly close: () => Promise<void>;
}

const BASE = '/api/auth/scim/v2';
const LONG_AGO = '2026-01-01T00:00:00.000Z';

/** Opens the server on a free port of the loopback interface, with a token of its own. */
export async function startBetterAuthEndpoint(): Promise<BetterAuthEndpoint> {
  const token = randomBytes(24).toString('base64url');
  const database = new BetterSqlite3(':memory:');
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', done);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = {
    baseURL: origin,
    secret: randomBytes(32).toString('base64url'),
    database,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    // Its own types do not hold under `exactOptionalPropertyTypes`.
    plugins: [
      scim({
        connections: [{ id: 'rollcall', credentials: [{ type: 'bearer', id: 'one', token }] }],
      }) as unknown as BetterAuthPlugin,
    ],
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const handle = toNodeHandler(betterAuth(options));
  const close = async () => {
    await new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
    database.close();
  };
  const idOf = (userName: string): string =>
    (
      database.prepare('SELECT "userId" AS id FROM "scimUser" WHERE "userName" = ?').get(userName) as
        | { readonly id: string }
        | undefined
    )?.id ?? '';
  return {
    url: `${origin}${BASE}`,
    token,
    signIn: (userName) => {
      const id = randomBytes(8).toString('hex');
      database
        .prepare(
          'INSERT INTO "session" ("id", "token", "userId", "expiresAt", "createdAt", "updatedAt") VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(id, `token-${id}`, idOf(userName), '2099-01-01T00:00:00.000Z', LONG_AGO, LONG_AGO);
    },
    sessions: (userName) =>
      (
        database.prepare('SELECT count(*) AS open FROM "session" WHERE "userId" = ?').get(idOf(userName)) as {
          readonly open: number;
        }
      ).open,
    close,
    [Symbol.asyncDispose]: close,
  };
}
