// Failed transitions again: shown first with --preview, then one, then ten, then all, stopping at the first surprise.
import { Command } from 'commander';
import type { JsonObject } from '../base/json.ts';
import { EXIT, type ExitCode, Problem } from '../base/problem.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import type { ActResult } from '../pipeline/act-result.ts';
import { startDispatch } from '../pipeline/dispatch.ts';
import { type Failure, type FailureFilter, REFUSED, readFailures } from '../pipeline/failures.ts';
import { performAct } from '../pipeline/operator.ts';
import {
  judgeReplay,
  planReplay,
  REPLAYED_TOGETHER_MAX,
  type ReplayedWorker,
  replayedWorkers,
} from '../pipeline/replay.ts';
import { nowOf } from '../runtime/clock.ts';
import type { NewAct, ShownOperation, Store } from '../store/store.ts';
import { type ActOptions, askHolder, signedAct } from './act.ts';
import { grouped } from './ago.ts';
import { besideOrHere } from './beside.ts';
import { type Session, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { type FilterOptions, filterOf, saysWhich, withFilter } from './failure-filter.ts';
import { reasonOf } from './operation-text.ts';
import { operationId, seconds } from './options.ts';
import { answer, printFaults } from './output.ts';
import { openPlanHouse } from './plan-house.ts';
import { type RequestView, requestsOf } from './plan-requests.ts';
import { type Progress, progressOn } from './progress.ts';
import { openState } from './state.ts';
import { toned } from './tone.ts';

interface Options extends ActOptions, FilterOptions {
  readonly all?: boolean;
  readonly preview?: boolean;
  readonly atOnce?: boolean;
  readonly wait: number;
}

/** Failures in each stage before all the others. */
const STAGES = [1, 10] as const;
const WAIT_SECONDS = 60;
const LOOK_EVERY_MS = 100;
/** Workers whose requests a preview shows. */
const PREVIEWED = 20;
/** Surprises named one by one. */
const SURPRISES_SHOWN = 10;

export const replayCommand = (): Command =>
  withFilter(new Command('replay'))
    .description('deliver failed transitions again, as the facts are now: one, then ten, then all')
    .argument('[operations...]', 'ids of failed operations, as rollcall failed --list names them', operationId)
    .option('--all', 'everything that has failed')
    .option('--preview', 'show what each replay would send now, and do nothing')
    .option('--at-once', 'all in one go instead of one, ten, all')
    .option('--wait <seconds>', 'how long to wait for a stage without progress', seconds, WAIT_SECONDS)
    .option('--reason <text>', 'why; kept in the audit')
    .option('--as <name>', 'who asks; kept in the audit (default: ROLLCALL_OPERATOR)')
    .action(async (ids: readonly number[], options: Options, command: Command) => {
      const session = sessionOf(command, { as: options.as });
      const filter = filterOf(options, ids);
      if (saysWhich(filter) === (options.all === true)) {
        throw new Problem({
          code: 'usage.which',
          message: options.all === true ? '--all goes with no other choice' : 'replay needs to know which failures',
          hint: 'give ids, --cause or another filter, or --all: see rollcall failed',
        });
      }
      const failures = await chosen(session, filter);
      if (options.preview === true) await preview(session, failures);
      else await replay(session, failures, options);
    });

/** Leavers first: what they keep is open now. */
async function chosen(session: Session, filter: FailureFilter): Promise<readonly Failure[]> {
  await using store = await openState(session, 'read');
  const failures = await readFailures(store, filter, nowOf(session.desk.clock));
  return failures.toSorted((a, b) => Number(b.leaver) - Number(a.leaver));
}

// ── preview ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Previewed extends ReplayedWorker {
  readonly requests: readonly RequestView[];
}

async function preview(session: Session, failures: readonly Failure[]): Promise<void> {
  const shown: Previewed[] = [];
  for (const [connection, ours] of Map.groupBy(failures, ({ operation }) => operation.connection)) {
    await using opened = await openPlanHouse(session, connection);
    const { house } = opened;
    const live = house.connections.get(connection);
    if (live === undefined) continue;
    using replayed = await planReplay(house, live, ours, 'operator');
    const verdict = await judgeReplay(house, replayed);
    for (const one of await replayedWorkers(house, replayed, verdict)) {
      const planned = shown.length < PREVIEWED || session.json ? replayed.plan.get(one.worker)?.plan : undefined;
      const requests: RequestView[] = [];
      for (const operation of planned?.change?.operations ?? [])
        requests.push(...(await requestsOf(house, live, planned as NonNullable<typeof planned>, operation)));
      shown.push({ ...one, requests });
    }
  }
  const { out } = session.desk;
  await answer(session, { replays: shown }, () => [
    ...(shown.length === 0 ? ['nothing has failed that fits'] : [countsLine(shown)]),
    ...shown
      .slice(0, PREVIEWED)
      .flatMap((one) => [
        `${toned(out, 'bold', harmless(one.worker))} of ${harmless(one.connection)}: ${wordLine(one)}`,
        ...one.requests.map(({ method, path, body, note }) =>
          harmless(`    ${method} ${path}${body === '' ? '' : ` ${body}`}${note === '' ? '' : `   (${note})`}`),
        ),
      ]),
    ...(shown.length > PREVIEWED ? [`and ${grouped(shown.length - PREVIEWED)} more workers (--json shows all)`] : []),
    ...(shown.length > 0 ? ['nothing was sent or stored'] : []),
  ]);
}

const WORDS: Readonly<Record<ReplayedWorker['word'], string>> = {
  ordered: 'would go out again',
  overtaken: 'nothing to send',
  refused: 'refused again before anything is sent',
  held: 'a guard would hold it',
};

const wordLine = ({ word, because, operations }: ReplayedWorker): string =>
  word === 'ordered'
    ? operations.map(({ target, kind }) => `${kind} at ${target}`).join(', ')
    : harmless(`${WORDS[word]}${because === '' ? '' : `: ${because}`}`);

function countsLine(shown: readonly ReplayedWorker[]): string {
  const counts = (Object.keys(WORDS) as ReplayedWorker['word'][])
    .map((word) => [word, shown.filter((one) => one.word === word).length] as const)
    .filter(([, times]) => times > 0)
    .map(([word, times]) => `${grouped(times)} ${WORDS[word]}`);
  return `${grouped(shown.length)} worker(s): ${counts.join(', ')}`;
}

// ── replay ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Stage {
  readonly operations: number;
  readonly ordered: number;
  readonly done: number;
  /** Refused by the target again, or by planning, or held by a guard. */
  readonly surprises: readonly string[];
  /** Neither done nor refused within the waiting time. */
  readonly waiting: number;
  readonly overtaken: number;
  readonly held: number;
}

/** Carries an act out here, with delivery under way, or has the process do it that holds the state folder. */
interface Hands extends AsyncDisposable {
  readonly store: Store;
  readonly perform: (operations: readonly number[]) => Promise<ActResult>;
}

async function handsOf(session: Session, options: Options): Promise<Hands> {
  const signed = (operations: readonly number[]) =>
    signedAct(session, { kind: 'replay', args: { operations: [...operations] } }, options);
  signed([]);
  return besideOrHere<Hands>(session, {
    beside: async (holder) => {
      const store = await openState(session, 'read');
      return {
        store,
        perform: async (operations) => (await askHolder(session, signed(operations), holder)).result,
        [Symbol.asyncDispose]: () => store.close(),
      };
    },
    here: () => ownHands(session, signed),
  });
}

async function ownHands(
  { desk, config, log }: Session,
  signed: (operations: readonly number[]) => NewAct,
): Promise<Hands> {
  const house: OpenHouse = await openHouse({ config, mode: 'write', command: 'replay', clock: desk.clock, log });
  const ending = new AbortController();
  const dispatch = startDispatch(house, AbortSignal.any([desk.stop, ending.signal]));
  dispatch.stopped.catch(() => undefined);
  return {
    store: house.store,
    perform: (operations) => performAct(house, signed(operations), desk.stop),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      try {
        await dispatch.stopped;
      } finally {
        await house.close();
      }
    },
  };
}

async function replay(session: Session, failures: readonly Failure[], options: Options): Promise<void> {
  const { desk } = session;
  await using hands = await handsOf(session, options);
  using progress = progressOn(desk.err, desk.clock, !session.json);
  const ids = failures.map(({ operation }) => operation.id);
  const stages: Stage[] = [];
  let from = 0;
  for (const size of options.atOnce === true ? [] : STAGES) {
    if (from >= ids.length || stopped(stages)) break;
    const stage = await runStage(session, hands, ids.slice(from, from + size), options, progress);
    if (stage === null) return;
    stages.push(stage);
    from += size;
  }
  while (from < ids.length && !stopped(stages) && !desk.stop.aborted) {
    const stage = await runStage(session, hands, ids.slice(from, from + REPLAYED_TOGETHER_MAX), options, progress);
    if (stage === null) return;
    stages.push(stage);
    from += REPLAYED_TOGETHER_MAX;
  }
  progress.clear();
  const left = Math.max(0, ids.length - from);
  desk.exitCode = exitCodeOf(stages);
  const json: JsonObject = {
    failures: ids.length,
    stages: stages.map((stage) => ({ ...stage })),
    done: stages.reduce((sum, { done }) => sum + done, 0),
    left,
  };
  await answer(session, json, () => summaryLines(session, stages, ids.length, left));
}

const stopped = (stages: readonly Stage[]): boolean => {
  const last = stages.at(-1);
  return last !== undefined && (last.surprises.length > 0 || last.waiting > 0);
};

function exitCodeOf(stages: readonly Stage[]): ExitCode {
  if (stages.some(({ held }) => held > 0)) return EXIT.held;
  return stopped(stages) ? EXIT.failed : EXIT.fine;
}

/** Null where the act itself was refused, which has been said. */
async function runStage(
  session: Session,
  hands: Hands,
  ids: readonly number[],
  options: Options,
  progress: Progress,
): Promise<Stage | null> {
  const result = await hands.perform(ids);
  if (!result.ok) {
    session.desk.exitCode = result.exitCode;
    await printFaults(session.desk, result.faults ?? [{ code: 'act.replay', message: result.message }], session.json);
    return null;
  }
  const ordered = (result.details?.ordered ?? []) as readonly number[];
  const workers = (result.details?.workers ?? []) as unknown as readonly ReplayedWorker[];
  const ended = await untilEnded(session, hands.store, ordered, options.wait * 1_000, progress);
  const again = ended.filter(isRefused);
  const refused = workers.filter(({ word }) => word === 'refused' || word === 'held');
  return {
    operations: ids.length,
    ordered: ordered.length,
    done: ended.filter(({ state }) => state === 'done').length,
    surprises: [
      ...again.map((operation) => `${operation.workerKey} at ${operation.target}: ${reasonOf(operation)}`),
      ...refused.map(({ worker, word, because }) => `${worker}: ${WORDS[word]}${because === '' ? '' : `: ${because}`}`),
    ],
    waiting: ended.filter((operation) => !hasEnded(operation)).length,
    overtaken: workers.filter(({ word }) => word === 'overtaken').length,
    held: workers.filter(({ word }) => word === 'held').length,
  };
}

const isRefused = ({ state, lastOutcome }: ShownOperation): boolean =>
  state === 'failed' || (state === 'queued' && lastOutcome !== null && REFUSED.has(lastOutcome.class));
const hasEnded = (operation: ShownOperation): boolean =>
  isRefused(operation) || ['done', 'superseded', 'skipped'].includes(operation.state);

async function untilEnded(
  { desk }: Session,
  store: Store,
  ids: readonly number[],
  waitMs: number,
  progress: Progress,
): Promise<readonly ShownOperation[]> {
  let best = -1;
  let progressMs = desk.clock.nowMs();
  for (;;) {
    const operations: ShownOperation[] = [];
    for (let from = 0; from < ids.length; from += REPLAYED_TOGETHER_MAX)
      operations.push(...(await store.operationsOf(ids.slice(from, from + REPLAYED_TOGETHER_MAX))));
    const ended = operations.filter(hasEnded).length;
    if (ended > best) {
      best = ended;
      progressMs = desk.clock.nowMs();
    }
    progress.show('replay', ended, ids.length);
    if (ended === operations.length || desk.stop.aborted || desk.clock.nowMs() - progressMs >= waitMs)
      return operations;
    await desk.clock.wait(LOOK_EVERY_MS, desk.stop);
  }
}

function summaryLines({ desk }: Session, stages: readonly Stage[], asked: number, left: number): readonly string[] {
  if (asked === 0) return ['nothing has failed that fits'];
  const total = (pick: (stage: Stage) => number): number => stages.reduce((sum, stage) => sum + pick(stage), 0);
  const surprises = stages.flatMap((stage) => stage.surprises);
  const done = total((stage) => stage.done);
  const overtaken = total((stage) => stage.overtaken);
  const waiting = total((stage) => stage.waiting);
  return [
    `${grouped(asked)} failure(s): ${[
      `${grouped(done)} operation(s) done now`,
      ...(overtaken > 0 ? [`${grouped(overtaken)} worker(s) overtaken by newer facts`] : []),
      ...(surprises.length > 0 ? [`${grouped(surprises.length)} refused again`] : []),
      ...(waiting > 0 ? [`${grouped(waiting)} still under way`] : []),
      ...(left > 0 ? [`${grouped(left)} not touched`] : []),
    ].join(', ')}`,
    ...surprises.slice(0, SURPRISES_SHOWN).map((line) => `  ${toned(desk.out, 'bad', harmless(line))}`),
    ...(surprises.length > SURPRISES_SHOWN ? [`  and ${grouped(surprises.length - SURPRISES_SHOWN)} more`] : []),
    ...(surprises.length > 0 && left > 0 ? ['stopped at the first surprise; see rollcall failed'] : []),
    ...(waiting > 0 ? ['the target has not answered yet; what is under way goes on: see rollcall status'] : []),
  ];
}
