// What `plan --requests --json` prints is what the next sync sends, over random worlds.
import { expect, test } from 'vitest';
import { CaseMix } from '../support/case-mix.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { atDesk } from '../support/plan-desk.ts';
import { type Incident, type World, worldOf } from '../support/random-world.ts';
import { compared } from '../support/requests-compared.ts';

/** More worlds, or another range of them: ROLLCALL_PLAN_WORLDS=200 ROLLCALL_PLAN_SEED=5000. */
const WORLDS = Number(process.env.ROLLCALL_PLAN_WORLDS ?? 25);
const SEED = Number(process.env.ROLLCALL_PLAN_SEED ?? 1);
const BUDGET_MS = Math.max(60_000, WORLDS * 4_000);

const MET = [
  'joiner',
  'preboarding',
  'mover',
  'rename',
  'leaver',
  'future leaver',
  'rehire',
  'manager change',
  'manager blanked',
  'value blanked',
  'leave of absence',
  'unreadable row',
  'missing row',
  'held',
  'approved',
  'adoption',
  'delta',
  'another profile',
  'reference that follows',
  'moment that came',
  'same file',
  'requests',
] as const;

async function playWorld(seed: number, mix: CaseMix<(typeof MET)[number]>): Promise<readonly string[]> {
  const faults: string[] = [];
  const world: World = worldOf(seed);
  const house: TestHouse = await openTestHouse({
    mapping: world.mapping,
    ...(world.users.length === 0 ? {} : { idp: { users: world.users as never } }),
  });
  mix.count('delta', world.delta);
  mix.count('another profile', world.profile !== 'generic');
  for (const [index, step] of world.steps.entries()) {
    house.clock.advance(step.hours * 3_600_000);
    house.deliver(step.content, step.name);
    const plan = (await atDesk(house, ['plan', '--requests', '--json'])).json.connections[0];
    const before = house.idp.log.length;
    const report = await house.sync();
    const log = house.idp.log.slice(before).filter(({ path }) => !/^\/Users\?(startIndex|count|cursor)/.test(path));
    const told = plan.workers;
    const result = compared(house.idp, told, log);
    const where = `world ${seed}, delivery ${index} (${step.incidents.join(', ')}; ${world.profile}${world.delta ? ', delta' : ''}): ${report.reason}`;
    if (result.unsent.length + result.unsaid.length > 0) {
      faults.push(
        [
          where,
          ...result.unsent.map((line) => `  not sent: ${line}`),
          ...result.unsaid.map((line) => `  not said: ${line}`),
        ].join('\n'),
      );
      break;
    }
    for (const incident of step.incidents as readonly Incident[])
      if ((MET as readonly string[]).includes(incident)) mix.count(incident as (typeof MET)[number], true);
    mix.count('requests', result.lines > 0);
    mix.count('held', plan.holds.length > 0);
    mix.count(
      'adoption',
      plan.holds.some(({ kind }: { kind: string }) => kind === 'adoption'),
    );
    mix.count('reference that follows', result.followed + result.merged > 0);
    mix.count(
      'moment that came',
      told.some(({ cause }: { cause: string }) => cause === 'date'),
    );
    if (step.approves && (await house.approveAll()) > 0) {
      mix.count('approved', true);
      await house.settle();
    }
  }
  return faults;
}

test('what a plan prints is what the next cycle sends, request for request, in every random world', {
  timeout: BUDGET_MS,
}, async () => {
  const mix = new CaseMix(MET);
  // Every world is played: what they have in common tells more than the first.
  const faults: string[] = [];
  for (let seed = SEED; seed < SEED + WORLDS; seed += 1) faults.push(...(await playWorld(seed, mix)));
  expect(faults).toEqual([]);
  mix.expectEach(1);
});
