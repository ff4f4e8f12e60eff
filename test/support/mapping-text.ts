/** The connection most stories use; `more` is appended, `replace` swaps lines. */
export const mappingText = (replace: Readonly<Record<string, string>> = {}): string => {
  let text = `connection: acme
timeZone: Europe/Berlin
source: { kind: file, path: workers.csv, stableMs: 0 }
worker:
  id: record.ID
  status: 'lookup("status", record.Status)'
  startDate: date(record.Start, "yyyy-MM-dd")
  endDate: date(record.End, "yyyy-MM-dd")
  managerId: record.Manager
  attributes:
    givenName: record.First
    familyName: record.Last
    department: record.Dept
    title: record.Title
tables:
  status: { A: active, L: leave, T: terminated, P: expected }
targets:
  - name: idp
    kind: scim
    baseUrl: "\${env:IDP_URL}"
    auth: { kind: bearer, token: "\${env:IDP_TOKEN}" }
    limits: { concurrency: 8, perSecond: null }
    correlate: [externalId, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber']
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      title: worker.title
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
        employeeNumber: worker.id
        department: worker.department
    groups:
      - { name: '"All staff"', authority: full, create: true }
`;
  for (const [from, to] of Object.entries(replace)) {
    if (!text.includes(from)) throw new Error(`the mapping has no ${from}`);
    text = text.replace(from, to);
  }
  return text;
};
