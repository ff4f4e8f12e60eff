// Whether and how the sessions of leavers are ended at one target: what the connection file says, else what the profile says
// where nothing else is needed for that.
import { Problem } from '../../base/problem.ts';
import type { AuthSettings } from '../../mapping/auth-settings.ts';
import { elsewhere, sessionOrigin } from '../../mapping/session-rules.ts';
import { GRAPH_HOSTS } from '../../mapping/session-schema.ts';
import type { SessionSettings } from '../../mapping/session-settings.ts';
import type { Profile } from '../scim/profiles.ts';
import type { SessionEnderSettings } from './session-ender.ts';

export type SessionPlan =
  | (SessionEnderSettings & {
      readonly kind: 'call';
      /** Null: as at the target. */
      readonly auth: AuthSettings | null;
    })
  /** `why` says what is missing where the profile knows a way; '' where nothing is to be said. */
  | { readonly kind: 'none'; readonly why: string };

const nothing = (why = ''): SessionPlan => ({ kind: 'none', why });

export interface Described {
  /** What the connection file says; null where it says nothing. */
  readonly said: SessionSettings | null;
  readonly profile: Profile;
  /** Address of the target; null where it is a reference that nobody has followed. */
  readonly baseUrl: string | null;
  /** What `revokeSessions.base` leads to; null where there is none, or nobody has followed the reference. */
  readonly base: string | null;
}

/** @throws Problem where a reference leads to an address that is none, or to another host than the target's credentials are for. */
export function sessionPlan({ said, profile, baseUrl, base }: Described): SessionPlan {
  if (said === null) return byProfile(profile, baseUrl);
  if (said.kind === 'none' || said.kind === 'implicit') return nothing();
  const { kind: way, user, auth } = said;
  const origin = base === null ? '' : sessionOrigin(way, base);
  if (origin === null) {
    throw new Problem({
      code: 'target.session-base',
      message: `revokeSessions.base leads to no address that ${way === 'graph' ? 'is Microsoft Graph' : 'can be asked'}`,
      hint: 'https and a host alone, such as https://acme.okta.com',
    });
  }
  if (auth === null && baseUrl !== null && origin !== '' && originOf(baseUrl) !== origin) {
    const hint = 'give revokeSessions an auth of its own';
    throw new Problem({ code: 'target.session-auth', message: elsewhere(origin), hint });
  }
  return { kind: 'call', way, base: origin, user, auth };
}

function byProfile({ name, revokeSessions }: Profile, baseUrl: string | null): SessionPlan {
  switch (revokeSessions) {
    case 'none':
    case 'implicit':
      return nothing();
    case 'okta':
      return nothing(
        `the sessions of leavers are not ended: profile ${name} knows how, but not where and as whom; say revokeSessions: { kind: okta, base: …, auth: … }, or { kind: none }`,
      );
    case 'graph': {
      const base = baseUrl === null ? null : originOf(baseUrl);
      if (base !== null && GRAPH_HOSTS.some((host) => base === `https://${host}`))
        return { kind: 'call', way: 'graph', base, user: 'remoteId', auth: null };
      return nothing(
        `the sessions of leavers are not ended: profile ${name} knows how, but ${baseUrl === null ? 'baseUrl is a reference' : 'baseUrl is no address of Microsoft Graph'}; say revokeSessions: { kind: graph, auth: … }, or { kind: none }`,
      );
    }
  }
}

const originOf = (url: string): string | null => (URL.canParse(url) ? new URL(url).origin : null);
