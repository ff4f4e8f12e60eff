// A target of kind okta-source at a strict stand-in under a held clock, with a journal that remembers.

import { instantOfMs } from '../../src/base/instant.ts';
import type { JsonValue } from '../../src/base/json.ts';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import { type OktaSettings, oktaSchema, oktaSettings } from '../../src/mapping/okta-schema.ts';
import type { Accepted, AccountPayload, AccountState } from '../../src/planning/changeset.ts';
import { ssws } from '../../src/runtime/access/credentials.ts';
import { oktaTarget } from '../../src/targets/okta/okta-target.ts';
import type { Confirmed, Delivered, Journal, Sendable, ShownRequest, Target } from '../../src/targets/target.ts';
import { type FakeOkta, type FakeOktaOptions, SOURCE_ID, startFakeOkta } from './fake-okta.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { NOON } from './house.ts';

export interface OktaDesk extends AsyncDisposable {
  readonly okta: FakeOkta;
  readonly clock: HeldClock;
  readonly target: Target;
  readonly intents: ShownRequest[];
  readonly answers: { readonly request: ShownRequest; readonly outcome: Outcome }[];
  readonly memory: { value: JsonValue | null };
  /** Of writes that belong to no operation. */
  readonly stops: { stopped: boolean };
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** What it comes to, while the clock moves as far as somebody waits. */
  readonly settled: <T>(promise: Promise<T>) => Promise<T>;
  readonly deliver: (operation: Sendable) => Promise<Delivered>;
  readonly deliverAll: (operations: readonly Sendable[]) => Promise<readonly Delivered[]>;
  readonly confirm: (waiting: readonly Accepted[]) => Promise<readonly Confirmed[]>;
  /** Asks again and again, as the house does, until all have their answer or so much time has passed. */
  readonly confirmAll: (waiting: readonly Accepted[], withinMs?: number) => Promise<ReadonlyMap<number, Delivered>>;
}

const TURNS = 60;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function openOktaDesk(
  options: {
    readonly fake?: Partial<FakeOktaOptions>;
    readonly okta?: Partial<OktaSettings>;
    readonly memory?: { value: JsonValue | null };
    readonly beside?: { readonly okta: FakeOkta; readonly clock: HeldClock };
    readonly token?: string;
    readonly scopes?: readonly string[] | null;
  } = {},
): Promise<OktaDesk> {
  const clock = options.beside?.clock ?? heldClock(NOON);
  const okta = options.beside?.okta ?? (await startFakeOkta({ now: clock.nowMs, ssws: 'let-me-in', ...options.fake }));
  const memory = options.memory ?? { value: null };
  const stops = { stopped: false };
  const target = oktaTarget(
    {
      name: 'idp',
      baseUrl: okta.url,
      identitySourceId: SOURCE_ID,
      okta: { ...oktaSettings(oktaSchema.parse({ identitySourceId: SOURCE_ID })), ...options.okta },
      concurrency: 8,
      perSecond: null,
      timeoutMs: 10_000,
      deletes: false,
      scopes: options.scopes ?? null,
    },
    {
      credentials: ssws(() => options.token ?? 'let-me-in'),
      memory: {
        read: async () => memory.value,
        write: async (value) => {
          memory.value = structuredClone(value) as JsonValue;
        },
      },
      mayWrite: async () => !stops.stopped,
      now: clock.nowMs,
      wait: clock.wait,
      random: () => 0.5,
      userAgent: 'rollcall/test',
    },
  );
  const intents: ShownRequest[] = [];
  const answers: { request: ShownRequest; outcome: Outcome }[] = [];
  const journal: Journal = {
    intent: async (request) => void intents.push(request),
    answer: (request, outcome) => void answers.push({ request, outcome }),
  };
  const { signal } = new AbortController();

  async function settled<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const done = promise.finally(() => {
      over = true;
    });
    done.catch(() => undefined);
    for (let quiet = 0; !over; ) {
      await nextTurn();
      quiet = okta.open() > 0 ? 0 : quiet + 1;
      if (quiet > TURNS && clock.toNext(86_400_000 * 3)) quiet = 0;
    }
    return done;
  }

  const confirm = async (waiting: readonly Accepted[]): Promise<readonly Confirmed[]> => {
    if (target.confirmation === undefined) throw new Error('it confirms');
    return (await settled(target.confirmation.confirm(waiting, signal))).answers;
  };

  return {
    okta,
    clock,
    target,
    intents,
    answers,
    memory,
    stops,
    journal,
    signal,
    settled,
    deliver: (operation) => settled(target.deliver(operation, journal, signal)),
    deliverAll: (operations) =>
      settled(
        Promise.all(
          target.deliverMany(
            operations.map((operation) => ({ operation, journal: { ...journal } })),
            signal,
          ),
        ),
      ),
    confirm,
    confirmAll: async (waiting, withinMs = 3_600_000) => {
      const told = new Map<number, Delivered>();
      const until = clock.nowMs() + withinMs;
      while (clock.nowMs() < until) {
        const left = waiting.filter(({ id }) => !told.has(id));
        if (left.length === 0) break;
        for (const { id, delivered } of await confirm(left)) told.set(id, delivered);
        clock.advance(target.confirmation?.everyMs ?? 0);
      }
      return told;
    },
    [Symbol.asyncDispose]: async () => {
      await target.close();
      if (options.beside === undefined) await okta.close();
    },
  };
}

export const person = (n: number, change: Partial<AccountPayload> = {}): AccountPayload => ({
  userName: `p${n}@example.com`,
  externalId: String(1000 + n),
  active: true,
  attributes: { email: `p${n}@example.com`, firstName: `First${n}`, lastName: `Last${n}`, department: 'Sales' },
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
  ...change,
});

export const accountOf = (payload: AccountPayload, change: Partial<AccountState> = {}): AccountState => ({
  target: 'idp',
  remoteId: null,
  etag: null,
  userName: payload.userName,
  externalId: payload.externalId,
  active: null,
  origin: 'created',
  known: {},
  managerKnown: '',
  managerOwed: '',
  groups: [],
  ...change,
});

export const operation = (
  kind: Sendable['kind'],
  payload: Sendable['payload'],
  account: AccountState,
  change: Partial<Sendable> = {},
): Sendable => ({
  id: 1,
  workerKey: account.externalId,
  kind,
  payload,
  account,
  managerRemoteId: null,
  ambiguous: false,
  groupRemoteId: null,
  ...change,
});

export const creates = (count: number, from = 0): readonly Sendable[] =>
  Array.from({ length: count }, (_, index) => {
    const payload = person(from + index);
    return operation('create', payload, accountOf(payload), { id: from + index + 1 });
  });

/** The account of somebody who is at Okta already, with the id that Okta gave. */
export function standing(okta: FakeOkta, n: number): AccountState {
  const payload = person(n);
  const user = okta.state.coreOf(payload.externalId);
  return accountOf(payload, {
    remoteId: user?.id ?? null,
    active: user?.status === 'ACTIVE',
    known: payload.attributes,
  });
}

export const leaver = (okta: FakeOkta, n: number, change: Partial<Sendable> = {}): Sendable =>
  operation('disable', { ...person(n), active: false }, standing(okta, n), {
    id: 10_000 + n,
    lane: 'leaver',
    ...change,
  });

/** What was taken in, as the pipeline keeps it until it is confirmed. */
export function acceptedOf(one: Sendable, delivered: Delivered, nowMs: number): Accepted {
  if (delivered.accepted === undefined) throw new Error(`not accepted: ${JSON.stringify(delivered.outcome)}`);
  const { externalId, userName, remoteId } = one.account;
  const { ticket, withinMs } = delivered.accepted;
  const group = 'group' in one.payload ? one.payload.group : null;
  return {
    id: one.id,
    connection: 'acme',
    workerKey: one.workerKey,
    kind: one.kind,
    lane: one.lane ?? 'joiner',
    externalId,
    userName,
    remoteId,
    active: group === null && one.kind !== 'disable',
    group,
    ticket,
    deadline: instantOfMs(nowMs + withinMs),
  };
}

/** Brings so many people to Okta and forgets how they came. */
export async function peopled(desk: OktaDesk, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const { userName, externalId, attributes } = person(n);
    desk.okta.state.upsert(externalId, { userName, ...(attributes as Record<string, string>) });
  }
}
