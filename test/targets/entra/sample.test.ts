// Microsoft's sample feed, made into upload bodies by the template that is shipped, against Microsoft's own sample bodies
// (https://github.com/AzureAD/entra-id-inbound-provisioning, MIT).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../../src/base/instant.ts';
import type { JsonObject, JsonValue } from '../../../src/base/json.ts';
import type { RawRecord } from '../../../src/mapping/bound-mapping.ts';
import type { AccountPayload } from '../../../src/planning/changeset.ts';
import { bulkBody, OPERATIONS_MAX } from '../../../src/targets/entra/bulk.ts';
import { uploadRecord } from '../../../src/targets/entra/record.ts';
import { bound } from '../../support/mappings.ts';
import { noAccount, operation } from '../../support/scim-desk.ts';

const file = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
const NOW = instantOf('2026-11-22T09:00:00Z');
const RULES = { matching: 'externalId', flowNull: false };

const rows: readonly Record<string, string>[] = parse(file('mappings/examples/data/entra/csv-with-1000-records.csv'), {
  columns: true,
});

interface Body {
  readonly schemas: readonly string[];
  readonly Operations: readonly {
    readonly method: string;
    readonly bulkId: string;
    readonly path: string;
    readonly data: JsonObject;
  }[];
  readonly failOnErrors: null;
}

function bodies(): readonly Body[] {
  const mapping = bound(file('mappings/templates/entra-bulk.yaml'), Object.keys(rows[0] ?? {}));
  const [target] = mapping.targets;
  if (target === undefined) throw new Error('the template has a target');
  const loads = rows.map((row, index) => {
    const mapped = mapping.toEmployment(row as RawRecord, { record: index + 1 }, NOW);
    if (mapped.kind !== 'employment') throw new Error(`row ${index + 1} was ${JSON.stringify(mapped)}`);
    const { employment } = mapped;
    const desired = target.desired({ key: employment.personId, employments: [employment] }, employment, null);
    const payload: AccountPayload = {
      userName: desired.userNames.at(0) ?? '',
      externalId: desired.externalId,
      active: row.WorkerStatus === 'Active',
      attributes: desired.attributes,
      onCreateOnly: desired.onCreateOnly,
      keepWhenBlank: desired.keepWhenBlank,
      managerKey: desired.managerKey,
    };
    const one = operation('create', payload, noAccount(payload), {
      id: index + 1,
      managerRemoteId: desired.managerKey === '' ? null : desired.managerKey,
    });
    return { operation: one, record: uploadRecord(one, RULES) };
  });
  const texts: string[] = [];
  for (let from = 0; from < loads.length; from += OPERATIONS_MAX)
    texts.push(bulkBody(loads.slice(from, from + OPERATIONS_MAX)));
  return texts.map((text) => JSON.parse(text) as Body);
}

/** Paths of a record's fields with the type of what stands there; attribute names without case (RFC 7643 section 2.1). */
function fieldsOf(value: JsonValue, prefix = ''): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (Array.isArray(value)) {
    fields.set(prefix, 'list');
    for (const element of value)
      if (element !== null && typeof element === 'object')
        for (const [path, type] of fieldsOf(element, `${prefix}[]`)) fields.set(path, type);
  } else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value as JsonObject))
      for (const [path, type] of fieldsOf(
        member,
        prefix === '' ? name.toLowerCase() : `${prefix}/${name.toLowerCase()}`,
      ))
        fields.set(path, type);
  } else fields.set(prefix, value === null ? 'null' : typeof value);
  return fields;
}

const samples = ['Extended-SCIM-bulk-request-Core+Enterprise.json', 'Sample-CSV-2-SCIM-payload.json'].map(
  (name) => JSON.parse(file(`test/fixtures/entra/${name}`)) as Body,
);
const CSV = 'urn:ietf:params:scim:schemas:extension:csv:1.0:user';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user';

/** What Microsoft's sample bodies have and ours do not, each with its reason. */
const NOT_SENT: Readonly<Record<string, string>> = {
  id: 'an id of somebody’s own is no id there: the service finds accounts by the matching attribute',
  resourcetype: 'no attribute of a SCIM user',
  'name/formatted': 'the sample feed has no such column',
  'name/middlename': 'the sample feed has no such column',
  'name/honorificprefix': 'the sample feed has no such column',
  'name/honorificsuffix': 'the sample feed has no such column',
  nickname: 'the sample feed has no such column',
  'addresses[]/region': 'the sample feed has no such column',
  'addresses[]/formatted': 'the sample feed has no such column',
  'addresses[]/primary': 'there is one address',
  preferredlanguage: 'the sample feed has no such column',
  locale: 'the sample feed has no such column',
  timezone: 'the sample feed has no such column',
  [`${ENTERPRISE}/manager/$ref`]: 'the service resolves the manager by value',
  [`${ENTERPRISE}/manager/displayname`]: 'the service resolves the manager by value',
};

describe('Microsoft’s sample feed as uploads', () => {
  const all = bodies();
  const ours = all.flatMap(({ Operations }) => Operations);

  it('are 20 calls of 50 records in the envelope of Microsoft’s samples', () => {
    expect(all.map(({ Operations }) => Operations.length)).toEqual(Array.from({ length: 20 }, () => 50));
    for (const sample of samples) {
      expect(Object.keys(all[0] ?? {})).toEqual(Object.keys(sample));
      expect(all[0]?.schemas).toEqual(sample.schemas);
      expect(all[0]?.failOnErrors).toBe(sample.failOnErrors);
      expect(Object.keys(ours[0] ?? {})).toEqual(Object.keys(sample.Operations[0] ?? {}));
      expect(
        sample.Operations.every(
          ({ method, path }) => method === ours[0]?.method && path.toLowerCase() === ours[0]?.path.toLowerCase(),
        ),
      ).toBe(true);
    }
    expect(new Set(all.map(({ Operations }) => new Set(Operations.map(({ bulkId }) => bulkId)).size))).toEqual(
      new Set([50]),
    );
  });

  it('have no field that Microsoft’s samples do not have, and each is of the same type', () => {
    const theirs = new Map(samples.flatMap(({ Operations }) => Operations.flatMap(({ data }) => [...fieldsOf(data)])));
    const made = new Map(ours.flatMap(({ data }) => [...fieldsOf(data)]));
    expect([...made].filter(([path, type]) => theirs.get(path) !== type)).toEqual([]);
    expect(made.size).toBeGreaterThan(25);
  });

  it('leave out nothing of Microsoft’s samples but what is explained', () => {
    const made = new Set(ours.flatMap(({ data }) => [...fieldsOf(data).keys()]));
    const missing = samples
      .flatMap(({ Operations }) => Operations.flatMap(({ data }) => [...fieldsOf(data).keys()]))
      .filter((path) => !made.has(path) && !path.startsWith(`${CSV}/`) && !path.includes('extension:sap:'));
    expect([...new Set(missing)].toSorted()).toEqual(Object.keys(NOT_SENT).toSorted());
  });

  it('carry in every record the matching value, active, and the row’s own values', () => {
    expect(ours).toHaveLength(rows.length);
    for (const [index, { data }] of ours.entries()) {
      const row = rows[index] ?? {};
      expect(data).toMatchObject({
        externalId: row.WorkerID,
        active: row.WorkerStatus === 'Active',
        displayName: row.FullName,
        title: row.JobTitle,
      });
      const manager = (data[Object.keys(data).find((name) => name.toLowerCase() === ENTERPRISE) ?? ''] as JsonObject)
        .manager;
      expect(manager).toEqual(
        row.ManagerID === row.WorkerID || row.ManagerID === '' ? undefined : { value: row.ManagerID },
      );
      expect((data.schemas as readonly string[]).map((urn) => urn.toLowerCase())).toContain(CSV);
    }
  });

  it('say a custom attribute under its URN as the sample does', () => {
    const data: JsonObject = samples[1]?.Operations[0]?.data ?? {};
    const urn = 'urn:ietf:params:scim:schemas:extension:csv:1.0:User';
    const theirs = data[urn] as JsonObject;
    const made = ours[0]?.data[urn] as JsonObject;
    expect(Object.keys(made).filter((name) => theirs[name] === undefined)).toEqual([]);
    expect(data.schemas).toContain(urn);
  });
});
