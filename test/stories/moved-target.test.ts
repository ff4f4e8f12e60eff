// The base URL of a target is edited, or the variable that holds it is wrong: ids of the old endpoint name nobody at the new one, or
// somebody else. Nothing at all happens then, and the start says so.
import { expect, it, onTestFinished } from 'vitest';
import { startFakeIdp } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

it('a house whose target has another base URL does not open, and asks neither endpoint', async () => {
  // Endpoints number alike: under the id of a leaver there is somebody else.
  const users = crowd(30).map(({ id }, index) => ({
    id: `u-${index + 1}`,
    userName: `else${id}`,
    externalId: `x${id}`,
  }));
  const other = await startFakeIdp({ token: 'let-me-in', users: users as never });
  onTestFinished(() => other.close());
  const test = await openTestHouse({ environment: { OTHER_URL: other.url } });
  const people = crowd(30, (index) => (index === 3 ? { end: '2026-11-25' } : {}));
  await test.sync(feed(people));
  const asked = test.idp.log.length;
  await expect(test.restart(mappingText({ '{env:IDP_URL}': '{env:OTHER_URL}' }))).rejects.toMatchObject({
    faults: [{ code: 'target.moved' }],
  });
  expect([test.idp.log.length, other.log.length]).toEqual([asked, 0]);
});
