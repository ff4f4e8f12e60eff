// Changing one account in the way its endpoint knows: PATCH of what differs, or GET, overlay and PUT (design section 4).
import type { JsonObject } from '../../base/json.ts';
import { unreadable } from './correlate.ts';
import type { Answer } from './exchange.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { overlaid } from './overlay.ts';
import type { PatchOperation } from './patch.ts';
import { readById } from './read-account.ts';
import { patchUser, putUser } from './requests.ts';
import type { Ways } from './ways.ts';

export interface WriteBase {
  /** Tag of the resource that the changes were taken from; null sends no If-Match. */
  readonly etag: string | null;
  /** The resource as it was just read, where it was. */
  readonly resource: JsonObject | null;
}

const FRESH: WriteBase = { etag: null, resource: null };

/** Statuses that say an endpoint has no such way of writing: nothing was applied. */
const NO_SUCH_WAY = [405, 501];
const hasNoWay = ({ outcome }: Answer): boolean => NO_SUCH_WAY.includes(outcome.status ?? 0);

/**
 * The answer to the last request. One that failed after others had worked is in doubt: the next try looks first. `tags` false
 * sends no If-Match: a disable wins over whatever happened meanwhile. Where the endpoint itself was to say how it is written to,
 * and does not know the way that it named, the other one is tried.
 */
export async function writeUser(
  id: string,
  operations: readonly PatchOperation[],
  ways: Ways,
  base: WriteBase = FRESH,
  tags = true,
): Promise<Answer> {
  const { update, ifMatch } = ways.capabilities();
  const tagged = tags && ifMatch;
  const by = { put, patch };
  const first = await by[update](id, operations, ways, base, tagged);
  if (ways.profile.update !== 'discovered' || !hasNoWay(first)) return first;
  const other = update === 'put' ? 'patch' : 'put';
  const second = await by[other](id, operations, ways, other === 'put' ? FRESH : base, tagged);
  if (hasNoWay(second)) return { ...second, outcome: concluded(second.outcome, NO_WAY) };
  if (update === 'put') ways.cannotPut();
  else ways.cannotPatch();
  return second;
}

const NO_WAY = {
  class: 'permanent',
  code: 'no-way-to-write',
  detail: 'the endpoint knows neither PATCH nor PUT of a user: nobody can be changed or disabled there',
} as const;

async function patch(
  id: string,
  operations: readonly PatchOperation[],
  ways: Ways,
  base: WriteBase,
  tags: boolean,
): Promise<Answer> {
  const most = ways.profile.patch.maxOperations ?? operations.length;
  let etag = tags ? base.etag : null;
  let answer: Answer | null = null;
  for (let from = 0; from < operations.length; from += most) {
    const { patchForm } = ways.capabilities();
    const next = await ways.exchange(patchUser(id, operations.slice(from, from + most), etag, patchForm));
    answer = next;
    if (next.outcome.class !== 'done') {
      const half = from > 0 && next.outcome.class === 'retry';
      return half ? { ...next, outcome: concluded(next.outcome, { class: 'ambiguous' }) } : next;
    }
    etag = tags ? next.etag : null;
  }
  return answer ?? nothingSent();
}

async function put(
  id: string,
  operations: readonly PatchOperation[],
  ways: Ways,
  base: WriteBase,
  tags: boolean,
): Promise<Answer> {
  if (base.resource === null) {
    const there = await readById(ways, id);
    // Not read is not written: what the GET says holds for the change, and nothing took effect.
    if (there.outcome.class !== 'done') return there;
    if (there.body === null) return { ...there, outcome: unreadable(there.outcome) };
    return put(id, operations, ways, { resource: there.body, etag: there.etag }, tags);
  }
  const { readOnly } = ways.capabilities();
  const wanted = overlaid(withoutReadOnly(base.resource, readOnly), operations, ways.profile.putMerges);
  return ways.exchange(putUser(id, wanted, tags ? base.etag : null));
}

/** Written by the endpoint alone, whatever a client sends (RFC 7643 section 3.1); some refuse to be sent them. */
const ALWAYS_READ_ONLY = ['meta', 'groups'];
/** Never left out of a PUT, whatever the endpoint says of them: what is left out may be reset, and an account be active again. */
const ALWAYS_SENT = ['id', 'schemas', 'username', 'externalid', 'active'];

function withoutReadOnly(resource: JsonObject, readOnly: readonly string[]): JsonObject {
  const left = new Set([...ALWAYS_READ_ONLY, ...readOnly.filter((name) => !ALWAYS_SENT.includes(name))]);
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !left.has(name.toLowerCase())));
}

const nothingSent = (): Answer => ({ outcome: NOTHING_SENT, body: null, etag: null, location: null });
