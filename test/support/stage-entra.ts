// Microsoft Entra API-driven provisioning for the stories that are told of every kind of target.
import { startFakeEntra } from './fake-entra.ts';
import { mappingText } from './mapping-text.ts';
import type { OpenStage } from './target-stage.ts';

/** The target's element of a connection file; `entra` are the keys of its own block. */
export function entraYaml(entra = '{}'): string {
  const text = mappingText();
  const target = text.slice(text.indexOf('  - name: idp'), text.indexOf('    groups:'));
  return target
    .replace('kind: scim', 'kind: entra-bulk')
    .replace('"${env:IDP_URL}"', '"${env:ENTRA_UPLOAD}"')
    .replace(
      /auth: .*/,
      'auth: { kind: oauth2, tokenUrl: "${env:ENTRA_TOKEN}", clientId: rollcall-app, method: client_secret_post, clientSecret: "${env:ENTRA_SECRET}", scope: https://graph.microsoft.com/.default }',
    )
    .replace(/correlate: .*/, 'correlate: [externalId]')
    .replace(/limits: .*/, `limits: { perSecond: null }\n    entra: ${entra}`);
}

export const entraStage: OpenStage = async (clock) => {
  const entra = await startFakeEntra({ now: clock.nowMs });
  const { directory } = entra;
  return {
    yaml: entraYaml(),
    environment: { ENTRA_UPLOAD: entra.uploadUrl, ENTRA_TOKEN: entra.tokenUrl, ENTRA_SECRET: 'app-secret' },
    holds: (worker) => {
      directory.runUntil(clock.nowMs());
      const user = directory.of(worker);
      if (user === null) return null;
      return {
        active: user.accountEnabled,
        title: user.properties.get('jobTitle') ?? '',
        department: user.properties.get('department') ?? '',
        manager: user.manager === null ? '' : (directory.users.get(user.manager)?.employeeId ?? ''),
      };
    },
    accounts: () => {
      directory.runUntil(clock.nowMs());
      return directory.users.size;
    },
    writes: (worker) => directory.taken.filter(({ identity }) => identity === worker).length,
    refuses: (worker) => directory.refuse(worker, 'InvalidValue', 'the title is not allowed'),
    traffic: () => ({ arrived: entra.log.length, open: entra.open() }),
    settleMs: 3 * 3_600_000,
    close: entra.close,
  };
};
