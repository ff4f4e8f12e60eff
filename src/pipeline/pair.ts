// A person says which existing account is a worker's, where correlation could not: several accounts matched, or nothing but a name did.
// The account becomes ours as the target has it now; what differs is then planned, judged and sent like every other change.
import { EXIT, Problem } from '../base/problem.ts';
import { projected } from '../planning/account-changes.ts';
import type { AccountState } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { NewAct } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import { clearAlarm } from './alarms.ts';
import { judgeOnFile } from './calendar.ts';
import type { House, LiveConnection } from './house.ts';
import { targetOf } from './target-of.ts';
import { UNPAIRED_ACTIVE } from './unpair.ts';
import { whoseIs } from './whose.ts';

/** Somebody else's changes that keep coming first are waited for this often. */
const ROUNDS_MAX = 5;
/** A target that does not answer in time is asked again by the person. */
const LOOK_WITHIN_MS = 30_000;

/** Args: `worker`, `account` (its id at the target), `target` where the connection has several. */
export async function pairAct(
  house: House,
  live: LiveConnection,
  act: NewAct,
  signal: AbortSignal,
): Promise<ActResult> {
  const key = String(act.args.worker ?? '');
  const remoteId = String(act.args.account ?? '');
  const target = targetOf(live, String(act.args.target ?? ''));
  const { name } = live.connection;
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping.targets.find((one) => one.name === target.name);
  const looked = await target.look(remoteId, AbortSignal.any([signal, AbortSignal.timeout(LOOK_WITHIN_MS)]));
  if (looked.kind === 'gone')
    throw refused(
      'pair.gone',
      `${target.name} has no account ${remoteId}`,
      'its id, as the target issues it: see rollcall reconcile',
    );
  const listed = looked.account;
  const asked = { connection: name, workerKey: key, target: target.name };
  const unpaired = (await house.store.owners(target.name, [remoteId])).get(remoteId)?.connection === '';
  const whose = await whoseIs(house.store, live, asked, listed, { evenUnpaired: true });
  if (whose === 'protected')
    throw refused('pair.protected', `account ${remoteId} is protected: it gets no write from us`);
  if (whose === 'others')
    throw refused('pair.taken', `account ${remoteId}, or its userName, belongs to another worker`);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const situation = (await house.store.situations(name, [key])).get(key);
    if (situation === undefined) throw refused('worker.unknown', `no worker ${key} in ${name}`);
    const account = situation.accounts.find((one) => one.target === target.name);
    if (account !== undefined && account.remoteId !== null)
      throw refused('pair.has-account', `worker ${key} has account ${account.remoteId} at ${target.name} already`);
    const open = situation.operations.filter((one) => one.target === target.name);
    if (open.some(({ state }) => state === 'sending' || state === 'accepted'))
      throw refused(
        'pair.under-way',
        `something of worker ${key} is being sent to ${target.name}`,
        'wait a moment, then pair again',
      );
    const primary = situation.employments[0];
    const worker = { key, employments: situation.employments };
    const desired =
      primary === undefined || mapping === undefined ? null : mapping.desired(worker, primary, listed.userName);
    const others = listed.externalId !== null && listed.externalId !== '' && listed.externalId !== desired?.externalId;
    // Of an account that a person took from somebody it is theirs, and gives way.
    if (others && !unpaired)
      throw refused('pair.foreign', `account ${remoteId} carries the externalId of somebody else`);
    const paired: AccountState = {
      target: target.name,
      remoteId,
      etag: null,
      userName: listed.userName ?? '',
      externalId: others ? '' : (listed.externalId ?? ''),
      active: listed.active,
      origin: 'adopted',
      known: projected(listed.resource, desired?.attributes ?? {}),
      managerKnown: '',
      managerOwed: '',
      groups: [],
    };
    const { revision, standing, dueAt } = situation;
    const stored = await house.store.commit({
      connection: name,
      at: nowOf(house.clock),
      paired: { target: target.name, remoteId },
      workers: [
        {
          key,
          revision,
          standing,
          dueAt,
          accounts: [paired],
          operations: [],
          // What waited for an account of its own, or failed for want of the right one.
          supersedes: open.map(({ id }) => id),
          entries: [
            {
              kind: 'act',
              connection: name,
              workerKey: key,
              actor: `operator:${act.by}`,
              body: {
                act: 'pair',
                reason: act.reason,
                osUser: act.osUser,
                channel: act.channel,
                target: target.name,
                account: remoteId,
              },
            },
          ],
        },
      ],
    });
    if (stored.kind === 'conflict') {
      if (stored.names.length > 0)
        throw refused('pair.taken', `the userName of account ${remoteId} belongs to another worker`);
      continue;
    }
    await clearAlarm(house, name, UNPAIRED_ACTIVE, `${target.name}/${remoteId}`);
    const { held } = await judgeOnFile(house, live, [key], `operator:${act.by}`);
    house.outboxFilled.ring();
    return {
      ok: true,
      message: `account ${remoteId} at ${target.name} is worker ${key}'s now${held > 0 ? '; what differs is held by a guard: see rollcall holds' : ''}`,
      exitCode: held > 0 ? EXIT.held : EXIT.fine,
      details: { worker: key, connection: name, target: target.name, account: remoteId },
    };
  }
  throw refused(
    'act.overtaken',
    `pair of worker ${key} was NOT stored: other changes kept overtaking it`,
    'give the order again',
  );
}

const refused = (code: string, message: string, hint?: string): Problem =>
  new Problem({ code, message, ...(hint === undefined ? {} : { hint }) }, EXIT.failed);
