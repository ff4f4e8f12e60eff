// The campaign of a day at Entra's limits (`npm run campaign:entra -- --people 120000 --calls 2000`): more changed records than the
// tenant's calls of a day carry, leavers all day long, in held time; then what goes wrong at Microsoft, each with fewer people.
import { parseArgs } from 'node:util';
import { MINUTE_MS } from '../../src/base/instant.ts';
import { at, playWorld, type WorldOptions, type WorldResult } from './entra-world.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '120000' },
    calls: { type: 'string', default: '2000' },
    reserve: { type: 'string', default: '200' },
    leavers: { type: 'string', default: '20' },
    few: { type: 'string', default: '5000' },
  },
});
const [people, calls, reserve, leavers, few] = [
  values.people,
  values.calls,
  values.reserve,
  values.leavers,
  values.few,
].map(Number);
let failed = false;
const judged = (what: string, good: boolean): void => {
  failed ||= !good;
  console.log(`${good ? 'kept  ' : 'BROKEN'} ${what}`);
};

const DAY: WorldOptions = {
  people: people ?? 0,
  dailyCalls: calls ?? 0,
  reservedCalls: reserve ?? 0,
  waves: 20,
  leaversInWave: leavers ?? 0,
  waveEveryMs: at(1),
  forMs: at(36),
  tell: (line) => console.log(line),
};

function judgeAlways(world: WorldResult, expected: number): void {
  judged(`${world.refusedCalls} of ${world.calls} calls were beyond a limit`, world.refusedCalls === 0);
  judged(`${world.lost.length} people are not as they should be, without anybody seeing it`, world.lost.length === 0);
  judged(`${world.doubled.length} people were sent twice`, world.doubled.length === 0 || world.purged > 0);
  judged(
    `${world.confirmed} of ${expected} changes are confirmed, open: ${world.open.join(', ') || 'none'}`,
    world.confirmed === expected && world.open.length === 0,
  );
  judged(
    `the audit holds, open alarms: ${world.openAlarms.join(', ') || 'none'}`,
    world.auditOk && world.openAlarms.length === 0,
  );
}

console.log(`a day of ${people} changed records at ${calls} calls`);
const started = process.hrtime.bigint();
const day = await playWorld(DAY);
judgeAlways(day, (people ?? 0) + day.leavers);
judged(
  `${day.ordinaryCallsInDay} calls without leavers in 24 hours, ${(calls ?? 0) - (reserve ?? 0)} are everybody's`,
  day.ordinaryCallsInDay <= (calls ?? 0) - (reserve ?? 0),
);
judged(
  `${day.leavers} leavers were uploaded after ${day.leaverUploadSeconds.p50} s (median), ${day.leaverUploadSeconds.worst} s at worst`,
  day.leaverUploadSeconds.worst <= 10,
);
judged('the spent calls of the day were alarmed', (day.alarms.get('target.delayed') ?? '').includes('quota-spent'));
console.log(`it took ${Number((process.hrtime.bigint() - started) / 1_000_000_000n)} s`);

const SCENES: readonly (readonly [string, Partial<WorldOptions>, string | null])[] = [
  ['a log that lags by 90 minutes', { logAfterMs: 90 * MINUTE_MS }, null],
  [
    'a quarantine of four hours',
    {
      events: [
        {
          atMs: at(1),
          act: ({ directory }) => directory.quarantined('EncounteredQuarantineException', 'bad credentials'),
        },
        { atMs: at(5), act: ({ directory }, nowMs) => directory.resume(nowMs) },
      ],
    },
    'target.stalled',
  ],
  [
    'a job that is paused for three hours',
    {
      events: [
        { atMs: 0, act: ({ directory }) => directory.pause() },
        { atMs: at(3), act: ({ directory }, nowMs) => directory.resume(nowMs) },
      ],
    },
    'target.stalled',
  ],
  [
    'a restart that purges uploads',
    { events: [{ atMs: 30_000, act: ({ directory }, nowMs) => directory.restart(nowMs) }] },
    'delivery.unconfirmed',
  ],
];
for (const [name, change, alarm] of SCENES) {
  console.log(name);
  const { tell: _, ...quiet } = DAY;
  const world = await playWorld({ ...quiet, people: few ?? 0, waves: 3, waveEveryMs: at(2), forMs: at(14), ...change });
  judgeAlways(world, (few ?? 0) + world.leavers);
  if (alarm !== null) judged(`alarmed: ${world.alarms.get(alarm) ?? 'nothing'}`, world.alarms.has(alarm));
  else
    judged(
      `nobody was alarmed without need: ${[...world.alarms.keys()].join(', ') || 'nothing'}`,
      world.alarms.size === 0,
    );
}
process.exitCode = failed ? 1 : 0;
