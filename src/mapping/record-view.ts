// How expressions see a record, a worker and an account. Views are Maps so that column names such as `constructor` are
// names and nothing else; one view is used for all records in turn.
import type { JsonValue } from '../base/json.ts';
import type { Employment } from '../worker/worker.ts';
import type { ListedAccount, RawRecord } from './bound-mapping.ts';
import { LIST_MAX, type Meter, NESTED_MAX } from './meter.ts';
import { Refusal } from './refusal.ts';

/**
 * A cell that holds this member stands for one that the source should have sent and did not, as if a right had been taken away. Whatever
 * reads it is refused: it must not read as blank, and who leaves by another cell still leaves.
 */
export const HIDDEN_CELL: JsonValue = { 'rollcall:hidden': true };
const HIDDEN_MEMBER = 'rollcall:hidden';

const NO_RECORD: RawRecord = Object.freeze(Object.create(null));

/**
 * Cells as text: JSON numbers and booleans as they are written, null and absent members as ''. Objects and lists keep
 * their shape, with text in their leaves. (Digits beyond 2^53 were lost when the JSON was parsed: ids belong in quotes.)
 */
export class RecordView extends Map<string, unknown> {
  raw: RawRecord = NO_RECORD;
  private readonly meter: Meter;
  private readonly columns: ReadonlySet<string> | null;

  /** @param columns those of the feed: they exist in every record. Null when the feed is not known yet. */
  constructor(meter: Meter, columns: ReadonlySet<string> | null) {
    super();
    this.meter = meter;
    this.columns = columns;
  }

  override get(column: string): unknown {
    const cell = this.raw[column];
    if (typeof cell === 'string') {
      this.meter.text(cell.length);
      return cell;
    }
    if (cell === undefined) return this.columns === null || this.columns.has(column) ? '' : undefined;
    if (cell !== null && typeof cell === 'object' && HIDDEN_MEMBER in cell) throw hidden();
    return presented(cell, this.meter, { left: NESTED_MAX });
  }
}

const hidden = (): Refusal =>
  new Refusal(
    'hidden',
    'is missing here although every record of the last list had it: look at the rights of our credentials',
  );

/** JSON as expressions see it: text in the leaves, Maps for objects. @throws Refusal beyond the bounds. */
export function presented(value: JsonValue | undefined, meter: Meter, budget: { left: number }): unknown {
  budget.left -= 1;
  if (budget.left < 0) throw new Refusal('too-long', `a nested value has more than ${NESTED_MAX} members`);
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') {
    meter.text(value.length);
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  meter.charge(4);
  if (Array.isArray(value)) {
    if (value.length > LIST_MAX) throw new Refusal('too-long', `a list has more than ${LIST_MAX} elements`);
    return value.map((element) => presented(element, meter, budget));
  }
  if (typeof value !== 'object') return '';
  const members = new Map<string, unknown>();
  for (const [key, member] of Object.entries(value)) members.set(key, presented(member, meter, budget));
  return members;
}

/** CEL types of `worker`'s own members, next to its attributes. */
export const WORKER_MEMBERS = {
  key: 'string',
  id: 'string',
  personId: 'string',
  status: 'string',
  startDate: 'string',
  endDate: 'string',
  endsNow: 'bool',
  timeZone: 'string',
  managerId: 'string',
} as const;

/** CEL type of each attribute, from the expression that makes it. */
export type AttributeTypes = ReadonlyMap<string, string>;

export class AttributesView extends Map<string, unknown> {
  attributes: Employment['attributes'] = {};
  private readonly meter: Meter;
  private readonly types: AttributeTypes;

  constructor(meter: Meter, types: AttributeTypes) {
    super();
    this.meter = meter;
    this.types = types;
  }

  override get(name: string): unknown {
    const value = Object.hasOwn(this.attributes, name) ? this.attributes[name] : undefined;
    if (typeof value === 'string') {
      this.meter.text(value.length);
      return value;
    }
    const type = this.types.get(name);
    if (value === undefined) return type === 'string' || type === 'dyn' ? '' : type === 'list<string>' ? [] : undefined;
    if (typeof value === 'number') return type === 'int' && Number.isSafeInteger(value) ? BigInt(value) : value;
    return this.meter.value(value);
  }
}

/** `worker.type` stands for `worker.attributes.type`; dates that are not there are ''. */
export class WorkerView extends Map<string, unknown> {
  readonly attributes: AttributesView;
  private employment: Employment | null = null;
  private key = '';

  constructor(meter: Meter, types: AttributeTypes) {
    super();
    this.attributes = new AttributesView(meter, types);
  }

  show(employment: Employment, key: string): this {
    this.employment = employment;
    this.attributes.attributes = employment.attributes;
    this.key = key;
    return this;
  }

  override get(name: string): unknown {
    if (name === 'attributes') return this.attributes;
    if (name === 'key') return this.key;
    if (!Object.hasOwn(WORKER_MEMBERS, name)) return this.attributes.get(name);
    return this.employment?.[name as Exclude<keyof typeof WORKER_MEMBERS, 'key'>] ?? '';
  }
}

export const ACCOUNT_MEMBERS = { userName: 'string', id: 'string', externalId: 'string', active: 'bool' } as const;

export class AccountView extends Map<string, unknown> {
  account: ListedAccount | null = null;

  override get(name: string): unknown {
    switch (name) {
      case 'id':
        return this.account?.remoteId ?? '';
      case 'userName':
        return this.account?.userName ?? '';
      case 'externalId':
        return this.account?.externalId ?? '';
      case 'active':
        return this.account?.active ?? false;
      default:
        return undefined;
    }
  }
}
