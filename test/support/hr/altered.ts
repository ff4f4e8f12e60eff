// A fake vendor of which a test bends single records: what the vendor's documentation says may come, and the plain story does not.
import type { HrReply, HrRequest, VendorFake } from './fake-hr.ts';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [member: string]: Json;
}

export interface Bent {
  readonly vendor: VendorFake;
  /** From now on each object of an answer, inner ones first, becomes what this makes of it; a list takes the place of one element. */
  bend: (change: ((record: JsonObject) => Json) | null) => void;
  /** From now on this is the answer to everything but the login. */
  answer: (reply: HrReply | null) => void;
}

export function bent(vendor: VendorFake): Bent {
  let change: ((record: JsonObject) => Json) | null = null;
  let instead: HrReply | null = null;
  const respond: VendorFake['respond'] = (request: HrRequest, world) => {
    const reply = vendor.respond(request, world);
    if (request.path === vendor.tokenPath) return reply;
    if (instead !== null) return instead;
    if (change === null || reply.body === undefined) return reply;
    return { ...reply, body: changed(JSON.parse(JSON.stringify(reply.body)) as Json, change) };
  };
  return {
    vendor: { ...vendor, respond },
    bend: (to) => {
      change = to;
    },
    answer: (to) => {
      instead = to;
    },
  };
}

function changed(value: Json, change: (record: JsonObject) => Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.flatMap((element) => changed(element, change));
  const inner = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, changed(member, change)]));
  return change(inner);
}
