// What a fake Okta organization holds, and what becomes of it as time passes: imports that end, sessions that expire, statuses that
// change late. Nothing runs by itself: whoever looks has it catch up first.

export interface Said {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Profile = Readonly<Record<string, string>>;

/** [O2] */
export type SessionStatus = 'CREATED' | 'IN_PROGRESS' | 'TRIGGERED' | 'COMPLETED' | 'CLOSED' | 'EXPIRED' | 'ERROR';
export type UserStatus = 'STAGED' | 'ACTIVE' | 'SUSPENDED' | 'DEPROVISIONED';

/** One load call, as it will be applied. */
export type Load =
  | {
      readonly kind: 'upsert';
      readonly profiles: readonly { readonly externalId: string; readonly profile: Profile }[];
    }
  | { readonly kind: 'delete'; readonly externalIds: readonly string[] }
  | { readonly kind: 'groups'; readonly groups: readonly { readonly externalId: string; readonly name: string }[] }
  | { readonly kind: 'groups-delete'; readonly externalIds: readonly string[] }
  | {
      readonly kind: 'members' | 'members-delete';
      readonly memberships: readonly { readonly group: string; readonly members: readonly string[] }[];
    };

export interface Session {
  readonly id: string;
  status: SessionStatus;
  readonly createdMs: number;
  updatedMs: number;
  /** When its import ends; set by the trigger. */
  endsMs: number;
  readonly loads: Load[];
}

export interface SourceUser {
  profile: Profile;
  /** Of the user in the Users API. */
  readonly oktaId: string;
  updatedMs: number;
}

export interface CoreUser {
  readonly id: string;
  status: UserStatus;
  /** As the Users API shows it until `settlesMs`. */
  shownStatus: UserStatus;
  settlesMs: number;
  profile: Profile;
  /** Sessions and tokens were ended so often. */
  revoked: number;
}

export interface OktaState {
  readonly users: Map<string, SourceUser>;
  readonly core: Map<string, CoreUser>;
  readonly groups: Map<string, { name: string; readonly members: Set<string> }>;
  readonly sessions: Session[];
  readonly violations: string[];
  /** Records that an import left out, with the reason: Okta shows them on a page for people only [O1]. */
  readonly leftOut: { readonly externalId: string; readonly why: string }[];
  /** Records of these people are left out of imports and refused by single calls. */
  readonly refuses: Set<string>;
  /** The next import ends in ERROR [O2]. */
  failNext: boolean;
  readonly settings: StateSettings;
  readonly catchUp: () => void;
  readonly upsert: (externalId: string, profile: Profile) => boolean;
  readonly remove: (externalId: string) => boolean;
  readonly setStatus: (user: CoreUser, status: UserStatus) => void;
  readonly violated: (what: string) => void;
  /** The Users API's user of one externalId. */
  readonly coreOf: (externalId: string) => CoreUser | null;
}

export interface StateSettings {
  readonly nowMs: () => number;
  readonly gapMs: number;
  readonly importMs: number;
  readonly lagMs: number;
  readonly upsertReactivates: boolean;
  readonly sessionAs: 'object' | 'list';
}

/** Idle so long, a session that was not triggered expires [O1]. */
const IDLE_MAX_MS = 24 * 60 * 60_000;
export const LIVE: readonly SessionStatus[] = ['CREATED', 'IN_PROGRESS', 'TRIGGERED'];

export function oktaState(settings: StateSettings): OktaState {
  const { nowMs, lagMs } = settings;
  let issued = 0;
  const atOf = (): number => nowMs();

  const setStatus = (user: CoreUser, status: UserStatus): void => {
    user.shownStatus = lagMs > 0 ? (user.settlesMs > atOf() ? user.shownStatus : user.status) : status;
    user.status = status;
    user.settlesMs = atOf() + lagMs;
  };

  const state: OktaState = {
    users: new Map(),
    core: new Map(),
    groups: new Map(),
    sessions: [],
    violations: [],
    leftOut: [],
    refuses: new Set(),
    failNext: false,
    settings,
    setStatus,
    violated: (what) => void state.violations.push(what),
    coreOf: (externalId) => {
      const user = state.users.get(externalId);
      return (
        (user === undefined ? undefined : state.core.get(user.oktaId)) ??
        [...state.core.values()].find(({ profile }) => profile.employeeNumber === externalId) ??
        null
      );
    },
    upsert: (externalId, profile) => {
      const leaveOut = (why: string): false => {
        state.leftOut.push({ externalId, why });
        return false;
      };
      if (state.refuses.has(externalId)) return leaveOut('refused by the test');
      const known = state.users.get(externalId);
      const login = profile.userName ?? known?.profile.userName ?? '';
      const own = known?.oktaId ?? state.coreOf(externalId)?.id ?? null;
      const holder = [...state.core.values()].find((one) => one.profile.login?.toLowerCase() === login.toLowerCase());
      if (holder !== undefined && holder.id !== own) return leaveOut('login: An object with this field already exists');
      // Omitted attributes keep their values; an empty text clears one (GK).
      const whole = Object.fromEntries(
        Object.entries({ ...known?.profile, ...profile }).filter(([, value]) => value !== ''),
      ) as Profile;
      const mapped: Profile = { ...whole, login, employeeNumber: externalId };
      const core = own === null ? undefined : state.core.get(own);
      if (core === undefined) {
        issued += 1;
        const id = `00u${String(issued).padStart(8, '0')}`;
        const made: CoreUser = {
          id,
          status: 'ACTIVE',
          shownStatus: 'ACTIVE',
          settlesMs: 0,
          profile: mapped,
          revoked: 0,
        };
        state.core.set(id, made);
        state.users.set(externalId, { profile: whole, oktaId: id, updatedMs: atOf() });
        return true;
      }
      core.profile = mapped;
      if (core.status === 'DEPROVISIONED' && settings.upsertReactivates) setStatus(core, 'ACTIVE');
      state.users.set(externalId, { profile: whole, oktaId: core.id, updatedMs: atOf() });
      return true;
    },
    remove: (externalId) => {
      const user = state.users.get(externalId);
      // Unknown ones are ignored [O1].
      if (user === undefined) return false;
      state.users.delete(externalId);
      const core = state.core.get(user.oktaId);
      // Users are deactivated, never removed [O1].
      if (core !== undefined) setStatus(core, 'DEPROVISIONED');
      return true;
    },
    catchUp: () => {
      const now = atOf();
      for (const session of state.sessions) {
        if (
          (session.status === 'CREATED' || session.status === 'IN_PROGRESS') &&
          now - session.updatedMs >= IDLE_MAX_MS
        )
          session.status = 'EXPIRED';
        // Triggered sessions run in order, one behind the other [O1]: their ends were set when they were triggered.
        if (session.status !== 'TRIGGERED' || now < session.endsMs) continue;
        session.updatedMs = session.endsMs;
        if (state.failNext) {
          state.failNext = false;
          session.status = 'ERROR';
          continue;
        }
        for (const load of session.loads) apply(state, load);
        session.status = 'COMPLETED';
      }
    },
  };
  return state;
}

function apply(state: OktaState, load: Load): void {
  switch (load.kind) {
    case 'upsert':
      for (const { externalId, profile } of load.profiles) state.upsert(externalId, profile);
      return;
    case 'delete':
      for (const externalId of load.externalIds) state.remove(externalId);
      return;
    case 'groups':
      for (const { externalId, name } of load.groups) upsertGroup(state, externalId, name);
      return;
    case 'groups-delete':
      for (const externalId of load.externalIds) state.groups.delete(externalId);
      return;
    case 'members':
    case 'members-delete':
      for (const { group, members } of load.memberships) changeMembers(state, group, members, load.kind === 'members');
  }
}

export function upsertGroup(state: OktaState, externalId: string, name: string): void {
  const known = state.groups.get(externalId);
  if (known === undefined) state.groups.set(externalId, { name, members: new Set() });
  else known.name = name;
}

export function changeMembers(state: OktaState, group: string, members: readonly string[], add: boolean): void {
  const there = state.groups.get(group);
  if (there === undefined) {
    state.leftOut.push({ externalId: group, why: 'no such group' });
    return;
  }
  for (const member of members) {
    if (!add) there.members.delete(member);
    else if (state.users.has(member)) there.members.add(member);
    else state.leftOut.push({ externalId: member, why: 'no such member' });
  }
}
