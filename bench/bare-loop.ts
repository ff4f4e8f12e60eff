// The yardstick of delivery: a bare undici Pool.request loop that POSTs users, reads the answers and remembers nothing.
// argv: URL, requests, concurrency, label. Prints {"requests": …, "seconds": …, "perSecond": …}.
import { Pool } from 'undici';

const [url = '', requestsText = '20000', concurrencyText = '32', label = 'bare'] = process.argv.slice(2);
const requests = Number(requestsText);
const concurrency = Number(concurrencyText);
/** Requests before the clock starts: connections open, code compiled. */
const WARM_UP = 2_000;

const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: concurrency, pipelining: 1 });
const headers = {
  authorization: 'Bearer bench',
  'content-type': 'application/scim+json',
  accept: 'application/scim+json',
};

let next = 0;
async function lane(until: number): Promise<void> {
  while (next < until) {
    const number = next;
    next += 1;
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: `${pathname}/Users`,
      headers,
      body: userBody(number),
    });
    await body.text();
    if (statusCode !== 201) throw new Error(`the stub answered ${statusCode}`);
  }
}

/** A user as the bench's mapping makes one: about 700 bytes. */
function userBody(number: number): string {
  const userName = `${label}.vanlermidt${number}@example.com`;
  return JSON.stringify({
    schemas: [
      'urn:ietf:params:scim:schemas:core:2.0:User',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    ],
    externalId: `${label}-${number}`,
    userName,
    active: true,
    displayName: `Katarina Vanlermidt ${number}`,
    name: { givenName: 'Katarina', familyName: `Vanlermidt ${number}` },
    title: 'Senior Software Engineer',
    userType: 'Employee',
    emails: [{ value: userName, type: 'work', primary: true }],
    phoneNumbers: [{ value: '+49 30 555 1234', type: 'work' }],
    addresses: [
      { type: 'work', streetAddress: '12 Lindenstraße', locality: 'Berlin', postalCode: '10969', country: 'DE' },
    ],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
      employeeNumber: String(number),
      department: 'Product Engineering',
      division: 'Optics',
      costCenter: 'CC1037',
      organization: 'Example Instruments GmbH',
    },
  });
}

async function lanes(until: number): Promise<void> {
  await Promise.all(Array.from({ length: concurrency }, () => lane(until)));
}

await lanes(WARM_UP);
const started = performance.now();
await lanes(WARM_UP + requests);
const seconds = (performance.now() - started) / 1_000;
await pool.close();
console.log(JSON.stringify({ requests, seconds, perSecond: requests / seconds }));
