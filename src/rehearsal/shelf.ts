// Users and groups of one rehearsed target. Built for a company of ten thousand: names are indexed, and members of a group are
// kept by their id, so that a change of one costs the same in a group of ten and in a group of all.
import type { JsonObject } from '../base/json.ts';
import { isObject, type Mutable, type PatchStep, patched, patchSteps, readFilter } from './scim-patch.ts';
import { ScimRefusal } from './scim-refusal.ts';

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export type Kind = 'Users' | 'Groups';

interface Member extends Mutable {
  readonly value: string;
}
interface Group {
  /** Without its members. */
  resource: Mutable;
  readonly members: Map<string, Member>;
}

/** Attributes by which a resource may be looked up, and how their values compare. */
const LOOKUPS: Readonly<Record<Kind, Readonly<Record<string, (value: string) => string>>>> = {
  Users: { userName: (value) => value.toLowerCase(), externalId: (value) => value },
  Groups: { displayName: (value) => value.toLowerCase(), externalId: (value) => value },
};
const UNIQUE: Readonly<Record<Kind, string>> = { Users: 'userName', Groups: 'displayName' };

export class Shelf {
  readonly #base: string;
  readonly #now: () => string;
  readonly #users = new Map<string, Mutable>();
  readonly #groups = new Map<string, Group>();
  /** `Users userName ada@example.com` → ids. */
  readonly #index = new Map<string, Set<string>>();
  #issued = 0;

  /** `base`: the URL below which resources stand; `now` dates them. */
  constructor(base: string, now: () => string) {
    this.#base = base;
    this.#now = now;
  }

  users(): readonly JsonObject[] {
    return [...this.#users.values()].map((user) => structuredClone(user) as JsonObject);
  }

  groups(): readonly JsonObject[] {
    return [...this.#groups.values()].map((group) => structuredClone(shown(group)) as JsonObject);
  }

  /** @throws ScimRefusal 404 */
  read(kind: Kind, id: string): Mutable {
    if (kind === 'Users') return this.#users.get(id) ?? missing(id);
    return shown(this.#group(id));
  }

  /** One page; `startIndex` counts from 1. @throws ScimRefusal for a filter by anything that is not looked up by. */
  list(
    kind: Kind,
    query: URLSearchParams,
    pageMax: number,
  ): { readonly page: readonly Mutable[]; readonly total: number } {
    const filter = query.get('filter');
    const ids =
      filter === null ? [...(kind === 'Users' ? this.#users : this.#groups).keys()] : this.#found(kind, filter);
    const start = Math.max(1, Number(query.get('startIndex') ?? 1));
    const count = Math.min(pageMax, Math.max(0, Number(query.get('count') ?? pageMax)));
    const bare = query.get('excludedAttributes') === 'members';
    const page = ids.slice(start - 1, start - 1 + count);
    return {
      page: page.map((id) => (kind === 'Groups' && bare ? this.#group(id).resource : this.read(kind, id))),
      total: ids.length,
    };
  }

  create(kind: Kind, body: unknown): Mutable {
    const content = this.#checked(kind, body, null);
    this.#issued += 1;
    const id = `${kind === 'Users' ? 'u' : 'g'}-${this.#issued}`;
    const at = this.#now();
    const meta = {
      resourceType: kind.slice(0, -1),
      created: at,
      lastModified: at,
      location: `${this.#base}/${kind}/${id}`,
    };
    return this.#keep(kind, id, { ...content, id, meta });
  }

  replace(kind: Kind, id: string, body: unknown): Mutable {
    const before = this.read(kind, id);
    const content = this.#checked(kind, body, id);
    return this.#keep(kind, id, { ...content, id, meta: { ...(before.meta as Mutable), lastModified: this.#now() } });
  }

  /** What it is afterwards; a group of which only members changed without them. */
  patch(kind: Kind, id: string, body: unknown): Mutable {
    const steps = patchSteps(body);
    if (kind === 'Users') {
      const user = this.#users.get(id) ?? missing(id);
      return this.replace(kind, id, patched(user, steps));
    }
    const group = this.#group(id);
    if (steps.every(({ path }) => path !== null && /^members\b/.test(path))) {
      this.#changeMembers(group, steps);
      group.resource.meta = { ...(group.resource.meta as Mutable), lastModified: this.#now() };
      return group.resource;
    }
    return this.replace(kind, id, patched(shown(group), steps));
  }

  delete(kind: Kind, id: string): void {
    const before = kind === 'Users' ? this.#users.get(id) : this.#groups.get(id)?.resource;
    if (before === undefined) missing(id);
    this.#unindex(kind, id, before);
    if (kind === 'Groups') {
      this.#groups.delete(id);
      return;
    }
    this.#users.delete(id);
    for (const group of this.#groups.values()) group.members.delete(id);
  }

  #group(id: string): Group {
    return this.#groups.get(id) ?? missing(id);
  }

  #found(kind: Kind, filter: string): string[] {
    const { attribute, value } = readFilter(filter);
    if (attribute === 'id')
      return (kind === 'Users' ? this.#users : this.#groups).has(String(value)) ? [String(value)] : [];
    const fold = LOOKUPS[kind][attribute];
    if (fold === undefined || typeof value !== 'string')
      throw new ScimRefusal(400, 'invalidFilter', `this endpoint does not look up by ${attribute}`);
    return [...(this.#index.get(`${kind} ${attribute} ${fold(value)}`) ?? [])];
  }

  /** What a client sent, without what only the endpoint writes. @throws ScimRefusal */
  #checked(kind: Kind, body: unknown, id: string | null): Mutable {
    const core = kind === 'Users' ? USER_SCHEMA : GROUP_SCHEMA;
    if (!isObject(body) || !Array.isArray(body.schemas) || !body.schemas.includes(core))
      throw new ScimRefusal(400, 'invalidSyntax', `schemas must hold ${core}`);
    const unique = UNIQUE[kind];
    const name = body[unique];
    if (typeof name !== 'string' || name === '') throw new ScimRefusal(400, 'invalidValue', `${unique} is required`);
    if (body.active !== undefined && typeof body.active !== 'boolean')
      throw new ScimRefusal(400, 'invalidValue', 'active is a boolean');
    const holders = this.#index.get(`${kind} ${unique} ${name.toLowerCase()}`) ?? new Set<string>();
    if ([...holders].some((other) => other !== id)) throw new ScimRefusal(409, 'uniqueness', `${unique} is taken`);
    for (const [key, part] of Object.entries(body)) {
      if (key.startsWith('urn:') && !body.schemas.includes(key))
        throw new ScimRefusal(400, 'invalidSyntax', `schemas does not hold ${key}`);
      const manager = key.startsWith('urn:') && isObject(part) ? part.manager : undefined;
      if (isObject(manager) && !this.#users.has(String(manager.value)))
        throw new ScimRefusal(400, 'invalidValue', 'the manager is no user here');
    }
    const { id: _, meta: __, password: ___, groups: ____, ...content } = body;
    return content;
  }

  #keep(kind: Kind, id: string, resource: Mutable): Mutable {
    const before = kind === 'Users' ? this.#users.get(id) : this.#groups.get(id)?.resource;
    if (kind === 'Groups') {
      const { members, ...rest } = resource;
      const group: Group = { resource: rest, members: new Map() };
      this.#addMembers(group, members ?? [], []);
      if (before !== undefined) this.#unindex(kind, id, before);
      this.#groups.set(id, group);
      this.#reindex(kind, id, rest);
      return shown(group);
    }
    if (before !== undefined) this.#unindex(kind, id, before);
    this.#users.set(id, resource);
    this.#reindex(kind, id, resource);
    return resource;
  }

  /** All steps or none: what was done before one that is refused is undone, since a copy of a group of all costs more than the step. */
  #changeMembers(group: Group, steps: readonly PatchStep[]): void {
    const undo: (() => void)[] = [];
    try {
      for (const step of steps) this.#changeMember(group, step, undo);
    } catch (error) {
      for (const back of undo.reverse()) back();
      throw error;
    }
  }

  #changeMember(group: Group, { op, path, value }: PatchStep, undo: (() => void)[]): void {
    const { members } = group;
    const remove = (id: string): boolean => {
      const member = members.get(id);
      if (member !== undefined) undo.push(() => members.set(id, member));
      return members.delete(id);
    };
    const filter = /^members\[(.*)\]$/s.exec(path ?? '')?.[1];
    if (filter !== undefined) {
      const { attribute, value: id } = readFilter(filter);
      if (op !== 'remove' || attribute !== 'value')
        throw new ScimRefusal(400, 'invalidPath', 'members are removed by their value');
      if (!remove(String(id))) throw new ScimRefusal(400, 'noTarget', 'no such member');
      return;
    }
    if (path !== 'members') throw new ScimRefusal(400, 'invalidPath', 'no such part of a member');
    if (op !== 'add') for (const id of [...members.keys()]) remove(id);
    if (op !== 'remove') this.#addMembers(group, value, undo);
  }

  #addMembers({ members }: Group, value: unknown, undo: (() => void)[]): void {
    for (const member of Array.isArray(value) ? value : [value]) {
      if (!isObject(member) || typeof member.value !== 'string')
        throw new ScimRefusal(400, 'invalidValue', 'a member has a value');
      const id = member.value;
      if (!this.#users.has(id)) throw new ScimRefusal(400, 'invalidValue', 'no such member');
      if (members.has(id)) continue;
      members.set(id, { ...member, value: id });
      undo.push(() => members.delete(id));
    }
  }

  #keys(kind: Kind, resource: Mutable): readonly string[] {
    return Object.entries(LOOKUPS[kind]).flatMap(([attribute, fold]) => {
      const value = resource[attribute];
      return typeof value === 'string' ? [`${kind} ${attribute} ${fold(value)}`] : [];
    });
  }

  #reindex(kind: Kind, id: string, resource: Mutable): void {
    for (const key of this.#keys(kind, resource)) {
      const ids = this.#index.get(key) ?? new Set();
      this.#index.set(key, ids.add(id));
    }
  }

  #unindex(kind: Kind, id: string, resource: Mutable): void {
    for (const key of this.#keys(kind, resource)) {
      const ids = this.#index.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#index.delete(key);
    }
  }
}

const shown = ({ resource, members }: Group): Mutable =>
  members.size === 0 ? resource : { ...resource, members: [...members.values()] };

function missing(id: string): never {
  throw new ScimRefusal(404, null, `there is no resource ${id}`);
}
