// The judge of the reliability campaign. It knows what HR exported and when, every request that the endpoints saw, what stands
// there at the end, and the audit – never what the daemon thinks.
import { isDeepStrictEqual } from 'node:util';
import type { LoggedRequest } from '../support/fake-idp.ts';
import { ENTERPRISE_SCHEMA, type Resource } from '../support/fake-scim.ts';
import { type AuditEntry, auditFaults } from './reliability-audit.ts';
import { ALL_STAFF, departmentGroup, type Outcome, type Version, type Wanted } from './reliability-company.ts';
import { type Directory, idsWritten, type Write, workersIn, writesOf } from './reliability-writes.ts';

export interface TargetEvidence {
  readonly name: string;
  readonly log: readonly LoggedRequest[];
  /** As they stand at the end. */
  readonly users: readonly Resource[];
  readonly groups: readonly Resource[];
  /** As they were planted: nobody may write to these. */
  readonly untouchable: readonly Resource[];
  /** Memberships that others gave: group name → ids. They stay. */
  readonly guests: ReadonlyMap<string, readonly string[]>;
}

export interface Evidence {
  readonly targets: readonly TargetEvidence[];
  /** What was true after each step, oldest first, and when the step was taken on the endpoints' clock. */
  readonly versions: readonly (Outcome & { readonly since: number })[];
  readonly audit: {
    readonly entries: readonly AuditEntry[];
    /** Why the chain does not verify; null when it does. */
    readonly broken: string | null;
  };
  /** What the daemon's clock said at this moment of the endpoints' clock. */
  readonly virtualAt: (realMs: number) => number;
}

export const MANAGER = `${ENTERPRISE_SCHEMA}:manager`;
/** A server learns of a client that hung up a moment after the client's next request may already be there. */
const HANG_UP_MS = 60;

/** Every broken promise as a sentence; empty when all hold. */
export function violations(evidence: Evidence): readonly string[] {
  const faults = evidence.targets.flatMap((target) => {
    const directory = directoryOf(target);
    const last = settled(target, evidence.versions, directory);
    return [
      ...accountFaults(target, last),
      ...membershipFaults(target, last, directory),
      ...doubledCreates(target),
      ...overlaps(target, directory),
      ...orderFaults(target, evidence.versions, directory),
      ...readBackFaults(target, last, directory),
      ...foreignFaults(target),
    ].map((fault) => `${target.name}: ${fault}`);
  });
  return [...faults, ...auditFaults(evidence.audit, evidence.targets, evidence.virtualAt)];
}

const idOf = (resource: Resource): string => String(resource.id);

function ownUsers({ users, untouchable }: TargetEvidence): readonly Resource[] {
  const foreign = new Set(untouchable.map(idOf));
  return users.filter((user) => !foreign.has(idOf(user)));
}

function directoryOf(target: TargetEvidence): Directory {
  const own = ownUsers(target);
  return {
    workerOf: new Map(own.map((user) => [idOf(user), String(user.externalId)])),
    workerNamed: new Map(own.map((user) => [String(user.userName).toLowerCase(), String(user.externalId)])),
    groupOf: new Map(target.groups.map((group) => [idOf(group), String(group.displayName)])),
  };
}

/**
 * What must be true at the end. Of somebody who is missing from the last export nobody can say which of the earlier ones was
 * read before it was replaced: what stands has to be what one of them says, or nothing at all.
 */
function settled(target: TargetEvidence, versions: Evidence['versions'], { workerOf }: Directory): Version {
  const accounts = new Map(ownUsers(target).map((user) => [String(user.externalId), user]));
  const groups = new Map<string, Set<string>>();
  for (const group of target.groups) {
    for (const { value } of (group.members ?? []) as readonly Resource[]) {
      const worker = workerOf.get(String(value)) ?? '';
      groups.set(worker, (groups.get(worker) ?? new Set()).add(String(group.displayName)));
    }
  }
  const last = new Map(versions.at(-1)?.wanted);
  for (const [worker, wanted] of last) {
    if (wanted.missing !== true) continue;
    const account = accounts.get(worker);
    const stands = (one: Wanted): boolean =>
      account?.active === (one.stage === 'active') &&
      (one.stage === 'left' ||
        Object.entries(attributesOf(one)).every(([path, is]) => valueAt(account, path) === is)) &&
      isDeepStrictEqual(new Set(groupsOf(one)), groups.get(worker) ?? new Set());
    const said = versions
      .toReversed()
      .flatMap((version) => readings(version.wanted.get(worker)))
      .find(stands);
    if (account === undefined) last.delete(worker);
    else if (said !== undefined) last.set(worker, said);
  }
  return last;
}

// ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** One account for each worker who shall have one, nobody else's, with the last values; leavers inactive. */
function accountFaults(target: TargetEvidence, last: Version): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const user of target.users) {
    const name = String(user.userName).toLowerCase();
    if (names.has(name)) faults.push(`two accounts are called ${name}`);
    names.add(name);
  }
  const accounts = new Map<string, Resource>();
  for (const user of ownUsers(target)) {
    const worker = String(user.externalId);
    if (accounts.has(worker)) faults.push(`worker ${worker} has two accounts`);
    accounts.set(worker, user);
  }
  for (const [worker, user] of accounts) {
    const stage = last.get(worker)?.stage ?? 'none';
    if (stage === 'none')
      faults.push(`there is an account ${String(user.userName)} that nobody shall have (${worker})`);
  }
  for (const [worker, wanted] of last) {
    const account = accounts.get(worker);
    if (account === undefined) {
      if (wanted.stage === 'active' || wanted.stage === 'preboarding') faults.push(`worker ${worker} has no account`);
      continue;
    }
    if (account.active !== (wanted.stage === 'active')) {
      faults.push(`the account of ${worker}, who is ${wanted.stage}, has active=${String(account.active)}`);
    }
    if (wanted.stage !== 'active' && wanted.stage !== 'preboarding') continue;
    for (const [path, value] of Object.entries(attributesOf(wanted))) {
      const is = valueAt(account, path);
      if (is !== value)
        faults.push(`${path} of ${worker} is ${JSON.stringify(is)} instead of ${JSON.stringify(value)}`);
    }
    const managed = managerOf(account, target);
    const manager = managerWanted(wanted);
    // A reference waits until the manager has an account.
    const owed = manager !== '' && !accounts.has(manager);
    if (!owed && managed !== manager) faults.push(`the manager of ${worker} is '${managed}' instead of '${manager}'`);
  }
  return faults;
}

function attributesOf({ person }: Wanted): Readonly<Record<string, string>> {
  return {
    'name.givenName': person.given,
    'name.familyName': person.family,
    title: person.title,
    [`${ENTERPRISE_SCHEMA}:employeeNumber`]: person.id,
    [`${ENTERPRISE_SCHEMA}:department`]: person.department,
  };
}

/** Who is named as their own manager has none. */
const managerWanted = ({ person }: Wanted): string => (person.manager === person.id ? '' : person.manager);

function valueAt(resource: Resource, path: string): unknown {
  if (path.startsWith(`${ENTERPRISE_SCHEMA}:`))
    return (resource[ENTERPRISE_SCHEMA] as Resource | undefined)?.[path.slice(ENTERPRISE_SCHEMA.length + 1)];
  return path.split('.').reduce<unknown>((at, key) => (at as Resource | undefined)?.[key], resource);
}

/** The worker whose account is referred to; '' without a reference. */
function managerOf(account: Resource, { users }: TargetEvidence): string {
  const reference = valueAt(account, MANAGER) as Resource | undefined;
  if (reference?.value === undefined) return '';
  return String(users.find((user) => user.id === reference.value)?.externalId ?? `nobody ${String(reference.value)}`);
}

const groupsOf = ({ stage, person }: Wanted): readonly string[] =>
  stage === 'active' ? [ALL_STAFF, departmentGroup(person.department)] : [];

/** Everybody who works here is once in the groups of the rules, and nobody else but whom others put there. */
function membershipFaults(target: TargetEvidence, last: Version, { workerOf }: Directory): string[] {
  const faults: string[] = [];
  const is = new Map<string, Set<string>>();
  for (const group of target.groups) {
    const name = String(group.displayName);
    if (is.has(name)) faults.push(`two groups are called ${name}`);
    const ids = ((group.members ?? []) as readonly Resource[]).map(({ value }) => String(value));
    if (new Set(ids).size < ids.length) faults.push(`${name} holds ${ids.length - new Set(ids).size} members twice`);
    is.set(name, new Set(ids.map((id) => workerOf.get(id) ?? `guest ${id}`)));
  }
  const shall = new Map<string, Set<string>>();
  for (const [name, ids] of target.guests) shall.set(name, new Set(ids.map((id) => `guest ${id}`)));
  for (const [worker, wanted] of last) {
    for (const name of groupsOf(wanted)) shall.set(name, (shall.get(name) ?? new Set()).add(worker));
  }
  for (const name of new Set([...is.keys(), ...shall.keys()])) {
    const missing = [...(shall.get(name) ?? [])].filter((one) => !is.get(name)?.has(one));
    const extra = [...(is.get(name) ?? [])].filter((one) => !shall.get(name)?.has(one));
    if (missing.length > 0) faults.push(`${name} lacks ${missing.join(', ')}`);
    if (extra.length > 0) faults.push(`${name} has ${extra.join(', ')} too many`);
  }
  return faults;
}

// ── the way there ─────────────────────────────────────────────────────────────────────────────────────────────────

/** A worker's create took effect once, whatever was lost on the way. */
function doubledCreates({ log }: TargetEvidence): string[] {
  const created = new Map<string, number>();
  for (const request of log) {
    if (request.method !== 'POST' || request.path !== '/Users' || !request.applied) continue;
    const { externalId } = JSON.parse(request.body) as { externalId: string };
    created.set(externalId, (created.get(externalId) ?? 0) + 1);
  }
  return [...created].filter(([, times]) => times > 1).map(([id, times]) => `worker ${id} was created ${times} times`);
}

/** Requests about one worker follow one another: the next one begins when the last was answered, or given up. */
function overlaps({ log }: TargetEvidence, directory: Directory): string[] {
  const faults: string[] = [];
  const busy = new Map<string, { readonly until: number; readonly request: LoggedRequest }>();
  for (const request of log) {
    for (const worker of workersIn(request, directory)) {
      const before = busy.get(worker);
      if (before !== undefined && request.at < before.until)
        faults.push(`worker ${worker}: ${said(request)} came while ${said(before.request)} was under way`);
      busy.set(worker, { until: endOf(request), request });
    }
  }
  return faults;
}

function endOf({ at, endedAt, goneAt }: LoggedRequest): number {
  if (goneAt === undefined) return endedAt ?? Number.POSITIVE_INFINITY;
  if (endedAt !== null && endedAt <= goneAt) return endedAt;
  return Math.max(at, goneAt - HANG_UP_MS);
}

const said = ({ n, method, path }: LoggedRequest): string => `request ${n} (${method} ${path})`;

/**
 * Decisions are carried out in their order: what a worker's writes ask for was true after some step, and never after an
 * earlier one than the write before asked for. So no value goes back and no leaver is enabled unless a newer export says so.
 */
function orderFaults({ log }: TargetEvidence, versions: Evidence['versions'], directory: Directory): string[] {
  const faults: string[] = [];
  const reached = new Map<string, number>();
  const given = new Set<string>();
  // Nobody's retention ends in these days.
  for (const request of log) if (request.method === 'DELETE') faults.push(`${said(request)} deletes`);
  for (const write of log.flatMap((request) => writesOf(request, directory))) {
    const { worker, request } = write;
    if (given.has(worker)) continue;
    const from = reached.get(worker) ?? 0;
    const at = versions.findIndex(
      (version, index) => index >= from && version.since <= request.at && allows(version, write),
    );
    if (at >= 0) {
      reached.set(worker, at);
      continue;
    }
    given.add(worker);
    const ever = versions.findIndex((version) => allows(version, write));
    faults.push(
      ever < 0
        ? `worker ${worker}: ${said(request)} asks for what was never true: ${request.body}`
        : `worker ${worker}: ${said(request)} asks for what was true after step ${ever}, but step ${from} was carried out: ${request.body}`,
    );
  }
  return faults;
}

/** Who is missing twice, a day apart, may have left: an operator decides, and the one of the campaign approves everything. */
const readings = (wanted: Wanted | undefined): readonly Wanted[] =>
  wanted === undefined ? [] : wanted.missing === true ? [wanted, { ...wanted, stage: 'left' }] : [wanted];

const allows = ({ wanted, wantedAtNight }: Outcome, write: Write): boolean =>
  [wanted, wantedAtNight].flatMap((version) => readings(version.get(write.worker))).some((one) => agrees(write, one));

function agrees({ wants }: Write, wanted: Wanted): boolean {
  if (wanted.stage === 'none' || wants.kind === 'delete') return false;
  if (wants.kind === 'membership') return groupsOf(wanted).includes(wants.group) === wants.adds;
  const attributes: Readonly<Record<string, unknown>> = {
    ...attributesOf(wanted),
    active: wanted.stage === 'active',
    [MANAGER]: managerWanted(wanted),
    externalId: wanted.person.id,
  };
  const changes = [...wants.values].filter(([path]) => path in attributes);
  // A leaver's account is switched off, and nothing else of it is touched.
  if (wanted.stage === 'left') return changes.every(([path, value]) => path === 'active' && value === false);
  return changes.every(([path, value]) => attributes[path] === value);
}

/** The last disable of everybody who left was followed by an answer of the target that the daemon heard. */
function readBackFaults({ log, users }: TargetEvidence, last: Version, directory: Directory): string[] {
  const faults: string[] = [];
  for (const [id, worker] of directory.workerOf) {
    if (last.get(worker)?.stage !== 'left' || !users.some((user) => user.id === id)) continue;
    const disables = (request: LoggedRequest): boolean =>
      writesOf(request, directory).some(
        ({ worker: whose, wants }) =>
          whose === worker && wants.kind === 'account' && !wants.creates && wants.values.get('active') === false,
      );
    const asked = log.findLast(disables);
    if (asked === undefined) {
      faults.push(`leaver ${worker} was never disabled`);
      continue;
    }
    const heard = log.some(
      ({ n, method, path, status, goneAt }) =>
        n > asked.n && method === 'GET' && path === `/Users/${id}` && status === 200 && goneAt === undefined,
    );
    if (!heard) faults.push(`the disable of leaver ${worker} was never read back`);
  }
  return faults;
}

function foreignFaults({ log, users, untouchable }: TargetEvidence): string[] {
  const faults: string[] = [];
  const planted = new Map(untouchable.map((user) => [idOf(user), user]));
  for (const request of log) {
    for (const id of idsWritten(request)) {
      if (planted.has(id)) faults.push(`${said(request)} writes to ${id}, an account that is not ours`);
    }
  }
  const there = new Map(users.map((user) => [idOf(user), user]));
  for (const [id, before] of planted) {
    const { meta: _, ...now } = there.get(id) ?? {};
    const { meta: __, ...then } = before;
    if (!isDeepStrictEqual(now, then)) faults.push(`the account ${id}, which is not ours, has changed`);
  }
  return faults;
}
