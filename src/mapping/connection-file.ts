// From the text of a connection file to a Connection, or every fault it has at once.
import { type DayTime, dayTime } from '../base/day-time.ts';
import { canonicalJson } from '../base/json.ts';
import type { Fault } from '../base/problem.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import { ACCOUNT_RULES, type ProfileName } from './account-rules.ts';
import { type AlarmSettings, alarmSettings, type Expiry, expiries } from './alarm-settings.ts';
import { type AuthSettings, authSettings } from './auth-settings.ts';
import { type BindSettings, type Bound, bindAlso, bindConnection, isNested, tablesOf } from './bind-connection.ts';
import { Binder } from './binder.ts';
import type { AlsoMapping } from './bound-mapping.ts';
import { checkRules, notBuilt } from './connection-rules.ts';
import {
  type ConnectionSettings,
  connectionSchema,
  GUARD_KINDS,
  type GuardKind,
  type Repair,
} from './connection-schema.ts';
import { type EntraSettings, entraSchema } from './entra-schema.ts';
import { OKTA_PER_SECOND, type OktaSettings, oktaSettings } from './okta-schema.ts';
import { withPreset } from './presets/preset-tree.ts';
import { schemaFaults } from './schema-faults.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';
import { type SessionSettings, sessionSettings } from './session-settings.ts';
import { type SourceSettings, sourceSettings } from './source-settings.ts';
import type { TargetKind } from './target-kinds.ts';
import { hookReader } from './webhook-reader.ts';
import { type HookSettings, webhookSettings } from './webhook-settings.ts';
import { readYamlTree, type YamlPath, type YamlTree } from './yaml-tree.ts';

export interface Limit {
  /** Workers. */
  readonly count?: number;
  /** 0 … 100. */
  readonly percent?: number;
}
export interface LimitSetting {
  /** For the narrowest window that the kind has; the wider ones follow in proportion. */
  readonly perCycle: Limit;
}

/** What is known better than the profile and the endpoint know; what is absent is theirs to say. */
export interface CapabilitySettings {
  readonly update?: 'patch' | 'put';
  readonly patchForm?: 'path' | 'pathless';
  readonly etag?: boolean;
  readonly paging?: 'index' | 'cursor' | 'none';
  readonly pageSize?: number;
  readonly bulk?: { readonly maxOps: number; readonly maxBytes: number; readonly references?: boolean } | false;
  readonly confirmCreates?: boolean;
  readonly visibleAfterSeconds?: number;
}

export interface TargetSettings {
  readonly name: string;
  readonly kind: TargetKind;
  readonly profile: ProfileName;
  readonly capabilities: CapabilitySettings;
  readonly baseUrl: TextSetting;
  readonly auth: AuthSettings;
  /** Whether anything is ever deleted there. */
  readonly deletes: boolean;
  readonly reconcile: { readonly schedule: string; readonly repair: readonly Repair[] };
  /** For the requests that delete; without it `auth`. */
  readonly deleteAuth?: AuthSettings;
  /** PEM certificates that are trusted beside the usual ones. */
  readonly ca?: SecretReference;
  /** `http(s)://host:port`; user and password only where it is a reference. */
  readonly proxy?: TextSetting;
  readonly limits: { readonly concurrency: number; readonly perSecond: number | null };
  readonly timeoutMs: number;
  readonly correlate: readonly string[];
  /** Null where the file says nothing: as the profile has it. */
  readonly revokeSessions: SessionSettings | null;
  /** Of kind entra-bulk; null for every other. */
  readonly entra: EntraSettings | null;
  /** Of kind okta-source; null for every other. */
  readonly okta: OktaSettings | null;
}

/** The attribute whose values divide the house, and the kinds that are limited within each of its units: null means all. */
export interface UnitSettings {
  readonly attribute: string;
  readonly only: ReadonlySet<Exclude<GuardKind, 'newlyRejected'>> | null;
}

/** A further source, which gives attributes of workers whom the first one knows. */
export interface AlsoSource {
  readonly name: string;
  readonly source: SourceSettings;
  /** Compiles against the columns of a delivery of it. */
  readonly bind: (
    columns: readonly string[],
  ) => { readonly mapping: AlsoMapping } | { readonly faults: readonly Fault[] };
}

export interface Connection {
  readonly name: string;
  readonly file: string;
  /** Over the canonical content: comments and layout do not count. */
  readonly digest: string;
  /** Canonical JSON, for the archive. Holds no secret. */
  readonly text: string;
  readonly timeZone: string;
  /** The expression that makes a worker's key: another one would make other people of everybody. */
  readonly keyExpression: string;
  readonly source: SourceSettings;
  readonly also: readonly AlsoSource[];
  readonly alarms: AlarmSettings;
  /** Secrets whose end the file states. */
  readonly expiries: readonly Expiry[];
  readonly policy: LifecyclePolicy;
  readonly guards: Readonly<Partial<Record<GuardKind, LimitSetting>>>;
  /** Null: limits hold for the whole house alone. */
  readonly limitsPer: UnitSettings | null;
  readonly targets: readonly TargetSettings[];
  readonly webhooks: readonly HookSettings[];
  /** Compiles against the columns of a feed (null: `source.columns`, else what can be checked without). */
  readonly bind: (columns: readonly string[] | null) => Bound;
}

export type ReadConnection = { readonly connection: Connection } | { readonly faults: readonly Fault[] };

/** Never throws for what a person wrote. Faults are in the order of the file. */
export function readConnection(
  file: string,
  text: string,
  deps: { readonly sha256: (text: string) => string },
): ReadConnection {
  const read = readYamlTree(file, text);
  if ('faults' in read) return read;
  const written = read.tree;
  if (written.value === null || typeof written.value !== 'object' || Array.isArray(written.value)) {
    const hint = '`rollcall help mapping` lists its keys';
    return { faults: [{ code: 'mapping.yaml', message: 'the file holds no connection', hint, place: { file } }] };
  }
  const { tree, kind, faults: presetFaults } = withPreset(written);
  const settings = connectionSchema.safeParse(tree.value);
  const binder = new Binder(tree);
  binder.faults.push(...presetFaults);
  checkRules(binder);
  const canonical = canonicalJson(written.value);
  const digest = deps.sha256(canonical);
  bindConnection(binder, bindSettings(tree, digest), columnsOf(tree));
  const { timeZone } = bindSettings(tree, digest);
  for (let index = 0; index < binder.count(['webhooks']); index++)
    hookReader(binder, ['webhooks', index], tablesOf(binder), timeZone);
  const faults = withoutNotBuilt(
    [...(settings.error === undefined ? [] : schemaFaults(settings.error.issues, tree)), ...binder.faults],
    binder,
  );
  if (faults.length > 0 || !settings.success) return { faults: inOrder(faults) };
  return { connection: connectionOf(file, tree, settings.data, { text: canonical, digest, kind }) };
}

function connectionOf(
  file: string,
  tree: YamlTree,
  settings: ConnectionSettings,
  { text, digest, kind }: { readonly text: string; readonly digest: string; readonly kind: string },
): Connection {
  const { lifecycle } = settings;
  const hooks = new Binder(tree);
  return {
    name: settings.connection,
    file,
    digest,
    text,
    timeZone: settings.timeZone,
    keyExpression: settings.worker.id.trim(),
    source: sourceSettings(settings.source, kind),
    policy: {
      preboardDays: lifecycle.preboardDays,
      onLeave: lifecycle.onLeave,
      scopeExit: settings.scopeExit,
      deleteAfterDays: lifecycle.retention.deleteAfterDays === 'never' ? null : lifecycle.retention.deleteAfterDays,
      joinGroupsAt: lifecycle.joinGroupsAt,
      ...dayTimeOf('enableAt', lifecycle.enableAt),
      ...dayTimeOf('disableAt', lifecycle.disableAt),
    },
    guards: guardsOf(settings.guards),
    also: settings.also.map(({ name, source }, index) => ({
      name,
      source: sourceSettings(source, source.kind),
      bind: (columns) => {
        const binder = new Binder(tree);
        const mapping = bindAlso(binder, index, bindSettings(tree, digest), columns);
        return mapping === null ? { faults: inOrder(binder.faults) } : { mapping };
      },
    })),
    alarms: alarmSettings(settings.alarms),
    expiries: expiries(new Binder(tree)),
    limitsPer: limitsPerOf(settings.guards.per),
    targets: settings.targets.map(targetOf),
    webhooks: webhookSettings(settings.webhooks, hooks, tablesOf(hooks), settings.timeZone),
    bind: (columns) => {
      const binder = new Binder(tree);
      const mapping = bindConnection(binder, bindSettings(tree, digest), columns ?? columnsOf(tree));
      return mapping === null ? { faults: inOrder(binder.faults) } : { mapping };
    },
  };
}

function dayTimeOf<N extends 'enableAt' | 'disableAt'>(
  name: N,
  text: string | undefined,
): { readonly [K in N]?: DayTime } {
  const time = text === undefined ? null : dayTime(text);
  return (time === null ? {} : { [name]: time }) as { readonly [K in N]?: DayTime };
}

function targetOf(target: ConnectionSettings['targets'][number]): TargetSettings {
  return {
    name: target.name,
    // An unknown kind is a fault of the file by now.
    kind: target.kind as TargetKind,
    profile: target.profile,
    capabilities: capabilitiesOf(target.capabilities),
    baseUrl: textSetting(target.baseUrl.trim()) ?? { kind: 'literal', text: target.baseUrl },
    auth: authSettings(target.auth),
    deletes: target.deletes,
    reconcile: target.reconcile,
    ...(target.deleteAuth === undefined ? {} : { deleteAuth: authSettings(target.deleteAuth) }),
    ...(target.ca === undefined ? {} : { ca: secretReference(target.ca) ?? { kind: 'env', name: '' } }),
    ...(target.proxy === undefined ? {} : { proxy: textSetting(target.proxy.trim()) ?? { kind: 'env', name: '' } }),
    limits: {
      concurrency: target.limits.concurrency,
      perSecond:
        target.limits.perSecond === undefined
          ? target.kind === 'okta-source'
            ? OKTA_PER_SECOND
            : ACCOUNT_RULES[target.profile].perSecond
          : target.limits.perSecond,
    },
    timeoutMs: target.timeoutMs,
    correlate: target.correlate,
    revokeSessions: target.revokeSessions === undefined ? null : sessionSettings(target.revokeSessions),
    entra: target.kind === 'entra-bulk' ? (target.entra ?? entraSchema.parse({})) : null,
    okta: target.kind === 'okta-source' && target.okta !== undefined ? oktaSettings(target.okta) : null,
  };
}

function capabilitiesOf({
  update,
  patchForm,
  etag,
  paging,
  pageSize,
  bulk,
  confirmCreates,
  visibleAfterSeconds,
}: ConnectionSettings['targets'][number]['capabilities']): CapabilitySettings {
  return {
    ...(update === undefined ? {} : { update }),
    ...(patchForm === undefined ? {} : { patchForm }),
    ...(etag === undefined ? {} : { etag }),
    ...(paging === undefined ? {} : { paging }),
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(bulk === undefined ? {} : { bulk }),
    ...(confirmCreates === undefined ? {} : { confirmCreates }),
    ...(visibleAfterSeconds === undefined ? {} : { visibleAfterSeconds }),
  };
}

function guardsOf(guards: ConnectionSettings['guards']): Connection['guards'] {
  const settings: Partial<Record<GuardKind, LimitSetting>> = {};
  for (const kind of GUARD_KINDS) {
    const value = guards[kind];
    if (value !== undefined) settings[kind] = { perCycle: limit(value) };
  }
  return settings;
}

function limitsPerOf(per: ConnectionSettings['guards']['per']): UnitSettings | null {
  if (per === undefined) return null;
  if (typeof per === 'string') return { attribute: per.trim(), only: null };
  return { attribute: per.attribute.trim(), only: per.only === undefined ? null : new Set(per.only) };
}

function limit(value: string | number): Limit {
  if (typeof value === 'number') return { count: value };
  return value.includes('%') ? { percent: Number.parseFloat(value) } : { count: Number.parseInt(value, 10) };
}

/** Read from the tree, because expressions are compiled beside other faults too. */
function bindSettings(tree: YamlTree, digest: string): BindSettings {
  const binder = new Binder(tree);
  const zone = binder.at(['timeZone']);
  return {
    connection: String(binder.at(['connection'])),
    digest,
    timeZone: typeof zone === 'string' ? zone : 'UTC',
    nested: isNested(binder, ['source']),
    lastDayInclusive: binder.at(['lifecycle', 'lastDayInclusive']) !== false,
    leaveCounts: binder.at(['lifecycle', 'leaveCounts']) === 'endDate' ? 'endDate' : 'lastDay',
    toInclusive: binder.at(['source', 'effective', 'toInclusive']) !== false,
  };
}

function columnsOf(tree: YamlTree): readonly string[] | null {
  const columns = new Binder(tree).at(['source', 'columns']);
  return Array.isArray(columns) && columns.length > 0 && columns.every((column) => typeof column === 'string')
    ? columns
    : null;
}

/** What belongs to a kind that is not built is one fault, not one for each of its keys. */
function withoutNotBuilt(faults: readonly Fault[], binder: Binder): readonly Fault[] {
  const parts = notBuilt(binder).map((path: YamlPath) => binder.tree.place(path).key ?? '');
  return faults.filter(
    (fault) => fault.code === 'mapping.not-built' || !parts.some((part) => isWithin(fault.place?.key ?? '', part)),
  );
}

const isWithin = (key: string, part: string): boolean =>
  key === part || key.startsWith(`${part}.`) || key.startsWith(`${part}[`);

function inOrder(faults: readonly Fault[]): readonly Fault[] {
  const seen = new Set<string>();
  return faults
    .toSorted((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0))
    .filter((fault) => {
      const text = JSON.stringify([fault.message, fault.place]);
      return !seen.has(text) && seen.add(text);
    });
}
