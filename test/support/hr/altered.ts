// A fake vendor of which a test bends single records: what the vendor's documentation says may come, and the plain story does not.
import type { PresetName } from '../../../src/mapping/presets/presets.ts';
import type { HrReply, HrRequest, VendorFake } from './fake-hr.ts';
import { VENDORS } from './vendors.ts';

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

/** @throws Error where no vendor has this name. */
export const vendorOf = (name: PresetName): VendorFake => {
  const found = VENDORS.find(({ preset }) => preset === name);
  if (found === undefined) throw new Error(`no fake of ${name}`);
  return found;
};

export type Change = (record: JsonObject) => Json;
/** Changes records that hold this member with this value. */
export const where =
  (member: string, value: Json, members: JsonObject): Change =>
  (record) =>
    record[member] === value ? { ...record, ...members } : record;

/** The job information of one employment at SuccessFactors. */
export const insideJob = (userId: string, members: JsonObject): Change =>
  where('userId', userId, { jobInfoNav: { results: [members] } });
/** Personio's first version wraps every value. */
export const ofPersonio = (member: string, value: Json): Change => {
  return (record) =>
    (record.id as JsonObject | undefined)?.value === 5 && record.hire_date !== undefined
      ? { ...record, [member]: { label: member, value, type: 'standard' } }
      : record;
};
export const job = { department: 'Sales', jobTitle: 'Clerk', managerId: '1-1' };
