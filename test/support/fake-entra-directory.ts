// What Entra does with what was uploaded, in held time: a provisioning job over a directory. Each fact bears the key of its source in
// the reference of identity providers' endpoints: [E1] … [E29]; (GK) marks what no source says.

export interface DirectoryUser {
  readonly id: string;
  userPrincipalName: string;
  accountEnabled: boolean;
  employeeId: string | null;
  /** Id of another user. */
  manager: string | null;
  /** Properties of the default mapping, and custom ones under their whole name. */
  readonly properties: Map<string, string>;
}

export interface LogEntry {
  readonly id: string;
  readonly at: number;
  readonly visibleAt: number;
  readonly action: string;
  readonly status: string;
  readonly identity: string;
  readonly errorCode: string | null;
  readonly reason: string;
  readonly modified: readonly { readonly displayName: string; readonly oldValue: string; readonly newValue: string }[];
}

type Json = Record<string, unknown>;

interface Uploaded {
  readonly at: number;
  readonly record: Json;
}

export interface DirectoryOptions {
  /** Until an upload is processed. */
  processAfterMs: number;
  /** Until a processed one is seen in the logs: 5 to 10 minutes [E4]. */
  logAfterMs: number;
  /** Whether null flows, a preview [E7]. */
  flowNull: boolean;
  /** Whether somebody is in the scope of the app; others are skipped [E3]. */
  inScope: (record: Json) => boolean;
  /** Disables in one cycle beyond which they are staged and the job is quarantined [E18]; null: without. */
  disableThreshold: number | null;
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
/** One cycle of the job (GK). */
const CYCLE_MS = 40 * 60_000;

/** Attributes of a record and the properties that the sample's default map writes them to [E9]; all others have no target. */
const DEFAULT_MAP: readonly (readonly [property: string, read: (record: Json) => unknown])[] = [
  ['displayName', (record) => record.displayName],
  ['givenName', (record) => objectOf(record.name).givenName],
  ['surname', (record) => objectOf(record.name).familyName],
  ['jobTitle', (record) => record.title],
  ['preferredLanguage', (record) => record.preferredLanguage],
  ['department', (record) => objectOf(record[ENTERPRISE]).department],
  ['companyName', (record) => objectOf(record[ENTERPRISE]).organization],
];
const objectOf = (value: unknown): Json => (value !== null && typeof value === 'object' ? (value as Json) : {});

export class Directory {
  readonly users = new Map<string, DirectoryUser>();
  readonly logs: LogEntry[] = [];
  /** Records that were written, by matching value. */
  readonly writes = new Map<string, number>();
  /** What every upload said, in order. */
  readonly taken: { readonly at: number; readonly identity: string; readonly active: unknown }[] = [];
  status: 'Active' | 'Paused' | 'Quarantine' = 'Active';
  quarantine: { readonly reason: string; readonly message: string } | null = null;
  /** Managers who could not be resolved: counted apart from failures [E6]. */
  referenceFailures = 0;
  /** Uploads that a restart purged. */
  purged = 0;
  readonly options: DirectoryOptions;
  readonly #byEmployee = new Map<string, string>();
  readonly #byName = new Map<string, string>();
  readonly #refusals = new Map<string, { readonly code: string; readonly reason: string; readonly status: string }>();
  readonly #staged: { readonly user: string; readonly identity: string }[] = [];
  #pending: Uploaded[] = [];
  #next = 1;
  #cycle = { number: -1, disables: 0 };

  constructor(options: DirectoryOptions) {
    this.options = options;
  }

  /** Somebody who is in the directory already. */
  add(user: Partial<DirectoryUser> & { readonly userPrincipalName: string }): DirectoryUser {
    const made: DirectoryUser = {
      id: user.id ?? this.#id(),
      userPrincipalName: user.userPrincipalName,
      accountEnabled: user.accountEnabled ?? true,
      employeeId: user.employeeId ?? null,
      manager: user.manager ?? null,
      properties: user.properties ?? new Map(),
    };
    this.#keep(made);
    return made;
  }

  of(employeeId: string): DirectoryUser | null {
    const id = this.#byEmployee.get(employeeId);
    return id === undefined ? null : (this.users.get(id) ?? null);
  }

  named(userPrincipalName: string): DirectoryUser | null {
    const id = this.#byName.get(userPrincipalName.toLowerCase());
    return id === undefined ? null : (this.users.get(id) ?? null);
  }

  /** Only POST works: whatever else an operation says has no effect and leaves no line [E15]. */
  take(operations: readonly Json[], at: number): void {
    for (const { method, data } of operations) {
      if (method !== 'POST') continue;
      const record = objectOf(data);
      this.taken.push({ at, identity: String(record.externalId ?? ''), active: record.active });
      this.#pending.push({ at, record });
    }
  }

  get waiting(): number {
    return this.#pending.length;
  }

  /** Processes what is due, in order of arrival (GK). A paused job, and one in quarantine, processes and logs nothing [E4]. */
  runUntil(now: number): void {
    while (this.status === 'Active') {
      const [first] = this.#pending;
      if (first === undefined || first.at + this.options.processAfterMs > now) return;
      this.#pending.shift();
      // What waited while the job was paused is processed once it runs again (GK).
      this.#process(first.record, Math.max(first.at + this.options.processAfterMs, this.#resumedAt));
    }
  }

  #resumedAt = 0;
  pause(): void {
    this.status = 'Paused';
  }
  quarantined(reason: string, message: string): void {
    this.status = 'Quarantine';
    this.quarantine = { reason, message };
  }
  resume(now: number): void {
    this.status = 'Active';
    this.quarantine = null;
    this.#resumedAt = now;
  }
  /** Purges what was uploaded before and is not processed [E3], and clears quarantine [E6]. */
  restart(now: number): void {
    this.purged += this.#pending.length;
    this.#pending = [];
    this.resume(now);
  }
  /** An administrator allows what the threshold staged [E18]. */
  allowStaged(now: number): void {
    this.options.disableThreshold = null;
    this.resume(now);
    for (const { user, identity } of this.#staged.splice(0)) {
      const found = this.users.get(user);
      if (found === undefined) continue;
      found.accountEnabled = false;
      this.#log(now, identity, 'disable', 'success', null, '', [enabledChange(false)]);
    }
  }

  /** What is uploaded of this one fails from now on, or is done with a warning. */
  refuse(identity: string, code: string, reason: string, status: 'failure' | 'warning' = 'failure'): () => void {
    this.#refusals.set(identity, { code, reason, status });
    return () => void this.#refusals.delete(identity);
  }

  #process(record: Json, at: number): LogEntry {
    const identity = String(record.externalId ?? '');
    const fail = (code: string, reason: string) => this.#log(at, identity, 'other', 'failure', code, reason);
    if (identity === '') return fail('MissingMatchingAttribute', 'the matching attribute has no value');
    const refused = this.#refusals.get(identity);
    if (refused?.status === 'failure') return fail(refused.code, refused.reason);
    if (!this.options.inScope(record))
      return this.#log(
        at,
        identity,
        'other',
        'skipped',
        'NotEffectivelyEntitled',
        'the user is not in the scope of the app',
      );
    const userName = String(record.userName ?? '');
    const found = this.of(identity);
    const holder = userName === '' ? null : this.named(userName);
    // It does not resolve duplicates: the write fails [E3].
    if (holder !== null && holder !== found)
      return fail('DuplicateUserPrincipalName', 'another object has the same value for userPrincipalName');
    const user = found ?? this.add({ userPrincipalName: userName, employeeId: identity, accountEnabled: false });
    const modified = this.#write(user, record, found === null);
    if (refused !== undefined)
      return this.#log(at, identity, 'create', 'warning', refused.code, refused.reason, modified);
    if (found !== null && modified.length === 0)
      return this.#log(at, identity, 'other', 'skipped', 'RedundantExport', 'source and target match already');
    this.writes.set(identity, (this.writes.get(identity) ?? 0) + 1);
    const switched = modified.find(({ displayName }) => displayName === 'accountEnabled');
    const disables = found !== null && switched?.newValue === 'False';
    if (disables && this.#isTooMuch(at)) {
      user.accountEnabled = true;
      this.#staged.push({ user: user.id, identity });
      this.quarantined('StagedDelete', 'more objects would be disabled than the accidental deletions threshold allows');
      return this.#log(at, identity, 'stagedaction', 'skipped', 'StagedAction', 'waits for an administrator', []);
    }
    return this.#log(
      at,
      identity,
      found === null ? 'create' : disables ? 'disable' : 'update',
      'success',
      null,
      '',
      modified,
    );
  }

  #isTooMuch(at: number): boolean {
    const number = Math.floor(at / CYCLE_MS);
    if (this.#cycle.number !== number) this.#cycle = { number, disables: 0 };
    this.#cycle.disables += 1;
    const { disableThreshold } = this.options;
    return disableThreshold !== null && this.#cycle.disables > disableThreshold;
  }

  /** Compares and applies [E3]; what it changed. */
  #write(user: DirectoryUser, record: Json, isNew: boolean): LogEntry['modified'] {
    const modified: { displayName: string; oldValue: string; newValue: string }[] = [];
    const wanted = new Map(DEFAULT_MAP.map(([property, read]) => [property, read(record)]));
    for (const [urn, members] of Object.entries(record)) {
      if (!urn.startsWith('urn:') || urn === ENTERPRISE) continue;
      for (const [name, value] of Object.entries(objectOf(members))) wanted.set(`${urn}:${name}`, value);
    }
    for (const [property, value] of wanted) {
      const before = user.properties.get(property) ?? '';
      const blank = value === undefined || value === null || value === '';
      // Without the preview a blank does nothing (GK); with it, null, blank and left out all clear [E7].
      if (blank && !this.options.flowNull) continue;
      const after = blank ? '' : String(value);
      if (after === before) continue;
      if (after === '') user.properties.delete(property);
      else user.properties.set(property, after);
      modified.push({ displayName: property, oldValue: before, newValue: after });
    }
    // An update without `active` disabled the account (obs) [E14].
    const enabled = record.active === true || String(record.active).toLowerCase() === 'true';
    if (isNew || enabled !== user.accountEnabled) {
      user.accountEnabled = enabled;
      modified.push(enabledChange(enabled));
    }
    const userName = String(record.userName ?? '');
    if (userName !== '' && userName !== user.userPrincipalName) {
      modified.push({ displayName: 'userPrincipalName', oldValue: user.userPrincipalName, newValue: userName });
      this.#byName.delete(user.userPrincipalName.toLowerCase());
      user.userPrincipalName = userName;
      this.#byName.set(userName.toLowerCase(), user.id);
    }
    this.#lead(user, record, modified);
    return modified;
  }

  /** The reference is the manager's matching value; the service resolves it [E1]. */
  #lead(
    user: DirectoryUser,
    record: Json,
    modified: { displayName: string; oldValue: string; newValue: string }[],
  ): void {
    const manager = objectOf(record[ENTERPRISE]).manager;
    const value = objectOf(manager).value;
    if (value === undefined || value === null || value === '') {
      if (!this.options.flowNull || user.manager === null) return;
      user.manager = null;
      modified.push({ displayName: 'manager', oldValue: 'set', newValue: '' });
      return;
    }
    const leader = this.of(String(value));
    if (leader === null) {
      this.referenceFailures += 1;
      return;
    }
    if (user.manager === leader.id) return;
    modified.push({ displayName: 'manager', oldValue: user.manager ?? '', newValue: leader.id });
    user.manager = leader.id;
  }

  #keep(user: DirectoryUser): void {
    this.users.set(user.id, user);
    if (user.employeeId !== null) this.#byEmployee.set(user.employeeId, user.id);
    this.#byName.set(user.userPrincipalName.toLowerCase(), user.id);
  }

  #id(): string {
    return `00000000-0000-4000-8000-${String(this.#next++).padStart(12, '0')}`;
  }

  #log(
    at: number,
    identity: string,
    action: string,
    status: string,
    errorCode: string | null,
    reason: string,
    modified: LogEntry['modified'] = [],
  ): LogEntry {
    const id = `line-${this.logs.length + 1}`;
    const visibleAt = at + this.options.logAfterMs;
    const line = { id, at, visibleAt, action, status, identity, errorCode, reason, modified };
    this.logs.push(line);
    return line;
  }
}

const enabledChange = (enabled: boolean) => ({
  displayName: 'accountEnabled',
  oldValue: enabled ? 'False' : 'True',
  newValue: enabled ? 'True' : 'False',
});
