import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { runDaemon } from '../../src/daemon.ts';
import { bamboohr } from '../support/hr/bamboohr.ts';
import { CROWD, openPresetDesk } from '../support/hr/preset-desk.ts';

test('a running daemon reads the whole list at once, and then only what its slots ask for', async () => {
  // No slot of the schedules comes by itself meanwhile.
  const yearly = { schedule: '0 0 1 1 *', 'changes.schedule': '0 0 1 1 *' };
  const { house, hr, stateDir, mappingsDir, live, clock } = await openPresetDesk({ ...bamboohr, source: yearly });
  const stop = new AbortController();
  const config = readConfig(
    { HR_URL: hr.url, IDP_URL: 'http://127.0.0.1:1/', IDP_TOKEN: 'x', ROLLCALL_HTTP_PORT: '0' },
    { mappings: mappingsDir, state: stateDir, logLevel: 'silent' },
  );
  const daemon = await runDaemon(house, config, stop.signal);
  const told: string[] = [];
  const heard = new Map<number, () => void>();
  daemon.onCycle((report) => {
    told.push(`${report.kind} ${report.rows}`);
    heard.get(told.length)?.();
  });
  const cycles = (count: number): Promise<void> =>
    new Promise((resolve) => (told.length >= count ? resolve() : void heard.set(count, resolve)));
  // The list, and another look that finds nothing more: changes come one after the other.
  await cycles(2);
  expect(told).toEqual([`done ${CROWD}`, 'nothing 0']);
  const asked = hr.log.length;

  // A ring without a slot asks for nothing.
  live.wake.ring();
  await cycles(3);
  expect(hr.log.length).toBe(asked);

  clock.advance(3_600_000);
  hr.world.people = hr.world.people.map((one) => (one.id === '4' ? { ...one, title: 'Head clerk' } : one));
  hr.world.changed.push({ id: '4', at: `${clock.now().slice(0, 19)}+00:00`, action: 'Updated' });
  live.source.slot?.('changes');
  live.wake.ring();
  await cycles(told.length + 1);
  while (!told.includes('done 1')) await cycles(told.length + 1);
  expect(hr.log.slice(asked).map(({ path }) => path)).toEqual(['/employees/changed', '/employees/4']);
  stop.abort();
  await daemon.stopped;
});
