// How the sessions of somebody who has left are ended, as read from a connection file: references to secrets, never secrets.
import { type AuthSettings, authSettings } from './auth-settings.ts';
import { type TextSetting, textSetting } from './secret-reference.ts';
import type { RevokeSessionsSource, SESSION_USERS } from './session-schema.ts';

export type SessionUser = (typeof SESSION_USERS)[number];

export type SessionSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'implicit' }
  | {
      readonly kind: 'graph' | 'okta';
      /** Where the endpoint is: a scheme and a host. */
      readonly base: TextSetting;
      readonly user: SessionUser;
      /** Null: as at the target. */
      readonly auth: AuthSettings | null;
    };

export function sessionSettings(source: RevokeSessionsSource): SessionSettings {
  if (source.kind === 'none' || source.kind === 'implicit') return { kind: source.kind };
  const { kind, base, user, auth } = source;
  return {
    kind,
    base: textSetting(base.trim()) ?? { kind: 'literal', text: base },
    user,
    auth: auth === undefined ? null : authSettings(auth),
  };
}
