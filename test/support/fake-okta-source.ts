// The Identity Sources API of a fake Okta: sessions with every rule that is documented of them, and the calls for single entities.
import {
  changeMembers,
  LIVE,
  type Load,
  type OktaState,
  type Profile,
  type Said,
  type Session,
  upsertGroup,
} from './fake-okta-state.ts';

/** [O1] */
const ENTITIES_MAX = 200;
const BYTES_MAX = 200 * 1024;
const LOADS_MAX = 50;
/** Longest and shortest texts of a profile [O2]. */
const LENGTHS: Readonly<Record<string, readonly [number, number]>> = {
  userName: [1, 100],
  email: [5, 100],
  firstName: [1, 50],
  lastName: [1, 50],
  mobilePhone: [0, 100],
  secondEmail: [0, 100],
};
const USER_ID_MAX = 512;
const GROUP_ID_MAX = 255;

type Json = Readonly<Record<string, unknown>>;
class Refusal extends Error {}

const shown = ({ id, status, createdMs, updatedMs }: Session) => ({
  id,
  identitySourceId: '0oa-source-1',
  status,
  importType: 'INCREMENTAL',
  created: new Date(createdMs).toISOString(),
  lastUpdated: new Date(updatedMs).toISOString(),
});

export function oktaSource(state: OktaState): (method: string, path: string, body: string) => Said {
  const { nowMs, gapMs, importMs, sessionAs } = state.settings;
  let issued = 0;

  const refused = (status: number, why: string): Said => {
    state.violated(`${status} ${why}`);
    return { status, body: { errorCode: 'E0000001', errorSummary: why } };
  };
  const missing: Said = { status: 404, body: { errorCode: 'E0000007', errorSummary: 'Not found: Resource not found' } };

  // ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function sessions(method: string, id: string, verb: string, body: string): Said {
    if (id === '') {
      if (method === 'GET')
        return { status: 200, body: state.sessions.filter(({ status }) => LIVE.includes(status)).map(shown) };
      return method === 'POST' ? opened() : { status: 405, body: {} };
    }
    const session = state.sessions.find((one) => one.id === id);
    if (session === undefined) return missing;
    if (verb === '') {
      if (method === 'GET') return { status: 200, body: shown(session) };
      if (method !== 'DELETE') return { status: 405, body: {} };
      // Only before the trigger [O1].
      if (session.status !== 'CREATED' && session.status !== 'IN_PROGRESS')
        return refused(400, `a session that is ${session.status} cannot be cancelled`);
      state.sessions.splice(state.sessions.indexOf(session), 1);
      return { status: 204 };
    }
    if (method !== 'POST') return { status: 405, body: {} };
    return verb === 'start-import' ? triggered(session) : loaded(session, verb, body);
  }

  function opened(): Said {
    // One live session, and none within five minutes of one that is active [O1].
    const live = state.sessions.find(({ status }) => LIVE.includes(status));
    if (live !== undefined) return refused(400, `a session is ${live.status}`);
    const latest = Math.max(...state.sessions.map(({ createdMs }) => createdMs), Number.NEGATIVE_INFINITY);
    if (nowMs() - latest < gapMs) return refused(400, 'a session was opened less than five minutes ago');
    issued += 1;
    const session: Session = {
      id: `uis${issued}`,
      status: 'CREATED',
      createdMs: nowMs(),
      updatedMs: nowMs(),
      endsMs: 0,
      loads: [],
    };
    state.sessions.push(session);
    return { status: 200, body: sessionAs === 'list' ? [shown(session)] : shown(session) };
  }

  function loaded(session: Session, verb: string, body: string): Said {
    if (session.status !== 'CREATED' && session.status !== 'IN_PROGRESS')
      return refused(400, `a session that is ${session.status} takes nothing in`);
    if (Buffer.byteLength(body, 'utf8') > BYTES_MAX) return refused(400, 'more than 200 KB in one call');
    if (session.loads.length >= LOADS_MAX) return refused(400, 'more than 50 calls in one session');
    const load = loadOf(verb, parsed(body));
    if (load === null) return missing;
    session.updatedMs = nowMs();
    // An empty upsert, or a delete of unknown ones only, leaves the session as it was [O1].
    const nothing =
      (load.kind === 'upsert' && load.profiles.length === 0) ||
      (load.kind === 'delete' && !load.externalIds.some((one) => state.users.has(one)));
    session.loads.push(load);
    if (!nothing) session.status = 'IN_PROGRESS';
    return { status: 202, body: {} };
  }

  function triggered(session: Session): Said {
    if (session.status !== 'IN_PROGRESS') return refused(400, `a session that is ${session.status} cannot be started`);
    const before = Math.max(0, ...state.sessions.map(({ endsMs }) => endsMs));
    session.status = 'TRIGGERED';
    session.updatedMs = nowMs();
    session.endsMs = Math.max(nowMs(), before) + importMs;
    return { status: 200, body: shown(session) };
  }

  // ── single entities ───────────────────────────────────────────────────────────────────────────────────────────────

  const userShown = (externalId: string): Said => {
    const user = state.users.get(externalId);
    if (user === undefined) return missing;
    const { oktaId: id, profile, updatedMs } = user;
    return { status: 200, body: { id, externalId, profile, lastUpdated: new Date(updatedMs).toISOString() } };
  };

  function users(method: string, id: string, body: string): Said {
    if (id === '') {
      if (method !== 'POST') return { status: 405, body: {} };
      const { externalId, profile } = entity(parsed(body), true);
      if (state.users.has(externalId)) return { status: 409, body: { errorSummary: 'the externalId exists' } };
      return written(externalId, profile, 201);
    }
    switch (method) {
      case 'GET':
        return userShown(id);
      case 'PUT':
      case 'PATCH': {
        if (!state.users.has(id)) return missing;
        const { profile } = entity({ externalId: id, profile: parsed(body).profile }, method === 'PUT');
        return written(id, profile, 200);
      }
      case 'DELETE':
        return state.remove(id) ? { status: 204 } : missing;
      default:
        return { status: 405, body: {} };
    }
  }

  function written(externalId: string, profile: Profile, status: number): Said {
    if (!state.upsert(externalId, profile))
      return {
        status: 400,
        body: { errorCode: 'E0000001', errorSummary: `Api validation failed: ${state.leftOut.at(-1)?.why}` },
      };
    return { ...userShown(externalId), status };
  }

  function groups(method: string, { id, verb, last }: { id: string; verb: string; last: string }, body: string): Said {
    if (id === '') {
      if (method !== 'POST') return { status: 405, body: {} };
      const { externalId, name } = group(parsed(body));
      upsertGroup(state, externalId, name);
      return { status: 201, body: { id: externalId, externalId, profile: { displayName: name } } };
    }
    const there = state.groups.get(id);
    if (there === undefined) return missing;
    if (verb === '') {
      if (method === 'DELETE') return state.groups.delete(id) ? { status: 204 } : missing;
      return method === 'GET'
        ? { status: 200, body: { id, externalId: id, profile: { displayName: there.name } } }
        : { status: 405, body: {} };
    }
    if (method === 'GET') return { status: 200, body: { memberExternalIds: [...there.members] } };
    if (method === 'DELETE') return there.members.delete(last) ? { status: 204 } : missing;
    const members = texts(parsed(body).memberExternalIds, GROUP_ID_MAX);
    if (members.length > ENTITIES_MAX) throw new Refusal('more than 200 entities in one call');
    changeMembers(state, id, members, true);
    return { status: 204 };
  }

  return (method, path, body) => {
    const [, room = '', id = '', verb = '', last = ''] = path.split('/').map(decodeURIComponent);
    try {
      if (room === 'sessions') return sessions(method, id, verb, body);
      if (room === 'users') return users(method, id, body);
      if (room === 'groups') return groups(method, { id, verb, last }, body);
    } catch (error) {
      if (error instanceof Refusal) return refused(400, error.message);
      throw error;
    }
    return missing;
  };
}

// ── what a body may hold ────────────────────────────────────────────────────────────────────────────────────────────

function parsed(body: string): Json {
  const value: unknown = JSON.parse(body);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Refusal('the body is no object');
  return value as Json;
}

function listed(value: unknown): readonly Json[] {
  if (!Array.isArray(value)) throw new Refusal('a list is missing');
  if (value.length > ENTITIES_MAX) throw new Refusal('more than 200 entities in one call');
  return value as readonly Json[];
}

function texts(value: unknown, longest: number): readonly string[] {
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string' || one === '' || one.length > longest))
    throw new Refusal('a list of ids holds something else');
  return value as readonly string[];
}

function loadOf(verb: string, body: Json): Load | null {
  const users = (): readonly Json[] => {
    if (body.entityType !== 'USERS') throw new Refusal('entityType must be USERS');
    return listed(body.profiles);
  };
  switch (verb) {
    case 'bulk-upsert':
      return { kind: 'upsert', profiles: users().map((one) => entity(one, true)) };
    case 'bulk-delete':
      return { kind: 'delete', externalIds: users().map((one) => idOf(one.externalId, USER_ID_MAX)) };
    case 'bulk-groups-upsert':
      return { kind: 'groups', groups: listed(body.profiles).map(group) };
    case 'bulk-groups-delete':
      return { kind: 'groups-delete', externalIds: texts(body.externalIds, GROUP_ID_MAX) };
    case 'bulk-group-memberships-upsert':
    case 'bulk-group-memberships-delete': {
      const memberships = listed(body.memberships).map((one) => ({
        group: idOf(one.groupExternalId, GROUP_ID_MAX),
        members: texts(one.memberExternalIds, GROUP_ID_MAX),
      }));
      if (memberships.reduce((sum, { members }) => sum + members.length, 0) > ENTITIES_MAX)
        throw new Refusal('more than 200 entities in one call');
      return { kind: verb.endsWith('upsert') ? 'members' : 'members-delete', memberships };
    }
    default:
      return null;
  }
}

function idOf(value: unknown, longest: number): string {
  if (typeof value !== 'string' || value === '' || value.length > longest)
    throw new Refusal('an id is no text, or too long');
  return value;
}

/** All attributes are texts, and lists are not supported [O1]. */
function entity(value: Json, whole: boolean): { readonly externalId: string; readonly profile: Profile } {
  const externalId = idOf(value.externalId, USER_ID_MAX);
  const { profile } = value;
  if (profile === null || typeof profile !== 'object' || Array.isArray(profile)) throw new Refusal('no profile');
  for (const [name, text] of Object.entries(profile)) {
    if (typeof text !== 'string') throw new Refusal(`${name} is no text`);
    const bounds = LENGTHS[name];
    if (bounds !== undefined && (text.length < bounds[0] || text.length > bounds[1]))
      throw new Refusal(`${name} has a wrong length`);
  }
  if (whole && !('userName' in profile && 'email' in profile)) throw new Refusal('userName and email are needed');
  return { externalId, profile: profile as Profile };
}

function group(value: Json): { readonly externalId: string; readonly name: string } {
  const { profile } = value;
  const name = (profile as { displayName?: unknown } | undefined)?.displayName;
  if (typeof name !== 'string' || name === '') throw new Refusal('a group needs a displayName');
  return { externalId: idOf(value.externalId, GROUP_ID_MAX), name };
}
