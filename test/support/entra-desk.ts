// A target of kind entra-bulk at a strict stand-in under a held clock, with a journal that remembers.

import { instantOfMs } from '../../src/base/instant.ts';
import type { JsonValue } from '../../src/base/json.ts';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import { uploadAddress } from '../../src/mapping/entra-rules.ts';
import { type EntraSource, entraSchema } from '../../src/mapping/entra-schema.ts';
import type { Accepted } from '../../src/planning/changeset.ts';
import { openAccess } from '../../src/runtime/access/access.ts';
import { entraTarget } from '../../src/targets/entra/entra-target.ts';
import type { Delivered, Journal, Sendable, ShownRequest, Target, TargetMemory } from '../../src/targets/target.ts';
import { type FakeEntra, type FakeEntraOptions, startFakeEntra } from './fake-entra.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { NOON } from './house.ts';

type Changed<T> = { readonly [K in keyof T]?: T[K] extends object ? Changed<T[K]> : T[K] };

export interface EntraDesk extends AsyncDisposable {
  readonly entra: FakeEntra;
  readonly clock: HeldClock;
  readonly target: Target;
  readonly intents: ShownRequest[];
  readonly answers: { readonly request: ShownRequest; readonly outcome: Outcome }[];
  readonly memory: { value: JsonValue | null };
  /** What it comes to, while the clock moves as far as somebody waits. */
  readonly settled: <T>(promise: Promise<T>) => Promise<T>;
  readonly deliver: (operation: Sendable) => Promise<Delivered>;
  readonly deliverAll: (operations: readonly Sendable[]) => Promise<readonly Delivered[]>;
  /** Asks what became of these. */
  readonly confirm: (waiting: readonly Accepted[]) => ReturnType<NonNullable<Target['confirmation']>['confirm']>;
  readonly journal: Journal;
  readonly signal: AbortSignal;
}

const TURNS = 6;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function openEntraDesk(
  options: {
    readonly fake?: Partial<FakeEntraOptions>;
    readonly entra?: Changed<EntraSource>;
    readonly memory?: { value: JsonValue | null };
    readonly beside?: { readonly entra: FakeEntra; readonly clock: HeldClock };
    readonly revokes?: boolean;
  } = {},
): Promise<EntraDesk> {
  const clock = options.beside?.clock ?? heldClock(NOON);
  const entra = options.beside?.entra ?? (await startFakeEntra({ now: clock.nowMs, ...options.fake }));
  const memory = options.memory ?? { value: null };
  const kept: TargetMemory = {
    read: async () => memory.value,
    write: async (value) => {
      memory.value = structuredClone(value) as JsonValue;
    },
  };
  const deps = {
    secret: () => () => 'app-secret',
    now: clock.nowMs,
    wait: clock.wait,
    random: () => 0.5,
    userAgent: 'rollcall/test',
  };
  const access = openAccess(
    {
      auth: {
        kind: 'oauth2',
        tokenUrl: { kind: 'literal', text: entra.tokenUrl },
        clientId: { kind: 'literal', text: 'rollcall-app' },
        scope: 'https://graph.microsoft.com/.default',
        form: {},
        proof: { method: 'client_secret_post', secret: { kind: 'env', name: 'SECRET' } },
      },
      timeoutMs: 10_000,
    },
    deps,
  );
  const address = uploadAddress(entra.uploadUrl);
  if (address === null) throw new Error('the stand-in has an upload address');
  const target = entraTarget(
    {
      name: 'idp',
      baseUrl: entra.uploadUrl,
      address,
      entra: entraSchema.parse(options.entra ?? {}),
      perSecond: null,
      timeoutMs: 10_000,
      revokes: options.revokes ?? false,
    },
    { ...access, ...deps, memory: kept },
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
      quiet = entra.open() > 0 ? 0 : quiet + 1;
      if (quiet > TURNS * 10 && clock.toNext(86_400_000 * 3)) quiet = 0;
    }
    return done;
  }

  return {
    entra,
    clock,
    target,
    intents,
    answers,
    memory,
    settled,
    journal,
    signal,
    deliver: (operation) => settled(target.deliver(operation, journal, signal)),
    deliverAll: (operations) =>
      settled(
        Promise.all(
          target.deliverMany(
            operations.map((operation) => ({ operation, journal })),
            signal,
          ),
        ),
      ),
    confirm: (waiting) => {
      if (target.confirmation === undefined) throw new Error('it confirms');
      return settled(target.confirmation.confirm(waiting, signal));
    },
    [Symbol.asyncDispose]: async () => {
      await target.close();
      if (options.beside === undefined) await entra.close();
    },
  };
}

/** What was taken in, as the pipeline keeps it until it is confirmed. */
export const acceptedOf = (operation: Sendable, delivered: Delivered, nowMs: number): Accepted => {
  if (delivered.accepted === undefined) throw new Error(`not accepted: ${JSON.stringify(delivered.outcome)}`);
  const { externalId, userName } = operation.account;
  const { ticket, withinMs } = delivered.accepted;
  return {
    id: operation.id,
    connection: 'acme',
    workerKey: operation.workerKey,
    kind: operation.kind,
    lane: operation.lane ?? (operation.kind === 'disable' ? 'leaver' : 'joiner'),
    externalId,
    userName,
    remoteId: operation.account.remoteId,
    active: operation.kind === 'disable' ? false : (operation.payload as { active: boolean }).active,
    group: null,
    ticket,
    deadline: instantOfMs(nowMs + withinMs),
  };
};
