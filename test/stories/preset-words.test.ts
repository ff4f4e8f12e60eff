// Words of the status by which vendors mislead: on leave is no leave, and a word that nobody knows decides nothing.
import { describe, expect, it } from 'vitest';
import type { PresetName } from '../../src/mapping/presets/presets.ts';
import { bent, type Change, insideJob, job, ofPersonio, vendorOf, where } from '../support/hr/altered.ts';
import { openPresetDesk } from '../support/hr/preset-desk.ts';

describe('words of the status', () => {
  const leaves: readonly (readonly [PresetName, Change])[] = [
    ['workday-raas', where('Worker_ID', '5', { On_Leave: '1' })],
    ['successfactors', insideJob('5-1', { ...job, emplStatusNav: { externalCode: 'U' } })],
    ['finch', where('source_id', '1005', { employment_status: 'leave' })],
    ['personio-v1', ofPersonio('status', 'leave')],
    ['personio-v2', where('id', 'e-5', { status: 'LEAVE' })],
    ['adp', where('associateOID', '5', { workerStatus: { statusCode: { codeValue: 'Leave' } } })],
  ];

  it.each(leaves)('%s: whoever is on leave keeps their account', async (name, change) => {
    const { vendor, bend } = bent(vendorOf(name));
    const { idp, read, settle, stage } = await openPresetDesk(vendor);
    await read();
    await settle();
    bend(change);
    expect(await read()).toMatchObject({ kind: 'done', rejections: [] });
    await settle();
    expect(await stage('5')).toBe('onLeave/settled');
    expect(idp.user('5')).toMatchObject({ active: true });
  });

  const strange: readonly (readonly [PresetName, string, Change])[] = [
    ['bamboohr', 'another word', where('id', '5', { status: 'Suspended' })],
    ['bamboohr', 'none', where('id', '5', { status: null })],
    ['workday-raas', 'another word', where('Worker_ID', '5', { Active: 'false' })],
    ['workday-raas', 'none', where('Worker_ID', '5', { Active: null })],
    // Terminated or on leave (apidocs.hibob.com, event employee.inactivated): only the date would tell.
    ['hibob', 'Inactive without a date', where('id', '5', { internal: { status: 'Inactive', terminationDate: null } })],
    ['personio-v1', 'another word', ofPersonio('status', 'paused')],
    ['personio-v2', 'UNSPECIFIED', where('id', 'e-5', { status: 'UNSPECIFIED' })],
    ['successfactors', 'dormant', insideJob('5-1', { ...job, emplStatusNav: { externalCode: 'D' } })],
    ['adp', 'another word', where('associateOID', '5', { workerStatus: { statusCode: { codeValue: 'Pending' } } })],
    ['rippling', 'another word', where('id', '5', { status: 'SUSPENDED' })],
    ['gusto', 'none', where('uuid', '5', { terminated: null })],
    ['deel', 'none, for want of a right', where('id', '5', { person_status: null })],
    ['merge', 'none', where('id', '5', { employment_status: null })],
    ['finch', 'none', where('source_id', '1005', { employment_status: null })],
  ];

  it.each(strange)('%s: %s sets the row aside, and the account stays as it is', async (name, _what, change) => {
    const { vendor, bend } = bent(vendorOf(name));
    const { idp, read, settle } = await openPresetDesk(vendor);
    await read();
    await settle();
    const requests = idp.log.length;
    bend(change);
    const report = await read();
    expect(report).toMatchObject({ kind: 'done', rejections: [{ column: expect.any(String) }] });
    expect(report.rejections[0]?.key).toContain('5');
    await settle();
    expect(idp.log.length).toBe(requests);
    expect(idp.user('5')).toMatchObject({ active: true });
  });

  it('deel: a contract that is completed and goes on is no leave', async () => {
    const { vendor, bend } = bent(vendorOf('deel'));
    const { idp, read, settle } = await openPresetDesk(vendor);
    bend(where('id', '5', { completion_date: '2026-10-31' }));
    await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true });
  });
});
