// One Okta organization with a custom identity source, behind the target's contract. Volume travels in import sessions, leavers never
// do. docs/okta.md names the sources of what is known of Okta, and what is not known.
import { unreachable } from '../../base/assert.ts';
import type { OktaSettings } from '../../mapping/okta-schema.ts';
import type { Credentials } from '../../runtime/access/credentials.ts';
import type { Transport } from '../../runtime/access/transport.ts';
import { openClient } from '../scim/client.ts';
import { type ExchangeParts, exchangeOver } from '../scim/exchange.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import { PROFILES } from '../scim/profiles.ts';
import { rateOf } from '../scim/rate.ts';
import type { Delivered, Journal, Sendable, Target, TargetMemory } from '../target.ts';
import { deliverAccount } from './account.ts';
import { budgetOf } from './budget.ts';
import { confirmationOf } from './confirm.ts';
import { ENTITIES_MAX, gatheringOf } from './gathering.ts';
import { deliverDisable } from './leave.ts';
import { findPeople, listUsers, lookAtUser } from './listing.ts';
import { deliverMembers } from './members.ts';
import { sourcePaths } from './paths.ts';
import { probeOkta } from './probe.ts';
import type { Room } from './room.ts';
import { sessionDesk } from './session-desk.ts';
import { shown } from './show.ts';
import { deleteUser, endSessions, uploadOne } from './single.ts';
import { oktaWire } from './wire.ts';

export interface OktaTargetSettings {
  readonly name: string;
  /** The organization's address, e.g. `https://acme.okta.com`. */
  readonly baseUrl: string;
  readonly identitySourceId: string;
  readonly okta: OktaSettings;
  /** Requests in flight at once, at most, those of leavers included. */
  readonly concurrency: number;
  /** Requests per second; null sets no limit beside Okta's own. */
  readonly perSecond: number | null;
  readonly timeoutMs: number;
  readonly deletes: boolean;
  /** The scopes that the file asks for; null where the credentials are no OAuth client. */
  readonly scopes: readonly string[] | null;
}

export interface OktaTargetDeps {
  /** Closed with the target. */
  readonly credentials: Credentials;
  readonly transport?: Transport;
  readonly memory: TargetMemory;
  readonly mayWrite: () => Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly userAgent: string;
}

/** Attributes that a user has under the names of the source, unless somebody changed the profile mapping (GK). */
const SHOWN = ['email', 'firstName', 'lastName'];
const JSON_TYPE = 'application/json';
const RESERVED_ONE_IN = 8;
/** A session that was loaded is started before we go, if Okta answers within this. */
const CLOSE_START_MS = 2_000;
/** How late a search may find what was just made is not documented: the Users API is asked by login first. */
const VISIBLE_AFTER_MS = 60_000;

/** @throws Problem for a bad base URL. */
export function oktaTarget(settings: OktaTargetSettings, deps: OktaTargetDeps): Target {
  const concurrency = Math.max(1, Math.floor(settings.concurrency));
  const reserved = concurrency === 1 ? 0 : Math.max(1, Math.floor(concurrency / RESERVED_ONE_IN));
  const budget = budgetOf(deps.now);
  const open = (connections: number, kept: number) =>
    oktaWire(
      openClient({
        baseUrl: settings.baseUrl,
        connections,
        reserved: kept,
        timeoutMs: settings.timeoutMs,
        ...(deps.transport === undefined ? {} : { transport: deps.transport }),
      }),
      budget,
      deps,
    );
  const client = open(concurrency - reserved, reserved);
  const rate = rateOf(settings.perSecond, deps);
  const headers = { contentType: JSON_TYPE, accept: JSON_TYPE, acceptOnDelete: JSON_TYPE };
  const parts: ExchangeParts = {
    client,
    rate,
    profile: { ...PROFILES.generic, headers },
    credentials: deps.credentials,
    now: deps.now,
    userAgent: deps.userAgent,
  };
  const room: Room = {
    name: settings.name,
    settings: settings.okta,
    paths: sourcePaths(settings.identitySourceId),
    memory: deps.memory,
    mayWrite: deps.mayWrite,
    now: deps.now,
    wait: deps.wait,
    random: deps.random,
    exchange: (journal, urgent, signal) => exchangeOver(parts, journal, urgent, signal),
  };
  const desk = sessionDesk(room);
  const gathering = gatheringOf(room, desk, (passenger, signal) => uploadOne(passenger, room, signal));
  const accounts = { room, desk, gathering };
  const closing = new AbortController();

  /** Over a connection of its own and without a share of the rate: no delivery waits behind it. */
  const alone = async <T>(
    look: (exchange: ReturnType<Room['exchange']>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const own = open(1, 0);
    try {
      return await look(
        exchangeOver(
          { ...parts, client: own, rate: rateOf(null, deps) },
          null,
          true,
          AbortSignal.any([signal, closing.signal]),
        ),
      );
    } finally {
      await own.close();
    }
  };

  async function deliver(operation: Sendable, journal: Journal, signal: AbortSignal): Promise<Delivered> {
    switch (operation.kind) {
      case 'create':
      case 'update':
      case 'enable':
        return deliverAccount(operation, journal, accounts, signal);
      case 'disable':
        return deliverDisable(operation, journal, accounts, signal);
      case 'delete':
        return settings.deletes ? deleteUser(operation, journal, room, signal) : { outcome: DELETES_OFF };
      case 'addMember':
      case 'removeMember': {
        const [delivered] = await deliverMembers([operation], journal, isUrgent(operation), accounts, signal);
        return delivered as Delivered;
      }
      case 'revokeSessions':
        return settings.okta.sessions === 'okta'
          ? endSessions(operation, journal, room, signal)
          : { outcome: concluded(NOTHING_SENT, { code: 'sessions-none' }) };
      default:
        return unreachable(operation.kind);
    }
  }

  return {
    name: settings.name,
    baseUrl: settings.baseUrl,
    concurrency,
    reserved,
    endsSessions: settings.okta.sessions === 'okta',
    visibleAfterMs: VISIBLE_AFTER_MS,
    deliver,
    deliverMemberships: (operations, journal, signal) =>
      deliverMembers(operations, journal, operations.some(isUrgent), accounts, signal),
    batchMax: () => ENTITIES_MAX,
    deliverMany: (passengers, signal) =>
      passengers.map(({ operation, journal }) => deliverAccount(operation, journal, accounts, signal)),
    find: (asked, signal) => findPeople(room, asked, signal),
    look: (remoteId, signal) => lookAtUser(room, remoteId, signal),
    time: (signal) =>
      alone(async (ask) => {
        const { outcome, date } = await ask({ kind: 'read', method: 'GET', path: room.paths.sessions, body: '' });
        const ms = (outcome.status ?? 0) >= 500 ? Number.NaN : Date.parse(date ?? '');
        return Number.isNaN(ms) ? null : ms;
      }, signal),
    list: (signal) => listUsers(room, signal),
    shows: SHOWN,
    show: (operation) => shown(operation, room),
    reconsider: () => {
      rate.reconsider();
      client.reconsider();
      gathering.reconsider();
    },
    confirmation: confirmationOf(accounts),
    probe: (signal) => alone((ask) => probeOkta(room, ask, settings.scopes), signal),
    perSecond: rate.perSecond,
    close: async () => {
      closing.abort();
      // What was loaded would wait for the next start of ours, and after a day be lost.
      if (desk.current() !== null) await desk.start(AbortSignal.timeout(CLOSE_START_MS));
      await Promise.all([client.close(), deps.credentials.close()]);
    },
  };
}

const isUrgent = ({ kind, lane }: Sendable): boolean => kind === 'disable' || lane === 'emergency' || lane === 'leaver';

/** The switch was turned off after the decision: it stays visible, and nothing leaves. */
const DELETES_OFF = concluded(NOTHING_SENT, {
  class: 'permanent',
  code: 'deletes-off',
  detail: 'the connection file does not let accounts be deleted here (deletes: true)',
  countsAsAttempt: true,
});
