// An Okta organization with a custom identity source, for the stories that are told of every kind of target.
import { type FakeOktaOptions, SOURCE_ID, startFakeOkta } from './fake-okta.ts';
import type { Load } from './fake-okta-state.ts';
import type { OpenStage } from './target-stage.ts';

/** The target's element of a connection file; `okta` are further keys of its own block. */
export const oktaYaml = (okta = 'reactivate: activate, manager: managerId'): string => `  - name: idp
    kind: okta-source
    baseUrl: "\${env:OKTA_URL}"
    auth: { kind: ssws, token: "\${env:OKTA_TOKEN}" }
    limits: { perSecond: null }
    okta: { identitySourceId: ${SOURCE_ID}${okta === '' ? '' : `, ${okta}`} }
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      email: userName
      firstName: worker.givenName
      lastName: worker.familyName
      title: worker.title
      department: worker.department
    groups:
      - { name: '"All staff"', authority: full, create: true }
`;

const isAbout = (load: Load, worker: string): boolean =>
  (load.kind === 'upsert' && load.profiles.some(({ externalId }) => externalId === worker)) ||
  (load.kind === 'delete' && load.externalIds.includes(worker));

export const openOktaStage =
  (options: Partial<FakeOktaOptions> = {}, okta?: string): OpenStage =>
  async (clock) => {
    const fake = await startFakeOkta({ now: clock.nowMs, ssws: 'let-me-in', lagMs: 20_000, ...options });
    const { state } = fake;
    return {
      yaml: oktaYaml(okta),
      environment: { OKTA_URL: fake.url, OKTA_TOKEN: 'let-me-in' },
      holds: (worker) => {
        state.catchUp();
        const users = [...state.core.values()].filter(({ profile }) => profile.employeeNumber === worker);
        if (users.length > 1) throw new Error(`${users.length} accounts of ${worker}`);
        const [user] = users;
        if (user === undefined) return null;
        const { title = '', department = '', managerId = '' } = user.profile;
        return { active: user.status === 'ACTIVE', title, department, manager: managerId };
      },
      accounts: () => {
        state.catchUp();
        return state.core.size;
      },
      writes: (worker) => {
        const single = fake.log.filter(
          ({ method, path, body }) =>
            method !== 'GET' &&
            (path.endsWith(`/users/${worker}`) ||
              (path.endsWith('/users') && body.includes(`"externalId":"${worker}"`))),
        ).length;
        return single + state.sessions.flatMap(({ loads }) => loads).filter((load) => isAbout(load, worker)).length;
      },
      refuses: (worker) => {
        state.refuses.add(worker);
        return () => {
          state.refuses.delete(worker);
        };
      },
      traffic: () => ({ arrived: fake.log.length, open: fake.open() }),
      settleMs: 3 * 3_600_000,
      close: async () => {
        await fake.close();
        if (fake.violations.length > 0) throw new Error(`rules of Okta were broken: ${fake.violations.join('; ')}`);
      },
    };
  };

export const oktaStage: OpenStage = openOktaStage();
