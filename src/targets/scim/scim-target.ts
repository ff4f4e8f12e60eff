// One SCIM 2.0 service provider (RFC 7643, RFC 7644) behind the target's contract.
import { unreachable } from '../../base/assert.ts';
import type { Credentials } from '../../runtime/access/credentials.ts';
import type { Transport } from '../../runtime/access/transport.ts';
import type { SessionEnder } from '../sessions/session-ender.ts';
import type { Delivered, Journal, Sendable, Target } from '../target.ts';
import { deliverMany } from './bulk.ts';
import { bulkRoom } from './bulk-room.ts';
import type { Configured } from './capabilities.ts';
import { deliverChange } from './change-account.ts';
import { openClient } from './client.ts';
import { deliverCreate } from './create-account.ts';
import { discoveryOf } from './discovery.ts';
import { deliverDelete, deliverDisable } from './end-access.ts';
import { deliverEndOfSessions } from './end-sessions.ts';
import { type Exchange, type ExchangeParts, exchangeOver } from './exchange.ts';
import { findAccounts } from './find.ts';
import { groupTurns } from './group-turns.ts';
import { listAccounts } from './list.ts';
import { deliverMemberships } from './membership-delivery.ts';
import type { Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { probeEndpoint } from './probe.ts';
import { PROFILES, type Profile, type ProfileName } from './profiles.ts';
import { rateOf } from './rate.ts';
import { lookAt } from './read-account.ts';
import { shown } from './show.ts';

export interface ScimTargetSettings {
  readonly name: string;
  /** e.g. `https://idp.example.com/scim/v2`; a slash at its end makes no difference. */
  readonly baseUrl: string;
  readonly profile: ProfileName;
  /** Requests in flight at once, at most, those of leavers included. */
  readonly concurrency: number;
  /** Requests per second; null sets no limit. */
  readonly perSecond: number | null;
  /** Longest wait for an answer; 30 s unless told otherwise. */
  readonly timeoutMs?: number;
  /** What the connection file says of the endpoint; it counts more than the profile and than discovery. */
  readonly capabilities?: Configured;
  /** Whether accounts may be deleted here; without it a delete is refused unsent. */
  readonly deletes?: boolean;
  /** False: the endpoint is not asked what it can do. */
  readonly discover?: boolean;
}

export interface ScimTargetDeps {
  /** Closed with the target. */
  readonly credentials: Credentials;
  /** Trust, our certificate and the proxy; without it nothing but what Node trusts. */
  readonly transport?: Transport;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1); spreads waits, never makes secrets. */
  readonly random: () => number;
  readonly userAgent: string;
  /** For the requests that delete, and for nothing else; without it they go as all others. Credentials are closed with the target. */
  readonly deleting?: { readonly credentials: Credentials; readonly transport: Transport };
  /** Ends the sessions of leavers; without it nobody asks for that. Closed with the target. */
  readonly sessions?: SessionEnder;
}

const TIMEOUT_MS = 30_000;
/** Endpoints that are eventually consistent say no figure; this is the most that a file may say. */
const VISIBLE_AFTER_SECONDS = 60;
/** One connection in so many is kept for leavers. */
const RESERVED_ONE_IN = 8;

/** `profile` stands for the one that the settings name; conformance tests bring their own. @throws Problem for a bad base URL. */
export function scimTarget(
  settings: ScimTargetSettings,
  deps: ScimTargetDeps,
  profile: Profile = PROFILES[settings.profile],
): Target {
  const concurrency = Math.max(1, Math.floor(settings.concurrency));
  // With a single connection there is nothing to keep back.
  const reserved = concurrency === 1 ? 0 : Math.max(1, Math.floor(concurrency / RESERVED_ONE_IN));
  const open = (connections: number, kept: number, transport = deps.transport) =>
    openClient({
      baseUrl: settings.baseUrl,
      connections,
      reserved: kept,
      timeoutMs: settings.timeoutMs ?? TIMEOUT_MS,
      ...(transport === undefined ? {} : { transport }),
    });
  const client = open(concurrency - reserved, reserved);
  const rate = rateOf(settings.perSecond, deps);
  const parts: ExchangeParts = {
    client,
    rate,
    profile,
    credentials: deps.credentials,
    now: deps.now,
    userAgent: deps.userAgent,
  };
  const { deleting } = deps;
  const deleter: ExchangeParts =
    deleting === undefined
      ? parts
      : { ...parts, credentials: deleting.credentials, client: open(1, 0, deleting.transport) };
  const closing = new AbortController();
  /** Over a connection of its own and without a share of the rate: no delivery waits behind it. */
  const alone = async <T>(look: (exchange: Exchange) => Promise<T>, signal: AbortSignal): Promise<T> => {
    const own = open(1, 0);
    try {
      return await look(exchangeOver({ ...parts, client: own, rate: rateOf(null, deps) }, null, false, signal));
    } finally {
      await own.close();
    }
  };
  const discovery = discoveryOf({
    profile,
    configured: settings.capabilities ?? {},
    now: deps.now,
    ask: (look) => alone(look, closing.signal),
  });
  const turns = groupTurns();
  const exchange = (journal: Journal | null, urgent: boolean, signal: AbortSignal): Exchange =>
    exchangeOver({ ...parts, doubted: discovery.doubt }, journal, urgent, signal);
  const ways = (journal: Journal, urgent: boolean, signal: AbortSignal): Ways => {
    if (settings.discover !== false) discovery.keepUp();
    return {
      exchange: exchange(journal, urgent, signal),
      profile,
      capabilities: discovery.capabilities,
      cannotPatch: discovery.cannotPatch,
      cannotPut: discovery.cannotPut,
      groupTurns: turns,
    };
  };

  const room = bulkRoom(() => discovery.capabilities().bulk, deps.now);

  async function deliver(operation: Sendable, journal: Journal, signal: AbortSignal): Promise<Delivered> {
    const to = ways(journal, isUrgent(operation), signal);
    switch (operation.kind) {
      case 'create':
        return deliverCreate(operation, to);
      case 'update':
      case 'enable':
        return deliverChange(operation, to);
      case 'disable':
        return deliverDisable(operation, to);
      case 'delete':
        if (settings.deletes !== true) return { outcome: DELETES_OFF };
        return deliverDelete(operation, to, exchangeOver(deleter, journal, false, signal));
      case 'addMember':
      case 'removeMember': {
        const [delivered] = await deliverMemberships([operation], to);
        return delivered as Delivered;
      }
      case 'revokeSessions':
        return deliverEndOfSessions(operation, to, deps.sessions ?? null, journal, signal);
      default:
        return unreachable(operation.kind);
    }
  }

  return {
    name: settings.name,
    baseUrl: settings.baseUrl,
    concurrency,
    reserved,
    endsSessions: deps.sessions !== undefined,
    visibleAfterMs: (settings.capabilities?.visibleAfterSeconds ?? VISIBLE_AFTER_SECONDS) * 1_000,
    deliver,
    deliverMemberships: (operations, journal, signal) =>
      deliverMemberships(operations, ways(journal, operations.some(isUrgent), signal)),
    batchMax: () => room.limits()?.maxOps ?? null,
    deliverMany: (passengers, signal) =>
      deliverMany(passengers, {
        room,
        ways: (journal) => ways(journal, false, signal),
        deliver: (operation, to) =>
          operation.kind === 'create' ? deliverCreate(operation, to) : deliverChange(operation, to),
        now: deps.now,
      }),
    list: (signal) => {
      if (settings.discover !== false) discovery.keepUp();
      return listAccounts(exchange(null, false, signal), profile, discovery.capabilities(), deps, signal);
    },
    time: (signal) =>
      alone(
        async (ask) => {
          const { paths } = profile;
          const { outcome, date } = await ask({
            kind: 'read',
            method: 'GET',
            path: paths.serviceProviderConfig,
            body: '',
          });
          // A gateway that answers for a dead target has a clock of its own.
          const said = (outcome.status ?? 0) >= 500 ? null : (date ?? null);
          const ms = said === null ? Number.NaN : Date.parse(said);
          return Number.isNaN(ms) ? null : ms;
        },
        AbortSignal.any([signal, closing.signal]),
      ),
    look: (remoteId, signal) => lookAt({ exchange: exchange(null, false, signal), profile }, remoteId),
    find: (asked, signal) => findAccounts(asked, exchange(null, false, signal), profile, deps, signal),
    show: (operation) =>
      operation.kind === 'revokeSessions'
        ? (deps.sessions?.show(operation) ?? [])
        : shown(operation, profile, discovery.capabilities()),
    reconsider: () => {
      rate.reconsider();
      client.reconsider();
      if (deleter !== parts) deleter.client.reconsider();
    },
    probe: (signal) =>
      alone(
        (ask) => probeEndpoint({ exchange: ask, profile, configured: settings.capabilities ?? {}, now: deps.now }),
        AbortSignal.any([signal, closing.signal]),
      ),
    perSecond: rate.perSecond,
    close: async () => {
      closing.abort();
      await discovery.settled();
      const own = deleter === parts ? [] : [deleter.client.close(), deleter.credentials.close()];
      await Promise.all([client.close(), deps.credentials.close(), deps.sessions?.close(), ...own]);
    },
  };
}

/** The switch was turned off after the decision: it stays visible, and nothing leaves. */
const DELETES_OFF = concluded(NOTHING_SENT, {
  class: 'permanent',
  code: 'deletes-off',
  detail: 'the connection file does not let accounts be deleted here (deletes: true)',
  countsAsAttempt: true,
});

/** Leavers use the reserved connections and the reserved rate. */
const isUrgent = (operation: Sendable): boolean =>
  operation.kind === 'disable' || operation.lane === 'emergency' || operation.lane === 'leaver';
