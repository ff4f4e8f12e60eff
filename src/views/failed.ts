// Failed transitions by cause, with the one command that replays them.
import type { Failure, FailureGroup } from '../pipeline/failures.ts';

export const isOpenLeaver = ({ leaver, skipped }: FailureGroup): boolean => leaver && !skipped;

/** `listed`: how many failures are named one by one; null for none. */
export const failedJson = (
  failures: readonly Failure[],
  groups: readonly FailureGroup[],
  listed: number | null,
): object => ({
  failures: failures.length,
  leavers: groups.filter(isOpenLeaver).reduce((sum, { workers }) => sum + workers, 0),
  causes: groups.map(groupJson),
  ...(listed === null ? {} : { list: failures.slice(0, listed).map(failureJson) }),
});

/** The one command that replays all of it. */
export const replayLine = ({ cause, connection }: FailureGroup): string =>
  `rollcall replay --cause ${cause.id} --connection ${connection} --reason "…"`;

const groupJson = (group: FailureGroup): object => ({
  cause: group.cause.id,
  connection: group.connection,
  target: group.cause.target,
  status: group.cause.status,
  code: group.cause.code,
  words: group.cause.words,
  leaver: group.leaver,
  skipped: group.skipped,
  failures: group.failures.length,
  workers: group.workers,
  firstAt: group.firstAt,
  lastAt: group.lastAt,
  what: Object.fromEntries(group.what),
  sample: failureJson(group.sample),
  replay: replayLine(group),
});

const failureJson = ({ operation, cause, at, leaver, skip }: Failure): object => ({
  operation: operation.id,
  cause: cause.id,
  connection: operation.connection,
  worker: operation.workerKey,
  target: operation.target,
  kind: operation.kind,
  transition: operation.transition,
  leaver,
  at,
  attempts: operation.attempts,
  outcome: operation.lastOutcome,
  skip,
});
