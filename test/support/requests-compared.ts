// What a plan said would be sent against what an endpoint was asked: ids that it issued meanwhile carry the plan's placeholders.
import { canonicalJson, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import type { FakeIdp, LoggedRequest } from './fake-idp.ts';

export interface ToldRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly note: string;
}

/** A worker's plan as `plan --requests --json` prints it, as far as it is read here. */
export interface ToldWorker {
  readonly worker: string;
  readonly operations: readonly {
    readonly sent: boolean;
    readonly follows: string;
    readonly kind: string;
    readonly requests?: readonly ToldRequest[];
  }[];
}

/** One request in words that two sides share. */
const lineOf = (method: string, path: string, body: JsonValue | null): string =>
  `${method} ${decodeURIComponent(path)}${body === null ? '' : ` ${canonicalJson(body)}`}`;

const bodyOf = (body: string): JsonValue | null => (body === '' ? null : (JSON.parse(body) as JsonValue));

/** A membership travels with others of its group: each is compared by itself. */
function apart(method: string, path: string, body: JsonValue | null): readonly string[] {
  const operations = (body as JsonObject | null)?.Operations;
  if (method !== 'PATCH' || !path.startsWith('/Groups/') || !Array.isArray(operations))
    return [lineOf(method, path, body)];
  return (operations as readonly JsonObject[]).flatMap(({ op, path: where, value }) =>
    (Array.isArray(value) ? (value as readonly JsonValue[]) : [null]).map(
      (one) => `${method} ${path} ${String(op)} ${String(where)} ${canonicalJson(one)}`,
    ),
  );
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Of a create: the line without its manager, and the reference. */
function withoutManager(body: JsonValue | null): { readonly rest: JsonValue; readonly manager: string } | null {
  const extension = (body as JsonObject | null)?.[ENTERPRISE] as JsonObject | undefined;
  const manager = (extension?.manager as JsonObject | undefined)?.value;
  if (body === null || extension === undefined || typeof manager !== 'string') return null;
  const { manager: _, ...kept } = extension;
  return { rest: { ...(body as JsonObject), [ENTERPRISE]: kept }, manager };
}

/** Requests about groups that are asked once for many workers. */
const isShared = ({ method, path }: { readonly method: string; readonly path: string }): boolean =>
  path.startsWith('/Groups?') || (method === 'POST' && path === '/Groups');

export interface Compared {
  /** Each line with how often: said, and not sent so often, or the other way round. */
  readonly unsent: readonly string[];
  readonly unsaid: readonly string[];
  readonly lines: number;
  /** References that went with the create they were to follow. */
  readonly merged: number;
  /** References that followed. */
  readonly followed: number;
}

export function compared(idp: FakeIdp, told: readonly ToldWorker[], log: readonly LoggedRequest[]): Compared {
  const placeholders = placeholdersOf(idp, told);
  const named = (text: string): string => {
    let result = text;
    for (const [id, placeholder] of placeholders) {
      result = result
        .replaceAll(`"${id}"`, () => `"${placeholder}"`)
        .replaceAll(`\\"${id}\\"`, () => `\\"${placeholder}\\"`);
      result = result.replace(
        new RegExp(`^(/(?:Users|Groups)/)${id}(?=$|[?])`),
        (_, head: string) => `${head}${placeholder}`,
      );
    }
    return result;
  };
  const said: string[] = [];
  const shared = new Set<string>();
  const following = new Map<string, string>();
  let followed = 0;
  for (const { worker, operations } of told) {
    for (const { sent, follows, requests = [] } of operations) {
      if (!sent) continue;
      for (const { method, path, body } of requests) {
        const lines = apart(method, path, bodyOf(body));
        if (isShared({ method, path })) for (const line of lines) shared.add(line);
        else said.push(...lines);
        if (follows !== '') {
          following.set(`${worker} ${follows}`, lines.join());
          followed += 1;
        }
      }
    }
  }
  const sent: string[] = [];
  const sharedSent = new Set<string>();
  const merged: string[] = [];
  for (const { method, path, body } of log) {
    const parsed = bodyOf(named(body));
    const where = named(path);
    if (isShared({ method, path: where })) {
      for (const line of apart(method, where, parsed)) sharedSent.add(line);
      continue;
    }
    const lines = apart(method, where, parsed);
    const parts = method === 'POST' ? withoutManager(parsed) : null;
    const worker = (parsed as JsonObject | null)?.externalId;
    const followingLine = parts === null ? undefined : following.get(`${String(worker)} ${keyIn(parts.manager)}`);
    if (parts !== null && followingLine !== undefined && !said.includes(lines.join())) {
      sent.push(lineOf(method, where, parts.rest), followingLine);
      merged.push(followingLine);
    } else sent.push(...lines);
  }
  // A group that is there needs no creation: that line says so.
  const unsaidShared = [...sharedSent].filter((line) => !shared.has(line));
  const unsentShared = [...shared].filter((line) => line.startsWith('GET') && !sharedSent.has(line));
  return {
    unsent: [...minus(said, sent), ...unsentShared],
    unsaid: [...minus(sent, said), ...unsaidShared],
    lines: said.length + shared.size,
    merged: merged.length,
    followed: followed - merged.length,
  };
}

const keyIn = (placeholder: string): string => /^<id:(.*)>$/.exec(placeholder)?.[1] ?? placeholder;

/** The multiset difference. */
function minus(a: readonly string[], b: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

/** Only ids that the plan could not name have placeholders; an id that it named stands for itself. */
function placeholdersOf(idp: FakeIdp, told: readonly ToldWorker[]): ReadonlyMap<string, string> {
  const text = JSON.stringify(told);
  const result = new Map<string, string>();
  for (const [id, user] of idp.users) {
    const placeholder = `<id:${String(user.externalId)}>`;
    if (text.includes(placeholder)) result.set(id, placeholder);
  }
  for (const [id, group] of idp.groups) {
    const placeholder = `<id:${String(group.displayName)}>`;
    if (text.includes(placeholder)) result.set(id, placeholder);
  }
  return result;
}
