import { expect, test } from 'vitest';
import { oktaCampaign } from './okta-sessions.ts';

/** `npm run campaign:okta` asks for 10,000 and 500. */
const joiners = Number(process.env.ROLLCALL_OKTA_JOINERS ?? 450);
const leavers = Number(process.env.ROLLCALL_OKTA_LEAVERS ?? 15);

test(`${joiners} joiners and ${leavers} leavers go through Okta: no rule is broken, nobody is lost, and every leaver is read`, async () => {
  const result = await oktaCampaign({ joiners, leavers });
  if (process.env.ROLLCALL_OKTA_JOINERS !== undefined) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  expect(result.violations).toEqual([]);
  expect(result.joined.accounts).toBe(joiners);
  expect(result.left).toMatchObject({ deactivated: leavers, verified: leavers, sessions: 0 });
  expect(result.atWork).toBe(joiners - leavers);
  expect(result.deliveries).toEqual({ 'active/settled': joiners - leavers, 'left/settled': leavers });
  // What the limits say is kept to before anything is refused, but for what is under way when a window fills.
  expect(result.refusedByRate).toBeLessThan(result.requests / 100);
}, 3_600_000);
