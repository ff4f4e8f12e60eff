// One SCIM 2.0 service provider (RFC 7643, RFC 7644) behind the target's contract.
import { unreachable } from '../../base/assert.ts';
import type { Delivered, Journal, Sendable, Target } from '../target.ts';
import { deliverChange } from './change-account.ts';
import { openClient } from './client.ts';
import { deliverCreate } from './create-account.ts';
import { deliverDelete, deliverDisable } from './end-access.ts';
import { type ExchangeParts, exchangeOver } from './exchange.ts';
import { listAccounts } from './list.ts';
import { deliverMemberships } from './membership-delivery.ts';
import type { Ways } from './news.ts';
import { PROFILES, type Profile, type ProfileName } from './profiles.ts';
import { rateOf } from './rate.ts';
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
}

export interface ScimTargetDeps {
  /** The bearer token as it is now; a rejection counts as missing credentials. */
  readonly token: () => Promise<string>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1); spreads waits, never makes secrets. */
  readonly random: () => number;
  readonly userAgent: string;
}

const TIMEOUT_MS = 30_000;
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
  const client = openClient({
    baseUrl: settings.baseUrl,
    connections: concurrency - reserved,
    reserved,
    timeoutMs: settings.timeoutMs ?? TIMEOUT_MS,
  });
  const parts: ExchangeParts = {
    client,
    rate: rateOf(settings.perSecond, deps),
    profile,
    token: deps.token,
    now: deps.now,
    userAgent: deps.userAgent,
  };
  const ways = (journal: Journal, urgent: boolean, signal: AbortSignal): Ways => ({
    exchange: exchangeOver(parts, journal, urgent, signal),
    profile,
  });

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
        return deliverDelete(operation, to);
      case 'addMember':
      case 'removeMember': {
        const [delivered] = await deliverMemberships([operation], to);
        return delivered as Delivered;
      }
      default:
        return unreachable(operation.kind);
    }
  }

  return {
    name: settings.name,
    baseUrl: settings.baseUrl,
    concurrency,
    reserved,
    deliver,
    deliverMemberships: (operations, journal, signal) =>
      deliverMemberships(operations, ways(journal, operations.some(isUrgent), signal)),
    list: (signal) => listAccounts(exchangeOver(parts, null, false, signal), profile, deps, signal),
    show: (operation) => shown(operation, profile),
    close: client.close,
  };
}

/** Leavers use the reserved connections and the reserved rate. */
const isUrgent = (operation: Sendable): boolean =>
  operation.kind === 'disable' || operation.lane === 'emergency' || operation.lane === 'leaver';
