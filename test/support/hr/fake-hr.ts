// A fake HR system over real HTTP. What it knows are people; what it says is up to the vendor's module beside this file. It can
// throttle, expire credentials, hide a field and lose a page, as the real ones do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HrPerson {
  readonly id: string;
  readonly number: string;
  readonly first: string;
  readonly last: string;
  readonly mail: string;
  readonly department: string;
  readonly title: string;
  /** YYYY-MM-DD. */
  readonly start: string;
  /** YYYY-MM-DD; '' for none. */
  readonly end: string;
  /** Id of the manager; '' for none. */
  readonly manager: string;
}

export interface HrRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HrReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
}

export interface HrWorld {
  people: HrPerson[];
  /** YYYY-MM-DD: vendors say what is so today. */
  today: string;
  /** The field that the story hides is left out of every answer. */
  hidden: boolean;
  /** One page of the list is lost: it comes empty, or the list ends before it. */
  losesPage: boolean;
  /** Answers 429 this many times. */
  throttles: number;
  expired: boolean;
  /** Ids in the order in which they changed, newest last, with the moment. */
  readonly changed: { readonly id: string; readonly at: string; readonly action: 'Inserted' | 'Updated' }[];
}

export interface VendorFake {
  readonly preset: string;
  /** The credentials that the source shows. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of the token endpoint, where the vendor has one: its address is ${env:HR_TOKEN_URL}. */
  readonly tokenPath?: string;
  /** Keys that the story sets over the template's `source`. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** Rows beside one for each of the people. */
  readonly moreRows?: number;
  /** People on one page: the story has more. Null where the vendor answers at once. */
  readonly pageSize: number | null;
  /** Whether the list proves that it is whole (a total, a documented end): only then a lost page is told. */
  readonly tellsLostPage: boolean;
  /** False where the record says only that somebody has left, and not when. */
  readonly tellsEnd?: boolean;
  /** The word of a credentials fault in the answer to an expired key: 401 unless said otherwise. */
  readonly expiredStatus?: number;
  readonly respond: (request: HrRequest, world: HrWorld) => HrReply;
}

export interface FakeHr extends AsyncDisposable {
  readonly url: string;
  readonly world: HrWorld;
  readonly log: HrRequest[];
  readonly close: () => Promise<void>;
}

export const person = (id: number, change: Partial<HrPerson> = {}): HrPerson => ({
  id: String(id),
  number: String(1000 + id),
  first: `First${id}`,
  last: `Last${id}`,
  mail: `p${id}@example.com`,
  department: 'Sales',
  title: 'Clerk',
  start: '2020-01-01',
  end: '',
  manager: '',
  ...change,
});

export async function startFakeHr(
  vendor: Pick<VendorFake, 'respond' | 'expiredStatus' | 'tokenPath'>,
  people: readonly HrPerson[],
  today: string,
): Promise<FakeHr> {
  const world: HrWorld = {
    people: [...people],
    today,
    hidden: false,
    losesPage: false,
    throttles: 0,
    expired: false,
    changed: [],
  };
  const log: HrRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://fake');
      const request: HrRequest = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      log.push(request);
      send(outgoing, replyTo(vendor, request, world));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, world, log, close, [Symbol.asyncDispose]: close };
}

function replyTo(
  vendor: Pick<VendorFake, 'respond' | 'expiredStatus' | 'tokenPath'>,
  request: HrRequest,
  world: HrWorld,
): HrReply {
  // What is throttled is the interface, not the login.
  if (world.throttles > 0 && request.path !== vendor.tokenPath) {
    world.throttles--;
    return { status: 429, headers: { 'retry-after': '2' } };
  }
  if (world.expired) return { status: vendor.expiredStatus ?? 401, headers: { 'www-authenticate': 'Basic' } };
  return vendor.respond(request, world);
}

function send(outgoing: ServerResponse, { status = 200, headers = {}, body }: HrReply): void {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  // The clock of the story is held; that of this machine has no place in it.
  outgoing.sendDate = false;
  outgoing.writeHead(status, {
    ...(body !== undefined && typeof body !== 'string' ? { 'content-type': 'application/json' } : {}),
    ...headers,
  });
  outgoing.end(text);
}

/** The same object without a member. */
export const without = <T extends object>(value: T, member: string): T =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== member)) as T;

/** Who changed after this moment. */
export const changedSince = ({ people, changed }: HrWorld, since: string): readonly HrPerson[] => {
  const ids = new Set(changed.filter(({ at }) => Date.parse(at) > Date.parse(since)).map(({ id }) => id));
  return people.filter(({ id }) => ids.has(id));
};

/** Whether the world says that the worker has left by today. */
export const hasLeft = ({ end }: HrPerson, { today }: HrWorld): boolean => end !== '' && end < today;
