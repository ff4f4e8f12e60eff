// Complete people as a mapping would make them for a vendor.
import type { JsonObject } from '../../../../src/base/json.ts';
import type { AccountPayload } from '../../../../src/planning/changeset.ts';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Worker number `n`, complete enough for every vendor; `more` is added to their attributes. */
export function personOf(n: number, more: JsonObject = {}): AccountPayload {
  const userName = `worker.${n}@example.com`;
  return {
    userName,
    externalId: `W-${100_000 + n}`,
    active: true,
    attributes: {
      name: { givenName: 'Mira', familyName: `Okafor${n}` },
      displayName: `Mira Okafor${n}`,
      title: 'Field Engineer',
      emails: [{ value: userName, type: 'work', primary: true }],
      [ENTERPRISE]: { employeeNumber: `W-${100_000 + n}`, department: 'Field Ops' },
      ...more,
    },
    onCreateOnly: [],
    keepWhenBlank: [],
    managerKey: null,
  };
}
