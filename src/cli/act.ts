// What all acts share: who and why, and the way they take. While another process holds the state folder an act is a row
// that it takes up within a second; else the command takes the lock and acts itself.
import type { Command } from 'commander';
import type { JsonObject } from '../base/json.ts';
import { EXIT, type ExitCode, type Fault, Problem } from '../base/problem.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import { type ActKind, type ActResult, performAct } from '../pipeline/operator.ts';
import { nowOf } from '../runtime/clock.ts';
import type { LockHolder, NewAct } from '../store/store.ts';
import { besideOrHere, openBeside } from './beside.ts';
import { type Session, sessionOf } from './desk.ts';
import { answer, printFaults } from './output.ts';

/** The process that holds the state folder takes acts up four times a second; after this long something is wrong with it. */
const TAKEN_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;

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
    beside: (holder) => actThere(session, act, holder, follow),
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
  const result = await performAct(house, act);
  return { result, followed: result.ok && follow !== undefined ? await follow.here(house, result) : null };
}

async function actThere(session: Session, act: NewAct, holder: LockHolder, follow: Follow | undefined): Promise<Done> {
  const result = await askHolder(session, act, holder);
  return { result, followed: result.ok && follow !== undefined ? await follow.there(session, result) : null };
}

/** Leaves the act with the process that holds the state folder and waits for its answer. @throws Problem where none comes. */
export async function askHolder(session: Session, act: NewAct, holder: LockHolder): Promise<ActResult> {
  const { desk, config } = session;
  await using store = await openBeside(session);
  const id = await store.addAct(act);
  const untilMs = desk.clock.nowMs() + TAKEN_WITHIN_MS;
  while (desk.clock.nowMs() < untilMs && !desk.stop.aborted) {
    const row = await store.act(id);
    if (row?.finishedAt != null && row.result !== null) return row.result as unknown as ActResult;
    await desk.clock.wait(LOOK_EVERY_MS, desk.stop);
  }
  throw new Problem(
    {
      code: 'act.waiting',
      message: `act ${id} waits since ${nowOf(desk.clock)}: process ${holder.pid} on ${holder.host} (${holder.command}) holds ${config.stateDir} and has not taken it up`,
      hint: 'it is carried out as soon as that process, or the next one, gets to it; look at that process',
    },
    EXIT.failed,
  );
}
