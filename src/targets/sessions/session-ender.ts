// Ends the sessions of one user at an endpoint that is not SCIM: Microsoft Graph or the core API of Okta. The ways are data; the
// requests are ours, with their own connections, so that a session endpoint that hangs keeps no account waiting.
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { SessionUser } from '../../mapping/session-settings.ts';
import type { ExchangeParts } from '../scim/exchange.ts';
import { exchangeOver } from '../scim/exchange.ts';
import type { Journal, Sendable, ShownRequest } from '../target.ts';

/** One way to end sessions; `USER` in the path is replaced. */
interface Way {
  readonly method: 'POST' | 'DELETE';
  /** Below the base. */
  readonly path: string;
}

const USER = '{user}';

export const SESSION_WAYS = {
  // Accepts any 2xx: a known issue answers another one than the documented 200.
  // https://learn.microsoft.com/graph/api/user-revokesigninsessions
  graph: { method: 'POST', path: `/v1.0/users/${USER}/revokeSignInSessions` },
  // Ends sessions of the provider and its tokens; those inside web and native apps live on.
  // https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions
  okta: { method: 'DELETE', path: `/api/v1/users/${USER}/sessions?oauthTokens=true&forgetDevices=true` },
} as const satisfies Readonly<Record<string, Way>>;
export type SessionWayName = keyof typeof SESSION_WAYS;

export interface SessionEnderSettings {
  readonly way: SessionWayName;
  /** Origin, such as `https://graph.microsoft.com`. */
  readonly base: string;
  readonly user: SessionUser;
}

export interface SessionEnder {
  /** Never throws for what the endpoint or the network does. `gone`: it knows no such user. */
  readonly end: (operation: Sendable, journal: Journal, signal: AbortSignal) => Promise<Outcome>;
  readonly show: (operation: Sendable) => readonly ShownRequest[];
  readonly close: () => Promise<void>;
}

/** Requests under way at once. */
export const SESSION_CONNECTIONS = 4;
const JSON_TYPE = 'application/json';

const nameless = (user: SessionUser): Outcome => ({
  class: 'permanent',
  status: null,
  code: 'sessions-unknown-user',
  detail: `the account has no ${user}; see revokeSessions.user`,
  retryAfterMs: null,
  countsAsAttempt: true,
});

export function sessionEnder(settings: SessionEnderSettings, parts: ExchangeParts): SessionEnder {
  const way = SESSION_WAYS[settings.way];
  const headers = { contentType: JSON_TYPE, accept: JSON_TYPE, acceptOnDelete: JSON_TYPE };
  const own: ExchangeParts = { ...parts, profile: { ...parts.profile, headers } };
  const shown = (user: string): ShownRequest => ({
    method: way.method,
    path: `${settings.base}${way.path.replace(USER, user)}`,
    body: '',
  });
  const userOf = ({ account }: Sendable): string => account[settings.user] ?? '';

  return {
    end: async (operation, journal, signal) => {
      const user = userOf(operation);
      if (user === '') return nameless(settings.user);
      // The audit keeps no names of people; an id is none.
      const told = shown(settings.user === 'remoteId' ? encodeURIComponent(user) : `<${settings.user}>`);
      const exchange = exchangeOver(
        own,
        {
          ...journal,
          intent: () => journal.intent(told),
          answer: (_, outcome) => journal.answer(told, outcome),
        },
        true,
        signal,
      );
      const path = way.path.replace(USER, encodeURIComponent(user));
      return (await exchange({ kind: 'revoke', method: way.method, path, body: '' })).outcome;
    },
    show: (operation) => {
      const user = userOf(operation);
      return [shown(user === '' ? `<id:${operation.workerKey}>` : encodeURIComponent(user))];
    },
    close: parts.client.close,
  };
}
