// One kind of target with everything a story needs of it, so that the same story is told of all of them.

import { startFakeIdp } from './fake-idp.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { mappingText, NOON, openTestHouse, type TestHouse, type Traffic } from './house.ts';

/** What the target says of somebody. */
export interface Held {
  readonly active: boolean;
  readonly title: string;
  readonly department: string;
  /** Key of the manager; '' without one. */
  readonly manager: string;
}

export interface TargetStage {
  /** The target's element of the list `targets` in the connection file, indented by two. Its name is `idp`. */
  readonly yaml: string;
  readonly environment: Readonly<Record<string, string>>;
  /** As it stands now; null where there is nobody of this key. @throws where there are two. */
  readonly holds: (worker: string) => Held | null;
  /** So many people have an account. */
  readonly accounts: () => number;
  /** How often this worker's account was written to: a request, or a record in one. */
  readonly writes: (worker: string) => number;
  /** Refuses what is written of this worker, for good, until the returned function is called. */
  readonly refuses: (worker: string) => () => void;
  readonly traffic: () => Traffic;
  /** In so much time of the held clock everything is sent, done and confirmed. */
  readonly settleMs: number;
  readonly close: () => Promise<void>;
}

export type OpenStage = (clock: HeldClock) => Promise<TargetStage>;

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** A SCIM service provider, which does at once what it is asked. */
export const scimStage: OpenStage = async () => {
  const idp = await startFakeIdp({ token: 'let-me-in' });
  const text = mappingText();
  const managerOf = (id: unknown): string =>
    String([...idp.users.values()].find((one) => one.id === id)?.externalId ?? '');
  const of = (worker: string) => {
    const found = [...idp.users.values()].filter(({ externalId }) => externalId === worker);
    if (found.length > 1) throw new Error(`${found.length} accounts of ${worker}`);
    return found[0] ?? null;
  };
  return {
    yaml: text.slice(text.indexOf('  - name: idp')),
    environment: { IDP_URL: idp.url, IDP_TOKEN: 'let-me-in' },
    holds: (worker) => {
      const user = of(worker);
      if (user === null) return null;
      const enterprise = (user[ENTERPRISE] ?? {}) as { department?: string; manager?: { value?: string } };
      return {
        active: user.active === true,
        title: String(user.title ?? ''),
        department: enterprise.department ?? '',
        manager: managerOf(enterprise.manager?.value),
      };
    },
    accounts: () => idp.users.size,
    writes: (worker) => {
      const id = of(worker)?.id ?? 'nobody';
      return idp
        .writes()
        .filter(
          ({ path, body }) =>
            path.startsWith('/Users') && (path.includes(String(id)) || body.includes(`"externalId":"${worker}"`)),
        ).length;
    },
    refuses: (worker) => {
      const refusal = {
        kind: 'answer',
        status: 400,
        body: '{"scimType":"invalidValue","detail":"no such title"}',
      } as const;
      const lifts = [
        idp.behaviours.add({ method: 'POST', body: `"externalId":"${worker}"`, act: refusal }),
        idp.behaviours.add({ method: 'PATCH', path: `/Users/${String(of(worker)?.id ?? 'nobody')}`, act: refusal }),
      ];
      return () => {
        for (const lift of lifts) lift();
      };
    },
    traffic: () => ({ arrived: idp.log.length, open: idp.log.filter(({ endedAt }) => endedAt === null).length }),
    settleMs: 20 * 60_000,
    close: idp.close,
  };
};

export interface StageHouse {
  readonly stage: TargetStage;
  readonly test: TestHouse;
  /** One cycle with this feed, then until everything is confirmed. */
  readonly sync: (content: string) => ReturnType<TestHouse['cycle']>;
  readonly settle: () => Promise<void>;
  readonly mapping: string;
}

/** The house as production opens it, with this target for its only one. */
export async function openStageHouse(open: OpenStage): Promise<StageHouse> {
  const clock = heldClock(NOON);
  const stage = await open(clock);
  const text = mappingText();
  const mapping = `${text.slice(0, text.indexOf('  - name: idp'))}${stage.yaml}`;
  const test = await openTestHouse({ clock, mapping, environment: stage.environment, traffic: stage.traffic });
  const settle = (): Promise<void> => test.settle(stage.settleMs);
  return {
    stage,
    test,
    mapping,
    settle,
    sync: async (content) => {
      test.deliver(content);
      const report = await test.cycle();
      await settle();
      return report;
    },
  };
}
