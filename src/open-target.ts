// From what a connection file says of a target to the target itself.
import { Problem } from './base/problem.ts';
import type { Config } from './config.ts';
import type { TargetSettings } from './mapping/connection-file.ts';
import { UPLOAD_HINT, uploadAddress } from './mapping/entra-rules.ts';
import { entraSchema } from './mapping/entra-schema.ts';
import type { SecretReference } from './mapping/secret-reference.ts';
import { settingText } from './open-source.ts';
import { openAccess } from './runtime/access/access.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/log.ts';
import { secretReader } from './runtime/secrets.ts';
import type { Store } from './store/store.ts';
import { entraTarget } from './targets/entra/entra-target.ts';
import { oktaTarget } from './targets/okta/okta-target.ts';
import { PROFILES } from './targets/scim/profiles.ts';
import { scimTarget } from './targets/scim/scim-target.ts';
import { openSessions } from './targets/sessions/open-sessions.ts';
import { sessionPlan } from './targets/sessions/session-plan.ts';
import type { Target, TargetMemory } from './targets/target.ts';
import { VERSION } from './version.ts';

export const memoryOf = (store: Pick<Store, 'setting' | 'saveSetting'>, target: string): TargetMemory => ({
  read: () => store.setting(`target.${target}`),
  write: (value) => store.saveSetting(`target.${target}`, value),
});

export interface TargetParts {
  readonly config: Config;
  readonly clock: Clock;
  /** In [0, 1); spreads waits. */
  readonly random: () => number;
  readonly log: Logger;
  readonly memory: TargetMemory;
  /** Whether writes to it may leave at this moment; for those that belong to no operation. */
  readonly mayWrite: () => Promise<boolean>;
}

/** @throws Problem when the settings contradict each other or lead nowhere. */
export function openTarget(settings: TargetSettings, parts: TargetParts): Target {
  switch (settings.kind) {
    case 'scim':
      return openScim(settings, parts);
    case 'entra-bulk':
      return openEntra(settings, parts);
    case 'okta-source':
      return openOkta(settings, parts);
  }
}

function depsOf({ clock, config, random }: TargetParts) {
  return {
    secret: (reference: SecretReference) => secretReader(reference, config.environment),
    now: clock.nowMs,
    wait: clock.wait,
    random,
    userAgent: `rollcall/${VERSION}`,
  };
}

function openScim(settings: TargetSettings, parts: TargetParts): Target {
  const { config, log } = parts;
  const deps = depsOf(parts);
  const access = openAccess(settings, deps);
  const deleting =
    settings.deleteAuth === undefined ? null : openAccess({ ...settings, auth: settings.deleteAuth }, deps);
  const baseUrl = settingText(settings.baseUrl, config);
  const { perSecond, concurrency } = settings.limits;
  const profile = PROFILES[settings.profile];
  const said = settings.revokeSessions;
  const base = said !== null && 'base' in said ? settingText(said.base, config) : null;
  const plan = sessionPlan({ said, profile, baseUrl, base });
  if (plan.kind === 'none' && plan.why !== '') log.warn({ target: settings.name, why: plan.why }, 'sessions stay open');
  return scimTarget(
    {
      name: settings.name,
      baseUrl,
      profile: settings.profile,
      capabilities: settings.capabilities,
      concurrency,
      perSecond,
      timeoutMs: settings.timeoutMs,
      deletes: settings.deletes,
    },
    {
      ...access,
      ...(deleting === null ? {} : { deleting }),
      ...deps,
      ...(plan.kind === 'none'
        ? {}
        : { sessions: openSessions(plan, { ...settings, perSecond, profile }, { ...deps, access }) }),
    },
  );
}

function openEntra(settings: TargetSettings, parts: TargetParts): Target {
  const deps = depsOf(parts);
  const { name, timeoutMs, limits } = settings;
  const baseUrl = settingText(settings.baseUrl, parts.config);
  const address = uploadAddress(baseUrl);
  // A reference may lead anywhere: the token does not follow.
  if (address === null) {
    const message = `baseUrl of target ${name} is no upload address of Microsoft Graph`;
    throw new Problem({ code: 'target.base-url', message, hint: UPLOAD_HINT });
  }
  const entra = settings.entra ?? entraSchema.parse({});
  const revokes =
    settings.revokeSessions?.kind !== 'none' && (settings.revokeSessions !== null || entra.direct !== 'none');
  return entraTarget(
    { name, baseUrl, address, entra, perSecond: limits.perSecond, timeoutMs, revokes },
    { ...openAccess(settings, deps), ...deps, memory: parts.memory },
  );
}

function openOkta(settings: TargetSettings, parts: TargetParts): Target {
  const deps = depsOf(parts);
  const { name, timeoutMs, limits, okta, auth, deletes } = settings;
  const baseUrl = settingText(settings.baseUrl, parts.config);
  const id = okta === null ? '' : settingText(okta.identitySourceId, parts.config).trim();
  if (okta === null || id === '') {
    throw new Problem({
      code: 'target.identity-source',
      message: 'identitySourceId leads to nothing',
      hint: 'the id of the Custom Identity Source application in Okta',
    });
  }
  return oktaTarget(
    {
      name,
      baseUrl,
      identitySourceId: id,
      okta,
      concurrency: limits.concurrency,
      perSecond: limits.perSecond,
      timeoutMs,
      deletes,
      scopes: auth.kind === 'oauth2' ? auth.scope.split(/\s+/).filter((scope) => scope !== '') : null,
    },
    { ...openAccess(settings, deps), ...deps, memory: parts.memory, mayWrite: parts.mayWrite },
  );
}
