// The campaign of a day at Entra's limits, small: the same rules with fewer people and fewer calls.
import { describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/base/instant.ts';
import { at, playWorld, type WorldOptions } from './entra-world.ts';

const SMALL: WorldOptions = {
  people: 2_100,
  dailyCalls: 40,
  reservedCalls: 10,
  waves: 5,
  leaversInWave: 3,
  waveEveryMs: at(3),
  forMs: at(34),
};
const FEW: WorldOptions = { ...SMALL, people: 300, waves: 2, leaversInWave: 2, waveEveryMs: at(2), forMs: at(12) };

test('a day with more changes than calls breaks no limit, keeps leavers in their reserve, and loses nobody', async () => {
  const world = await playWorld(SMALL);
  expect(world.refusedCalls).toBe(0);
  // 2,100 people are 42 calls; 30 of a day are everybody's.
  expect(world.ordinaryCallsInDay).toBe(30);
  expect(world.leavers).toBe(15);
  expect(world.leaverUploadSeconds.worst).toBeLessThanOrEqual(10);
  expect(world.alarms.get('target.delayed')).toContain('quota-spent');
  const middle = world.checkpoints.find(({ hour }) => hour === 20);
  expect((middle?.confirmed ?? 0) + (middle?.waiting ?? 0)).toBe(2_100 + 15);
  expect(middle?.waiting).toBeGreaterThan(100);
  expect(world).toMatchObject({ lost: [], doubled: [], confirmed: 2_115, open: [], openAlarms: [], auditOk: true });
});

describe('what goes wrong at Microsoft', () => {
  test('a log that lags by 90 minutes makes nobody be sent twice, and leavers are confirmed by reading them', async () => {
    const world = await playWorld({ ...FEW, logAfterMs: 90 * MINUTE_MS });
    expect(world).toMatchObject({ lost: [], doubled: [], confirmed: 304, open: [], refusedCalls: 0 });
    expect([...world.alarms]).toEqual([]);
  });

  test('a quarantine holds uploads, is alarmed with its reason, and loses nobody once it is over', async () => {
    const world = await playWorld({
      ...FEW,
      events: [
        {
          atMs: at(1),
          act: ({ directory }) => directory.quarantined('EncounteredQuarantineException', 'the credentials are bad'),
        },
        { atMs: at(5), act: ({ directory }, nowMs) => directory.resume(nowMs) },
      ],
    });
    expect(world.alarms.get('target.stalled')).toContain('EncounteredQuarantineException');
    expect(world).toMatchObject({ lost: [], doubled: [], confirmed: 304, open: [], openAlarms: [] });
    expect(world.leaverUploadSeconds.worst).toBeGreaterThan(3_600);
  });

  test('a job that is paused takes no upload, is alarmed, and goes on where it stopped', async () => {
    const world = await playWorld({
      ...FEW,
      events: [
        { atMs: 0, act: ({ directory }) => directory.pause() },
        { atMs: at(3), act: ({ directory }, nowMs) => directory.resume(nowMs) },
      ],
    });
    expect(world.alarms.get('target.stalled')).toContain('Paused');
    expect(world).toMatchObject({ lost: [], doubled: [], open: [], openAlarms: [] });
  });

  test('a restart that purges what was uploaded is noticed by the deadline, alarmed, and everybody is sent again', async () => {
    const world = await playWorld({
      ...FEW,
      events: [{ atMs: 30_000, act: ({ directory }, nowMs) => directory.restart(nowMs) }],
    });
    expect(world.purged).toBeGreaterThan(200);
    expect(world.alarms.has('delivery.unconfirmed')).toBe(true);
    expect(world).toMatchObject({ lost: [], open: [], openAlarms: [], refusedCalls: 0 });
    expect(world.uploadedRecords).toBe(300 + world.purged + world.leavers);
  });
});
