// Orders for somebody at a moment when a target cannot say who is there.
import { expect, test } from 'vitest';
import type { Doorman } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const refusal = (status: number, scimType: string) => ({
  status,
  body: JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    scimType,
  }),
});

test('an order for somebody of whom the target does not say whether they have an account is answered, not a bug', async () => {
  let down = false;
  const doorman: Doorman = (asked, ask) => {
    if (asked.method !== 'GET' || !/^\/Users(\?|$)/.test(asked.path)) return ask(asked);
    const filter = new URLSearchParams(asked.path.split('?')[1] ?? '').get('filter');
    if (filter === null) return refusal(400, 'tooMany');
    if (down) return refusal(403, '');
    return filter.startsWith('userName eq ') ? ask(asked) : refusal(400, 'invalidFilter');
  };
  const mapping = mappingText({
    '    kind: scim\n': '    kind: scim\n    profile: google\n',
    "    correlate: [externalId, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber']\n":
      '    correlate: [userName]\n',
    'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")': 'worker.id + "@example.com"',
  });
  const house = await openTestHouse({ mapping, idp: { doorman } });
  await house.sync(feed([...crowd(3), { id: '2000', start: '2027-03-01' }]));
  expect(await house.stage('2000')).toBe('expected/settled');
  down = true;
  const result = await house.act('leave', { worker: '2000' });
  expect(result.ok).toBe(true);
  expect(await house.stage('2000')).toBe('left/settled');
  // Taking it back would be judged as well: the one who asks hears why it cannot be yet.
  expect(await house.act('lift', { worker: '2000' })).toMatchObject({
    ok: false,
    faults: [{ code: 'act.unanswered' }],
  });
  down = false;
  await house.settle(60_000);
  // The order stands: their first day makes nobody an account.
  house.clock.advance(110 * 86_400_000);
  await house.sync(feed([...crowd(3), { id: '2000', start: '2027-03-01' }]));
  expect(house.idp.user('2000')).toBeUndefined();
});
