// A company of which every name, address and secret is a planted word, with a chatty HR interface and chatty targets: they repeat in
// their errors whatever they were sent.
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeSigningKey } from '../../src/runtime/proof.ts';
import { type Company, company } from './cli.ts';
import type { LoggedRequest } from './fake-idp.ts';
import { Garden } from './planted.ts';

export interface Heard {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface PlantedCompany {
  readonly acme: Company;
  readonly garden: Garden;
  readonly secrets: Readonly<Record<'record' | 'emergency' | 'read' | 'http', string>>;
  /** Requests at the HR interface, the token endpoints and the receiver of alerts. */
  readonly heard: Heard[];
  /** Everybody of the file as they are, then with the faults of a bad day. */
  readonly feed: (day: 'good' | 'bad') => void;
  /** Fields of somebody the file does not know, as a webhook tells them. */
  readonly stranger: (id: string) => Readonly<Record<string, string>>;
  /** Passwords that the target was sent for new accounts. */
  readonly passwords: () => readonly string[];
}

const FILED = 30;
const ASKED = 6;
const HEADER = 'Id,Given,Family,Mail,Phone,Street,Title,Status,Start,End,Department';

const ACME = `
connection: acme
timeZone: UTC
source: { kind: file, path: people.csv, format: csv, schedule: "0 0 1 1 *", stableMs: 0 }
webhooks:
  - path: /hooks/records
    verify: { scheme: hmac, header: X-Signature, secrets: ["\${env:RECORD_SECRET}"] }
    record: body.record
    at: body.at
  - path: /hooks/emergency
    emergency: true
    verify: { scheme: hmac, header: X-Signature, secrets: ["\${env:EMERGENCY_SECRET}"] }
    worker: body.id
WORKER
targets:
  - name: idp
    kind: scim
    baseUrl: "\${env:CLI_TEST_URL}"
    auth: { kind: bearer, token: "\${env:CLI_TEST_TOKEN}" }
    correlate: [externalId]
USER
`;
const BETA = `
connection: beta
timeZone: UTC
source:
  kind: http
  baseUrl: "\${env:HR_URL}"
  auth: { kind: bearer, token: "\${env:HR_TOKEN}" }
  schedule: "0 0 1 1 *"
  list: { path: /people, recordPath: items }
WORKER
targets:
  - name: second
    kind: scim
    baseUrl: "\${env:SECOND_URL}"
    auth: { kind: oauth2, tokenUrl: "\${env:TOKEN_URL}", clientId: rollcall, method: client_secret_post, clientSecret: "\${env:CLIENT_SECRET}" }
    correlate: [externalId]
USER
`;
const GAMMA = `
connection: gamma
timeZone: UTC
source: { kind: file, path: few.csv, format: csv, schedule: "0 0 1 1 *", stableMs: 0 }
WORKER
targets:
  - name: third
    kind: scim
    baseUrl: "\${env:SECOND_URL}"
    auth: { kind: oauth2, tokenUrl: "\${env:CLOSED_URL}", clientId: rollcall, method: private_key_jwt, privateKey: "\${env:CLIENT_KEY}" }
    proxy: "\${env:PROXY}"
    correlate: [externalId]
USER
`;
const WORKER = `worker:
  id: record.Id
  status: 'lookup("status", record.Status)'
  startDate: date(record.Start, "yyyy-MM-dd")
  endDate: date(record.End, "yyyy-MM-dd")
  attributes:
    givenName: record.Given
    familyName: record.Family
    mail: record.Mail
    phone: record.Phone
    street: record.Street
    title: record.Title
    department: record.Department
tables:
  status: { A: active, T: terminated }`;
const USER = `    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      emails: [{ value: worker.mail, type: '"work"', primary: 'true' }]
      phoneNumbers: [{ value: worker.phone, type: '"work"' }]
      addresses: [{ streetAddress: worker.street, type: '"work"' }]
      title: worker.title
      password: { value: randomPassword(), apply: onCreate }
    groups:
      - { name: '"All staff"', create: true }`;

/** Its targets refuse two people, the interface fails once, one token endpoint refuses everybody: each with all it was sent. */
export async function plantedCompany(): Promise<PlantedCompany> {
  const garden = new Garden();
  const heard: Heard[] = [];
  const token = garden.secret('bearer token of the first target');
  const secrets = {
    record: garden.secret('secret of the webhook of records'),
    emergency: garden.secret('secret of the emergency webhook'),
    hr: garden.secret('token of the HR interface'),
    client: garden.secret('client secret'),
    access: garden.secret('access token'),
    proxy: garden.secret('password of the proxy'),
    read: garden.secret('token of the API'),
    act: garden.secret('token of the API for acts'),
    http: garden.secret('token of the server'),
    alerts: Buffer.from(garden.secret('secret of the alerts')).toString('base64'),
    mail: garden.secret('password of the mail server'),
    deadMan: garden.secret('address of the dead-man switch'),
  };
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  for (const [index, line] of privateKey.split('\n').slice(1, -2).entries())
    if (line.length > 20) garden.add(`line ${index + 1} of the private key of a client`, line, true);

  const refused = new Set<string>();
  const repeats = async ({ method, body, headers }: LoggedRequest) => {
    if (![...refused].some((name) => body.includes(name)) || method === 'GET') return null;
    const said = { detail: `${headers.authorization} sent ${body}`, scimType: [...refused][0] };
    return { kind: 'answer', status: 400, body: JSON.stringify(said) } as const;
  };
  const acme = await company({ token, liar: repeats });
  const second = await company({ token: secrets.access, liar: repeats });
  const people = (count: number, from: number, where: string) =>
    Array.from({ length: count }, (_, index) => {
      const id = String(from + index);
      const what = (part: string): string => `${part} of ${id} ${where}`;
      return {
        Id: id,
        Given: garden.name(what('given name')),
        Family: garden.name(what('family name')),
        Mail: `${garden.name(what('mail'))}@example.com`,
        Phone: garden.phone(what('phone')),
        Street: garden.name(what('street')),
        Title: garden.name(what('title')),
        Status: 'A',
        Start: '2020-01-01',
        End: '',
        Department: 'Sales',
      };
    });
  const filed = people(FILED, 100, 'in the file');
  const asked = people(ASKED, 300, 'at the interface');
  const few = people(2, 400, 'in the other file');
  const strangers = people(2, 500, 'in a webhook');
  refused.add(filed[3]?.Family ?? '').add(asked[2]?.Family ?? '');

  let failures = 1;
  const closed = new Set<string>();
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const path = request.url ?? '';
      heard.push({ path, headers: request.headers, body });
      const answer = (status: number, value: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      const echo = { error: `you sent ${body}`, error_description: JSON.stringify(request.headers), records: asked };
      if (path === '/people') {
        if (failures-- > 0) return answer(500, echo);
        return answer(200, { items: asked });
      }
      if (path === '/token') {
        return closed.has(path)
          ? answer(401, echo)
          : answer(200, { access_token: secrets.access, token_type: 'Bearer' });
      }
      return answer(path === '/alerts' ? 200 : 401, echo);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise<void>((done) => void server.close(() => done())));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = (mapping: string): string => mapping.replace('WORKER', WORKER).replace('USER', USER);
  acme.write('mappings/acme.yaml', text(ACME));
  acme.write('mappings/beta.yaml', text(BETA));
  acme.write('mappings/gamma.yaml', text(GAMMA));
  acme.write(
    'alerts.yaml',
    `webhook: { url: "${url}/alerts", secret: "\${env:ALERT_SECRET}" }
mail: { host: 127.0.0.1, port: 1, security: none, user: rollcall, password: "\${env:MAIL_PASSWORD}", from: a@example.com, to: [b@example.com] }
deadMan: { url: "\${env:DEAD_MAN}", everyMinutes: 1 }
`,
  );
  makeSigningKey(join(acme.dir, 'audit.pem'));
  Object.assign(acme.env, {
    CLI_TEST_TOKEN: token,
    RECORD_SECRET: secrets.record,
    EMERGENCY_SECRET: secrets.emergency,
    HR_URL: url,
    HR_TOKEN: secrets.hr,
    SECOND_URL: second.idp.url,
    TOKEN_URL: `${url}/token`,
    CLOSED_URL: `${url}/closed`,
    CLIENT_SECRET: secrets.client,
    CLIENT_KEY: privateKey,
    PROXY: `http://rollcall:${secrets.proxy}@127.0.0.1:1`,
    ROLLCALL_API_TOKEN: secrets.read,
    ROLLCALL_API_ACT_TOKEN: secrets.act,
    ROLLCALL_HTTP_TOKEN: secrets.http,
    ROLLCALL_ALERTS: join(acme.dir, 'alerts.yaml'),
    ROLLCALL_AUDIT_KEY: join(acme.dir, 'audit.pem'),
    ALERT_SECRET: `whsec_${secrets.alerts}`,
    MAIL_PASSWORD: secrets.mail,
    DEAD_MAN: `${url}/ping/${secrets.deadMan}`,
  });
  const csv = (rows: readonly object[]): string =>
    `${[HEADER, ...rows.map((one) => Object.values(one).join(','))].join('\n')}\n`;
  acme.write('mappings/few.csv', csv(few));
  return {
    acme,
    garden,
    secrets,
    heard,
    feed: (day) => {
      const rows = filed.map((one, index) => {
        if (day === 'good') return one;
        // A name in the place of a date, two rows of one key, a row with more cells than columns, a mover, a leaver.
        if (index === 5) return { ...one, Start: one.Family };
        if (index === 6) return { ...one, Extra: one.Street };
        if (index === 7) return { ...one, Id: filed[8]?.Id };
        if (index === 9) return { ...one, Title: garden.name('another title') };
        if (index === 10) return { ...one, Status: 'T', End: '2024-01-01' };
        return one;
      });
      acme.write('mappings/people.csv', csv(rows));
    },
    stranger: (id) => strangers.find((one) => one.Id === id) ?? {},
    passwords: () =>
      [...acme.idp.log, ...second.idp.log].flatMap(({ body }) => /"password":"([^"]+)"/.exec(body)?.[1] ?? []),
  };
}
