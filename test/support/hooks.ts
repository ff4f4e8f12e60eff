// The other end of a webhook: signs requests as senders do and posts them to the house's own server.
import { createHmac } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import type { JsonValue } from '../../src/base/json.ts';
import { hookEndpoints } from '../../src/http/hooks/endpoint.ts';
import { buildServer, type ServerParts } from '../../src/http/server.ts';
import { EVENT_KINDS, takeEvents } from '../../src/pipeline/events.ts';
import type { TestHouse } from './house.ts';

export const HINT_SECRET = 'a-hint-secret-of-acme-0001';
export const RECORD_SECRET = 'a-record-secret-of-acme-0001';
export const EMERGENCY_SECRET = 'an-emergency-secret-of-acme';
export const HOOK_ENVIRONMENT: Readonly<Record<string, string>> = {
  HINT_SECRET,
  RECORD_SECRET,
  EMERGENCY_SECRET,
};

/** To be appended to a mapping: one hook of each kind, signed with a time. */
export const HOOKS = `webhooks:
  - path: /hooks/acme
    verify: { scheme: hmac, header: X-Signature, timestampHeader: X-Timestamp, signed: '{timestamp}.{body}', secrets: ["\${env:HINT_SECRET}"] }
    worker: body.employee.id
  - path: /hooks/acme-records
    verify: { scheme: hmac, header: X-Signature, timestampHeader: X-Timestamp, signed: '{timestamp}.{body}', secrets: ["\${env:RECORD_SECRET}"] }
    record: body.record
    at: body.?at.orValue("")
  - path: /hooks/acme-emergency
    emergency: true
    verify: { scheme: hmac, header: X-Signature, secrets: ["\${env:EMERGENCY_SECRET}"] }
    worker: body.id
`;

export interface Posted {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface HookDesk {
  readonly server: FastifyInstance;
  /** Any request at all. */
  readonly post: (path: string, body: string | Buffer, headers?: Readonly<Record<string, string>>) => Promise<Posted>;
  /** Signed with the time of the house's clock. */
  readonly hint: (id: string) => Promise<Posted>;
  readonly record: (record: Readonly<Record<string, JsonValue>>, at?: string) => Promise<Posted>;
  readonly emergency: (id: string) => Promise<Posted>;
  /** Carries out what has come until nothing more can be. */
  readonly take: () => Promise<void>;
}

export const hmacHex = (secret: string, ...parts: readonly (string | Buffer)[]): string => {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};

const never = new AbortController().signal;
/** Looks at the inbox without any news: more would be a loop without end. */
const LOOKS_MAX = 1_000;

export function hookDesk(test: TestHouse, parts: Partial<ServerParts> = {}): HookDesk {
  const server = buildServer({
    version: 'test',
    readiness: async () => ({ ready: true, reasons: [] }),
    hooks: hookEndpoints(test.house, HOOK_ENVIRONMENT),
    ...parts,
  });
  onTestFinished(() => server.close());
  const post: HookDesk['post'] = async (path, body, headers = {}) => {
    const answer = await server.inject({
      method: 'POST',
      url: path,
      headers: { 'content-type': 'application/json', ...headers },
      payload: body,
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  };
  const timed = (path: string, secret: string, value: JsonValue): Promise<Posted> => {
    const body = JSON.stringify(value);
    const timestamp = String(Math.floor(test.clock.nowMs() / 1000));
    return post(path, body, {
      'x-timestamp': timestamp,
      'x-signature': hmacHex(secret, timestamp, '.', body),
    });
  };
  return {
    server,
    post,
    hint: (id) => timed('/hooks/acme', HINT_SECRET, { employee: { id } }),
    record: (record, at) =>
      timed('/hooks/acme-records', RECORD_SECRET, { record, ...(at === undefined ? {} : { at }) }),
    emergency: (id) => {
      const body = JSON.stringify({ id });
      return post('/hooks/acme-emergency', body, { 'x-signature': hmacHex(EMERGENCY_SECRET, body) });
    },
    take: async () => {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        let events = 0;
        for (const kind of EVENT_KINDS) events += await takeEvents(test.house, test.live, kind, never);
        if (events === 0) return;
      }
      throw new Error('the inbox is never empty');
    },
  };
}
