// The judge of the crash campaign. It knows only what HR said and what the endpoint saw – never the daemon's own state.
import type { LoggedRequest } from '../support/fake-idp.ts';
import type { CrashWorker } from './crash-company.ts';

export type Resource = Readonly<Record<string, unknown>>;

export interface Evidence {
  readonly log: readonly LoggedRequest[];
  readonly users: readonly Resource[];
  readonly groups: readonly Resource[];
}

export interface Expectation {
  readonly workers: readonly CrashWorker[];
  /** The department of each worker on every day so far, oldest first: values may only ever move forward along it. */
  readonly departments: ReadonlyMap<string, readonly string[]>;
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Every broken promise as a sentence; empty when all hold. */
export function violations(evidence: Evidence, expectation: Expectation): readonly string[] {
  return [
    ...accountFaults(evidence, expectation),
    ...membershipFaults(evidence, expectation),
    ...createFaults(evidence),
    ...orderFaults(evidence, expectation),
  ];
}

/** One account for each worker, nobody else's, with today's values; leavers inactive, everybody else active. */
function accountFaults({ users }: Evidence, { workers }: Expectation): string[] {
  const faults: string[] = [];
  for (const attribute of ['userName', 'externalId']) {
    const seen = new Set<string>();
    for (const user of users) {
      const value = String(user[attribute]).toLowerCase();
      if (seen.has(value)) faults.push(`two accounts have the ${attribute} ${value}`);
      seen.add(value);
    }
  }
  if (users.length !== workers.length) faults.push(`${users.length} accounts for ${workers.length} workers`);
  const byExternalId = new Map(users.map((user) => [user.externalId, user]));
  for (const worker of workers) {
    const user = byExternalId.get(worker.id);
    if (user === undefined) {
      faults.push(`worker ${worker.id} has no account`);
      continue;
    }
    const active = worker.lastDay === '';
    if (user.active !== active) faults.push(`the account of ${worker.id} is ${active ? 'inactive' : 'still active'}`);
    const department = (user[ENTERPRISE] as Resource | undefined)?.department;
    if (active && department !== worker.department)
      faults.push(`the department of ${worker.id} is ${String(department)}`);
  }
  return faults;
}

/** Everybody employed is in "All staff" and in the group of their department, once; leavers are in none. */
function membershipFaults({ users, groups }: Evidence, { workers }: Expectation): string[] {
  const faults: string[] = [];
  const workerOf = new Map(users.map((user) => [user.id, String(user.externalId)]));
  const present = new Map<string, Set<string>>();
  for (const group of groups) {
    const name = String(group.displayName);
    if (present.has(name)) faults.push(`two groups are called ${name}`);
    const members = ((group.members ?? []) as readonly Resource[]).map((member) => workerOf.get(member.value) ?? '?');
    const distinct = new Set(members);
    if (distinct.size !== members.length) faults.push(`${name} holds ${members.length - distinct.size} members twice`);
    present.set(name, distinct);
  }
  const wanted = new Map<string, Set<string>>();
  for (const { id, department, lastDay } of workers) {
    for (const name of lastDay === '' ? ['All staff', `Dept ${department}`] : []) {
      if (!wanted.has(name)) wanted.set(name, new Set());
      wanted.get(name)?.add(id);
    }
  }
  for (const name of new Set([...present.keys(), ...wanted.keys()])) {
    const is = present.get(name) ?? new Set();
    const shall = wanted.get(name) ?? new Set();
    const missing = [...shall].filter((id) => !is.has(id));
    const extra = [...is].filter((id) => !shall.has(id));
    if (missing.length > 0) faults.push(`${name} lacks ${missing.length} members, such as ${missing[0]}`);
    if (extra.length > 0) faults.push(`${name} has ${extra.length} members too many, such as ${extra[0]}`);
  }
  return faults;
}

/** A worker's create took effect once, whatever was lost on the way. */
function createFaults({ log }: Evidence): string[] {
  const created = new Map<string, number>();
  for (const request of log) {
    if (request.method !== 'POST' || request.path !== '/Users' || !request.applied) continue;
    const { externalId } = JSON.parse(request.body) as { externalId: string };
    created.set(externalId, (created.get(externalId) ?? 0) + 1);
  }
  return [...created].filter(([, times]) => times > 1).map(([id, times]) => `worker ${id} was created ${times} times`);
}

interface Write {
  readonly request: LoggedRequest;
  readonly active: boolean | undefined;
  readonly department: string | undefined;
}

/** Each worker's writes arrive one after the other, never take back a newer value, and never enable a leaver again. */
function orderFaults({ log, users }: Evidence, { departments, workers }: Expectation): string[] {
  const faults: string[] = [];
  const workerOf = new Map(users.map((user) => [String(user.id), String(user.externalId)]));
  const left = new Set(workers.filter(({ lastDay }) => lastDay !== '').map(({ id }) => id));
  const writes = new Map<string, Write[]>();
  for (const request of log) {
    const write = writeOf(request, workerOf);
    if (write === null) continue;
    const list = writes.get(write.worker) ?? [];
    list.push(write);
    writes.set(write.worker, list);
  }
  for (const [worker, list] of writes) {
    const path = departments.get(worker) ?? [];
    let reached = 0;
    let disabled = false;
    let endedAt = 0;
    for (const { request, active, department } of list) {
      if (request.at < endedAt) faults.push(`two writes for ${worker} were under way at once`);
      endedAt = request.endedAt ?? endedAt;
      if (department !== undefined) {
        const position = path.indexOf(department, reached);
        if (position === -1) faults.push(`the department of ${worker} went back to ${department}`);
        else reached = position;
      }
      if (left.has(worker) && disabled && active === true)
        faults.push(`leaver ${worker} was enabled after the disable`);
      if (request.method === 'PATCH' && active === false) disabled = true;
    }
  }
  return faults;
}

/** What a request wanted of which worker, applied or not; null when it is no write to a user. */
function writeOf(request: LoggedRequest, workerOf: ReadonlyMap<string, string>): (Write & { worker: string }) | null {
  if (request.method === 'GET' || !request.path.startsWith('/Users')) return null;
  if (request.method === 'POST') {
    const body = JSON.parse(request.body) as Resource;
    const department = (body[ENTERPRISE] as Resource | undefined)?.department as string | undefined;
    return { request, worker: String(body.externalId), active: body.active as boolean | undefined, department };
  }
  const worker = workerOf.get(decodeURIComponent(request.path.slice('/Users/'.length)));
  if (worker === undefined) return null;
  let active: boolean | undefined;
  let department: string | undefined;
  if (request.method === 'PATCH') {
    const { Operations = [] } = JSON.parse(request.body) as { Operations?: readonly Resource[] };
    for (const operation of Operations) {
      if (operation.path === 'active') active = operation.value as boolean;
      if (operation.path === `${ENTERPRISE}:department`) department = operation.value as string;
    }
  }
  return { request, worker, active, department };
}
