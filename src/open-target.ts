// From what a connection file says of a target to the target itself.
import type { JsonValue } from './base/json.ts';
import type { Config } from './config.ts';
import type { TargetSettings } from './mapping/connection-file.ts';
import type { SecretReference } from './mapping/secret-reference.ts';
import { settingText } from './open-source.ts';
import { openAccess } from './runtime/access/access.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/log.ts';
import { secretReader } from './runtime/secrets.ts';
import type { Store } from './store/store.ts';
import { PROFILES } from './targets/scim/profiles.ts';
import { scimTarget } from './targets/scim/scim-target.ts';
import { openSessions } from './targets/sessions/open-sessions.ts';
import { sessionPlan } from './targets/sessions/session-plan.ts';
import type { Target } from './targets/target.ts';
import { VERSION } from './version.ts';

/** What a target's room remembers over restarts: counters of its limits, what it has under way. Small, and nothing personal. */
export interface TargetMemory {
  /** Null before the first write. */
  readonly read: () => Promise<JsonValue | null>;
  /** Durable when it resolves. */
  readonly write: (value: JsonValue) => Promise<void>;
}

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
}

/** @throws Problem when the settings contradict each other or lead nowhere. */
export function openTarget(settings: TargetSettings, parts: TargetParts): Target {
  switch (settings.kind) {
    case 'scim':
      return openScim(settings, parts);
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
