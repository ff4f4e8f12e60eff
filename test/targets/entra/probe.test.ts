import { describe, expect, it } from 'vitest';
import { openEntraDesk } from '../../support/entra-desk.ts';
import { ALL_PERMISSIONS } from '../../support/fake-entra.ts';

const probed = async (
  options: Parameters<typeof openEntraDesk>[0],
  before?: (desk: Awaited<ReturnType<typeof openEntraDesk>>) => void,
) => {
  await using desk = await openEntraDesk(options);
  before?.(desk);
  const findings = await desk.settled(desk.target.probe?.(desk.signal) ?? Promise.resolve([]));
  expect(desk.entra.log.filter(({ method, path }) => method !== 'GET' && !path.includes('/token'))).toEqual([]);
  return findings;
};

describe('a probe of Entra', () => {
  it('finds everything in order, writes nothing, and names each permission that is held', async () => {
    const findings = await probed({ entra: { direct: 'graph' }, revokes: true });
    expect(
      findings.filter(({ verdict }) => verdict !== 'good').map(({ code, verdict }) => `${code} ${verdict}`),
    ).toEqual(['target.write note']);
    for (const permission of ALL_PERMISSIONS)
      expect(
        findings.some(({ message }) => message.startsWith(`${permission} is granted`)),
        permission,
      ).toBe(true);
  });

  it('names what is missing in Microsoft’s words, and what would do as well', async () => {
    const findings = await probed({ fake: { permissions: ['SynchronizationData-User.Upload'] } });
    const missing = findings.filter(({ code, verdict }) => code === 'target.permissions' && verdict !== 'good');
    expect(missing.map(({ message, verdict }) => `${verdict}: ${message}`)).toEqual([
      'failed: ProvisioningLog.Read.All is not granted (reading outcomes)',
      'warning: Synchronization.Read.All is not granted (reading the state of the job)',
      'failed: User.Read.All is not granted (reading users)',
    ]);
    expect(missing[0]?.hint).toContain('AuditLog.Read.All');
    expect(findings.find(({ code }) => code === 'target.logs')).toMatchObject({ verdict: 'failed' });
    expect(findings.find(({ code }) => code === 'target.users')).toMatchObject({ verdict: 'failed' });
    expect(findings.find(({ code }) => code === 'target.job')).toMatchObject({ verdict: 'warning' });
  });

  it('asks for no permission that nothing needs', async () => {
    const findings = await probed({
      entra: { readUsers: false, readJob: false },
      fake: { permissions: ['SynchronizationData-User.Upload.OwnedBy', 'ProvisioningLog.Read.All'] },
    });
    expect(findings.filter(({ verdict }) => verdict === 'failed' || verdict === 'warning')).toEqual([]);
  });

  it('tells a job that is paused, and one in quarantine with its reason', async () => {
    const paused = await probed({}, ({ entra }) => entra.directory.pause());
    expect(paused.find(({ code }) => code === 'target.job')).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('paused'),
    });
    const held = await probed({}, ({ entra }) =>
      entra.directory.quarantined('EncounteredQuarantineException', 'bad credentials'),
    );
    expect(held.find(({ code }) => code === 'target.job')?.message).toContain(
      'EncounteredQuarantineException: bad credentials',
    );
  });

  it('tells a client that the token endpoint does not accept', async () => {
    const findings = await probed({ fake: { clientSecret: 'another' } });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ code: 'target.credentials', verdict: 'failed' });
  });
});
