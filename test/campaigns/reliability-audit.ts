// What the audit must say of the requests that the endpoints saw: an intent before each write, and afterwards what became of it.
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../src/base/json.ts';
import type { LoggedRequest } from '../support/fake-idp.ts';

export interface AuditEntry {
  readonly seq: number;
  /** On the daemon's clock. */
  readonly at: string;
  readonly kind: string;
  readonly body: JsonObject;
}

/** Two processes read one clock, but hear of a new pace one after the other. */
const NEWS_MS = 5;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const keyOf = (...parts: readonly unknown[]): string => parts.map(String).join(' ');

export function auditFaults(
  audit: { readonly entries: readonly AuditEntry[]; readonly broken: string | null },
  targets: readonly { readonly name: string; readonly log: readonly LoggedRequest[] }[],
  virtualAt: (realMs: number) => number,
): string[] {
  const faults = audit.broken === null ? [] : [`the audit does not verify: ${audit.broken}`];
  const intents = new Map<string, AuditEntry[]>();
  /** By operation: the last entry that tells what became of it. */
  const ends = new Map<unknown, number>();
  for (const entry of audit.entries) {
    const { target, method, path, bodyHash, operation } = entry.body;
    if (entry.kind === 'intent') {
      const key = keyOf(target, method, path, bodyHash);
      const list = intents.get(key);
      if (list === undefined) intents.set(key, [entry]);
      else list.push(entry);
    } else if (operation !== undefined) ends.set(operation, entry.seq);
  }
  for (const { name, log } of targets) {
    for (const request of log) {
      if (request.method === 'GET') continue;
      const what = `request ${request.n} (${request.method} ${request.path})`;
      for (const { method, path, body } of partsOf(request)) {
        const key = keyOf(name, method, path.split('?')[0], body === '' ? null : sha256(body));
        const intent = intents.get(key)?.shift();
        if (intent === undefined) {
          faults.push(`${name}: ${what} has no intent in the audit for ${method} ${path}`);
          continue;
        }
        if (Date.parse(intent.at) > virtualAt(request.at + NEWS_MS))
          faults.push(`${name}: ${what} came before its intent was written`);
        if ((ends.get(intent.body.operation) ?? 0) < intent.seq)
          faults.push(`${name}: ${what} has no outcome in the audit after its intent ${intent.seq}`);
      }
    }
  }
  return faults;
}

type Part = Pick<LoggedRequest, 'method' | 'path' | 'body'>;

/** Every operation of a bulk request (RFC 7644 section 3.7) has an intent of its own. */
function partsOf(request: LoggedRequest): readonly Part[] {
  if (request.path !== '/Bulk') return [request];
  const { Operations = [] } = JSON.parse(request.body) as {
    Operations?: readonly (Omit<Part, 'body'> & { data?: unknown })[];
  };
  return Operations.map(({ method, path, data }) => ({
    method,
    path,
    body: data === undefined ? '' : JSON.stringify(data),
  }));
}
