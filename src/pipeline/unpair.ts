// A person says that an account is not this worker's. Nothing is written to it: it is nobody's from then on, and gets no write until
// somebody is paired with it. What the worker needs then is planned and judged like everything else.
import { EXIT, Problem } from '../base/problem.ts';
import type { Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { NewAct } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import { raiseAlarm } from './alarms.ts';
import { judgeOnFile } from './calendar.ts';
import type { House, LiveConnection } from './house.ts';
import { targetOf } from './target-of.ts';

/** Somebody else's changes that keep coming first are waited for this often. */
const ROUNDS_MAX = 5;
/** A target that does not answer in time is asked again by the person. */
const LOOK_WITHIN_MS = 30_000;

/** An account that can be used and is nobody's here. */
export const UNPAIRED_ACTIVE = 'account.unpaired';

/** Args: `worker`, `target` where the connection has several. */
export async function unpairAct(
  house: House,
  live: LiveConnection,
  act: NewAct,
  signal: AbortSignal,
): Promise<ActResult> {
  const key = String(act.args.worker ?? '');
  const target = targetOf(live, String(act.args.target ?? ''));
  const { name } = live.connection;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const situation = (await house.store.situations(name, [key])).get(key);
    if (situation === undefined) throw refused('worker.unknown', `no worker ${key} in ${name}`);
    const account = situation.accounts.find((one) => one.target === target.name);
    const remoteId = account?.remoteId ?? null;
    if (remoteId === null) throw refused('unpair.no-account', `worker ${key} has no account at ${target.name}`);
    const open = situation.operations.filter((one) => one.target === target.name);
    if (open.some(({ state }) => state === 'sending' || state === 'accepted'))
      throw refused(
        'unpair.under-way',
        `something of worker ${key} is being sent to ${target.name}`,
        'wait a moment, then unpair again',
      );
    const looked = await target.look(remoteId, AbortSignal.any([signal, AbortSignal.timeout(LOOK_WITHIN_MS)]));
    const active = looked.kind === 'there' && looked.account.active;
    // Nobody would look after it any more: a leaver's account is let go once it is proven that it cannot be used.
    if (active && isToBeOut(situation))
      throw refused(
        'unpair.leaver-active',
        `worker ${key} has left, and account ${remoteId} at ${target.name} is active: unpaired it would stay so`,
        'let it be disabled first, then unpair; what it waits for: rollcall worker ID',
      );
    const { revision, standing, dueAt } = situation;
    const stored = await house.store.commit({
      connection: name,
      at: nowOf(house.clock),
      unpaired: { target: target.name, workerKey: key, remoteId },
      workers: [
        {
          key,
          revision,
          standing,
          dueAt,
          accounts: [],
          operations: [],
          supersedes: open.map(({ id }) => id),
          entries: [
            {
              kind: 'act',
              connection: name,
              workerKey: key,
              actor: `operator:${act.by}`,
              body: {
                act: 'unpair',
                reason: act.reason,
                osUser: act.osUser,
                channel: act.channel,
                target: target.name,
                account: remoteId,
                found: looked.kind === 'gone' ? 'gone' : active ? 'active' : 'inactive',
              },
            },
          ],
        },
      ],
    });
    if (stored.kind === 'conflict') continue;
    if (active)
      await raiseAlarm(house, name, {
        code: 'account.unpaired' satisfies typeof UNPAIRED_ACTIVE,
        subject: `${target.name}/${remoteId}`,
        message: `account ${remoteId} at ${target.name} was taken from worker ${key}, is nobody's and can be used`,
        hint: 'pair it with whoever it belongs to (rollcall pair), or disable it by hand; look again: rollcall reconcile',
        worker: key,
      });
    const { held } = await judgeOnFile(house, live, [key], `operator:${act.by}`);
    house.outboxFilled.ring();
    return {
      ok: true,
      message: `account ${remoteId} at ${target.name} is not worker ${key}'s any more: it is nobody's, and gets no write${
        held > 0 ? '; what the worker needs now is held by a guard: see rollcall holds' : ''
      }`,
      exitCode: held > 0 ? EXIT.held : EXIT.fine,
      details: { worker: key, connection: name, target: target.name, account: remoteId, active },
    };
  }
  throw refused(
    'act.overtaken',
    `unpair of worker ${key} was NOT stored: other changes kept overtaking it`,
    'give the order again',
  );
}

const isToBeOut = ({ standing }: Situation): boolean => standing.stage === 'left' || standing.stage === 'purged';

const refused = (code: string, message: string, hint?: string): Problem =>
  new Problem({ code, message, ...(hint === undefined ? {} : { hint }) }, EXIT.failed);
