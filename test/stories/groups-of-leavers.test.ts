// A leaver of whom only the disable passes while another guard is tripped: the groups follow once the rest may go on.
import { expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

it('memberships that others gave in a group we own in full are taken at the next look, where only the disable passed', async () => {
  const test = await openTestHouse({
    mapping: `${mappingText()}      - { name: '"Admins"', when: worker.title == "Boss", authority: full, create: true }\n`,
  });
  const people = crowd(60, (index) => (index === 0 ? { title: 'Boss' } : {}));
  await test.sync(feed(people));
  const leaver = String(test.idp.user('1003')?.id);
  const admins = [...test.idp.groups.values()].find(({ displayName }) => displayName === 'Admins');
  expect(admins).toBeDefined();
  if (admins !== undefined) admins.members = [...(admins.members as { value: string }[]), { value: leaver }];
  expect(test.idp.members('Admins')).toContain(leaver);
  // Somebody leaves in the very delivery that changes a title of half the house.
  const left = people.map((one) => (one.id === '1003' ? { ...one, status: 'T', end: '2026-11-20' } : one));
  const report = await test.sync(feed(left.map((one, index) => (index > 30 ? { ...one, title: 'Chief' } : one))));
  expect(report.holds.map(({ kind }) => kind)).toContain('attributeChanged');
  expect(test.idp.user('1003')?.active).toBe(false);
  expect(test.idp.members('Admins'), 'only the disable passed').toContain(leaver);
  await test.sync(feed(left));
  expect(test.idp.members('Admins')).not.toContain(leaver);
  expect(test.idp.members('All staff')).not.toContain(leaver);
  const before = test.idp.writes().length;
  await test.sync(feed(left));
  expect(test.idp.writes().length, 'once').toBe(before);
});
