// The personal values of one worker are erased. Only of somebody who is proven to have no access, since whoever is erased is looked
// after by nothing but their account's id; and a feed that still holds the person is named first, for it would bring them back.
import { MINUTE_MS } from '../base/instant.ts';
import { EXIT, Problem } from '../base/problem.ts';
import type { Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { EraseOrder, JoinedFacts, NewAct } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { ActResult } from './act-result.ts';
import type { House, LiveConnection } from './house.ts';
import { runCycle } from './intake.ts';
import { worthProof } from './proof.ts';

/** Somebody else's changes that keep coming first are waited for this often. */
const ROUNDS_MAX = 5;
const LOOK_WITHIN_MS = 30_000;
/** A feed of hundreds of thousands at a slow interface. */
const READ_WITHIN_MS = 15 * MINUTE_MS;

/** Args: `worker`; `stillInFeed`: the feed may hold the person, and what it says of them is passed over from now on. */
export async function eraseAct(
  house: House,
  live: LiveConnection,
  act: NewAct,
  signal: AbortSignal,
): Promise<ActResult> {
  const key = String(act.args.worker ?? '');
  const { name } = live.connection;
  if ((await house.store.erased(name, [key])).has(key)) {
    return answered(await house.store.rewrite(), `the personal values of worker ${key} are erased already`, {
      key,
      name,
    });
  }
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const situation = (await house.store.situations(name, [key])).get(key);
    if (situation === undefined) throw refused('worker.unknown', `no worker ${key} in ${name}`);
    await refuseAccess(live, situation, signal);
    if (act.args.stillInFeed !== true) await refuseFed(house, live, situation, signal);
    const erased = await house.store.erase(orderOf(house, live, situation, act));
    if (erased.kind === 'conflict') continue;
    if (erased.kind === 'event-waits')
      throw refused(
        'erase.event-waits',
        `a webhook has brought something about worker ${key} that is not worked off yet`,
        'erase again when it is done; what it waits for: rollcall status',
      );
    worthProof(house, 'deletion');
    const rows = Object.values(erased.rows).reduce((sum, count) => sum + count, 0);
    return answered(await house.store.rewrite(), `erased the personal values of worker ${key} in ${rows} row(s)`, {
      key,
      name,
      rows: erased.rows,
    });
  }
  throw refused(
    'act.overtaken',
    `erase of worker ${key} was NOT stored: other changes kept overtaking it`,
    'give the order again',
  );
}

interface Told {
  readonly key: string;
  readonly name: string;
  readonly rows?: Readonly<Record<string, number>>;
}

function answered(rewritten: boolean, message: string, { key, name, rows = {} }: Told): ActResult {
  const rest = rewritten
    ? 'the database file was written anew; older backups and the target keep what they hold'
    : 'TRACES MAY BE LEFT in the database file, because somebody is reading it: run it again once they are done';
  return {
    ok: true,
    message: `${message}; ${rest}`,
    exitCode: rewritten ? EXIT.fine : EXIT.failed,
    details: { worker: key, connection: name, rows, rewritten },
  };
}

/** @throws Problem unless nobody can use an account of the worker, by the targets' own word. */
async function refuseAccess({ targets }: LiveConnection, situation: Situation, signal: AbortSignal): Promise<void> {
  const { key, standing, accounts, operations } = situation;
  const existing = accounts.filter(({ remoteId }) => remoteId !== null);
  const gone = standing.stage === 'left' || standing.stage === 'purged';
  if (!gone && !(standing.stage === 'expected' && existing.length === 0))
    throw refused(
      'erase.not-left',
      `worker ${key} is ${standing.stage}: only somebody who has left, or never had an account, is erased`,
      'let HR say that they have left, or end their access with rollcall leave',
    );
  if (operations.some(({ state }) => state !== 'failed'))
    throw refused(
      'erase.under-way',
      `something of worker ${key} is still to be sent, or to be confirmed`,
      'erase again once it is done; what it waits for: rollcall worker ID',
    );
  for (const { target: targetName, remoteId } of existing) {
    const target = targets.get(targetName);
    if (target === undefined)
      throw refused(
        'erase.unproven',
        `worker ${key} has an account at ${targetName}, which no connection file names any more`,
        'bring the target back into the file: without its own word nobody knows whether the account can be used',
      );
    const looked = await target.look(remoteId ?? '', AbortSignal.any([signal, AbortSignal.timeout(LOOK_WITHIN_MS)]));
    if (looked.kind === 'there' && looked.account.active)
      throw refused(
        'erase.active',
        `the account of worker ${key} at ${targetName} is active`,
        'it has to be disabled first: rollcall leave, or wait for the next look at accounts of those who left',
      );
  }
}

/** @throws Problem where the feed holds the person, or nobody can tell. */
async function refuseFed(house: House, live: LiveConnection, { key }: Situation, signal: AbortSignal): Promise<void> {
  const held = live.connection.source.content === 'snapshot' ? await feedHolds(house, live, key, signal) : null;
  if (held === false) return;
  throw refused(
    held === null ? 'erase.feed-unknown' : 'erase.in-feed',
    held === null
      ? `nobody can tell whether HR's feed still holds worker ${key}`
      : `HR's feed still holds worker ${key}`,
    'let HR take the record out first, or give --still-in-feed: what the feed says of a former worker is then passed over, and a rehire is held',
  );
}

/** Reads the feed as it is now and stores nothing. Null where it could not be read whole. */
async function feedHolds(
  house: House,
  live: LiveConnection,
  key: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  let holds: boolean | null = null;
  const report = await live.turn.take(() =>
    runCycle(house, live, {
      actor: 'operator',
      mode: 'plan',
      onlyWorker: key,
      signal: AbortSignal.any([signal, AbortSignal.timeout(READ_WITHIN_MS)]),
      inspect: (plan) => {
        holds = plan.has(key) && (plan.get(key)?.observed.employments.length ?? 0) > 0;
      },
    }),
  );
  if (report.rejections.some((one) => one.key === key)) return true;
  // Of a feed that looks wrong only leavers were looked at.
  const whole = report.kind !== 'refused' && !report.holds.some(({ kind }) => kind === 'feed');
  return whole ? holds : holds === true ? true : null;
}

function orderOf(house: House, live: LiveConnection, situation: Situation, act: NewAct): EraseOrder {
  const { key, revision, operations } = situation;
  const { name } = live.connection;
  return {
    connection: name,
    workerKey: key,
    revision,
    facts: joinedFacts(house, live, situation),
    supersedes: operations.map(({ id }) => id),
    at: nowOf(house.clock),
    entry: {
      kind: 'act',
      connection: name,
      workerKey: key,
      actor: `operator:${act.by}`,
      body: {
        act: 'erase',
        reason: act.reason,
        osUser: act.osUser,
        channel: act.channel,
        stillInFeed: act.args.stillInFeed === true,
      },
    },
  };
}

/** The rows of further sources that join this worker. */
export function joinedFacts(house: House, live: LiveConnection, { employments }: Situation): readonly JoinedFacts[] {
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  const now = nowOf(house.clock);
  return bound.mapping.also.flatMap((join) =>
    employments
      .map((employment) => join.joinKey(inForceAt(employment, now)))
      .filter((key) => key !== '')
      .map((key) => ({ source: join.name, key })),
  );
}

const refused = (code: string, message: string, hint?: string): Problem =>
  new Problem({ code, message, ...(hint === undefined ? {} : { hint }) }, EXIT.failed);
