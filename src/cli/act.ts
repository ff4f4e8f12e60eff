// What all acts share: who and why, and the way they take. While another process holds the state folder an act is a row
// that it takes up within a second; else the command takes the lock and acts itself.
import type { Command } from 'commander';
import { assert } from '../base/assert.ts';
import { HOUR_MS } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { EXIT, type ExitCode, type Fault, Problem } from '../base/problem.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import { type ActKind, type ActResult, performAct } from '../pipeline/operator.ts';
import { nowOf } from '../runtime/clock.ts';
import { type LockHolder, lockHolder, type NewAct } from '../store/store.ts';
import { besideOrHere, openBeside } from './beside.ts';
import { type Session, sessionOf } from './desk.ts';
import { answer, printFaults } from './output.ts';

/** The process that holds the state folder takes acts up four times a second; after this long something is wrong with it. */
const TAKEN_WITHIN_MS = 10_000;
/** An act that was taken up may look through a whole target, behind others that do. */
const DONE_WITHIN_MS = 2 * HOUR_MS;
const LOOK_EVERY_MS = 100;
/** Whether the holder is there still is asked this often. */
const HOLDER_EVERY_MS = 1_000;
/** Holders that an act may outlive: whoever waits for the next one does not wait for ever. */
const HOLDERS_MAX = 5;

export interface ActOptions {
  readonly reason?: string;
  readonly as?: string;
}

export const signed = (command: Command): Command =>
  command
    .requiredOption('--reason <text>', 'why; kept in the audit')
    .option('--as <name>', 'who asks; kept in the audit (default: ROLLCALL_OPERATOR)');

export interface Asked {
  readonly kind: ActKind;
  readonly args: JsonObject;
  /** Acts on the house as a whole, such as the stop, work while a connection file is broken. */
  readonly withoutConnections?: boolean;
}

/** How far an act has come, in words for people and scripts. */
export interface Followed {
  readonly lines: readonly string[];
  readonly json: JsonObject;
  readonly exitCode: ExitCode;
}

export interface Follow {
  /** After the act was carried out in this process. */
  readonly here: (house: OpenHouse, result: ActResult) => Promise<Followed>;
  /** After another process has carried it out. */
  readonly there: (session: Session, result: ActResult) => Promise<Followed>;
}

export async function carryOut(command: Command, asked: Asked, options: ActOptions, follow?: Follow): Promise<void> {
  const session = sessionOf(command, { as: options.as });
  const act = signedAct(session, asked, options);
  const { result, followed } = await besideOrHere(session, {
    here: () => actHere(session, asked, act, follow),
    beside: (holder) => actThere(session, asked, act, holder, follow),
  });
  session.desk.exitCode = result.ok ? (followed?.exitCode ?? EXIT.fine) : result.exitCode;
  const { ok, message, details } = result;
  if (!ok) {
    await printFaults(session.desk, result.faults ?? [{ code: `act.${asked.kind}`, message }], session.json);
    return;
  }
  const json = { ok, act: asked.kind, message, ...(details === undefined ? {} : { details }), ...followed?.json };
  await answer(session, json, () => [message, ...(followed?.lines ?? [])]);
}

/** @throws Problem where it does not say who asks, or why. */
export function signedAct(
  { config, desk }: Session,
  { kind, args }: Pick<NewAct, 'kind' | 'args'>,
  options: ActOptions,
): NewAct {
  const faults: Fault[] = [];
  const reason = (options.reason ?? '').trim();
  const by = config.operator.trim();
  if (reason === '')
    faults.push({ code: 'act.unsigned', message: `${kind} needs a reason`, hint: 'give --reason TEXT' });
  if (by === '') {
    faults.push({
      code: 'act.unsigned',
      message: `${kind} needs to know who asks`,
      hint: 'give --as NAME, or set ROLLCALL_OPERATOR',
    });
  }
  if (faults.length > 0) throw new Problem(faults);
  return { kind, args, reason, by, osUser: desk.osUser, channel: 'cli' };
}

interface Done {
  readonly result: ActResult;
  readonly followed: Followed | null;
}

async function actHere(
  { config, desk, log }: Session,
  asked: Asked,
  act: NewAct,
  follow: Follow | undefined,
): Promise<Done> {
  await using house = await openHouse({
    config,
    mode: 'write',
    command: asked.kind,
    clock: desk.clock,
    log,
    withoutConnections: asked.withoutConnections === true,
    connection: String(asked.args.connection ?? ''),
  });
  const result = await performAct(house, act, desk.stop);
  return { result, followed: result.ok && follow !== undefined ? await follow.here(house, result) : null };
}

async function actThere(
  session: Session,
  asked: Asked,
  act: NewAct,
  holder: LockHolder,
  follow: Follow | undefined,
): Promise<Done> {
  const { result, followed } = await askHolder(session, act, holder, { ...asked, follow });
  if (!result.ok || followed !== null || follow === undefined) return { result, followed };
  return { result, followed: await follow.there(session, result) };
}

/** How an act is carried out here after all. */
interface Left {
  readonly withoutConnections?: boolean;
  readonly follow?: Follow | undefined;
}

/**
 * Leaves the act with the process that holds the state folder and waits for its answer. Where that one ends before it has answered,
 * the act is asked of whoever holds the folder next, or carried out, and followed, here. @throws Problem where no answer comes.
 */
export async function askHolder(session: Session, act: NewAct, holder: LockHolder, left: Left = {}): Promise<Done> {
  const id = await leftBeside(session, act);
  let present = holder;
  for (let round = 0; round < HOLDERS_MAX; round += 1) {
    const result = await answerOf(session, id, present);
    if (result !== null) return { result, followed: null };
    const next = await besideOrHere<Done | LockHolder>(session, {
      here: () => leftHere(session, id, left),
      beside: async (other) => other,
    });
    if ('result' in next) return next;
    present = next;
  }
  throw notTaken(session, id, present);
}

async function leftBeside(session: Session, act: NewAct): Promise<number> {
  await using store = await openBeside(session);
  return await store.addAct(act);
}

/** Null where the holder is gone. @throws Problem where it does not take the act up, or does not come to an end with it. */
async function answerOf(session: Session, id: number, holder: LockHolder): Promise<ActResult | null> {
  const { desk, config } = session;
  await using store = await openBeside(session);
  const beganMs = desk.clock.nowMs();
  let askedMs = beganMs;
  while (!desk.stop.aborted) {
    const row = await store.act(id);
    if (row?.finishedAt != null && row.result !== null) return row.result as unknown as ActResult;
    const nowMs = desk.clock.nowMs();
    if (nowMs - askedMs >= HOLDER_EVERY_MS) {
      askedMs = nowMs;
      const present = await lockHolder(config.stateDir);
      if (present?.pid !== holder.pid || present.since !== holder.since) return null;
    }
    if (nowMs - beganMs >= (row?.takenAt == null ? TAKEN_WITHIN_MS : DONE_WITHIN_MS)) break;
    await desk.clock.wait(LOOK_EVERY_MS, desk.stop);
  }
  throw notTaken(session, id, holder);
}

/** Nobody else can take the act while this process has the lock. */
async function leftHere(
  { config, desk, log }: Session,
  id: number,
  { withoutConnections, follow }: Left,
): Promise<Done> {
  await using house = await openHouse({
    config,
    mode: 'write',
    command: 'act',
    clock: desk.clock,
    log,
    withoutConnections: withoutConnections === true,
  });
  const row = await house.store.act(id);
  assert(row !== null, 'an act is kept');
  let result = row.finishedAt === null ? null : (row.result as ActResult | null);
  if (result === null) {
    result = await performAct(house, row, desk.stop);
    await house.store.finishAct(id, JSON.parse(JSON.stringify(result)));
  }
  return { result, followed: result.ok && follow !== undefined ? await follow.here(house, result) : null };
}

const notTaken = ({ desk, config }: Session, id: number, holder: LockHolder): Problem =>
  new Problem(
    {
      code: 'act.waiting',
      message: `act ${id} is not done at ${nowOf(desk.clock)}: process ${holder.pid} on ${holder.host} (${holder.command}) holds ${config.stateDir}`,
      hint: 'it is carried out as soon as that process, or the next one, gets to it; look at that process',
    },
    EXIT.failed,
  );
