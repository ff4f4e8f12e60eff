// From the plan for one target to what carries it out, over connections and, where the file says so, credentials of its own.
import { type Access, type AccessDeps, type AccessSettings, openAccess } from '../../runtime/access/access.ts';
import { openClient } from '../scim/client.ts';
import type { Profile } from '../scim/profiles.ts';
import { type RateDeps, rateOf } from '../scim/rate.ts';
import { SESSION_CONNECTIONS, type SessionEnder, sessionEnder } from './session-ender.ts';
import type { SessionPlan } from './session-plan.ts';

export interface SessionDeps extends AccessDeps, RateDeps {
  /** The target's own: used where the plan names no credentials. */
  readonly access: Access;
}

/** @throws Problem where an address of the credentials leads nowhere. */
export function openSessions(
  plan: Extract<SessionPlan, { kind: 'call' }>,
  target: Omit<AccessSettings, 'auth'> & { readonly perSecond: number | null; readonly profile: Profile },
  deps: SessionDeps,
): SessionEnder {
  const own = plan.auth === null ? null : openAccess({ ...target, auth: plan.auth }, deps);
  const { credentials, transport } = own ?? deps.access;
  const client = openClient({
    baseUrl: plan.base,
    connections: SESSION_CONNECTIONS,
    reserved: 0,
    timeoutMs: target.timeoutMs,
    transport,
  });
  const ender = sessionEnder(plan, {
    client,
    rate: rateOf(target.perSecond, deps),
    profile: target.profile,
    credentials,
    now: deps.now,
    userAgent: deps.userAgent,
  });
  return {
    ...ender,
    close: async () => {
      await ender.close();
      await own?.credentials.close();
    },
  };
}
