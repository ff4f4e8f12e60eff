// What became of uploads: from the provisioning logs, and for those who leave from the account itself. A line about an earlier upload
// must not confirm a later one, so a leave is confirmed by what is said of the account, never by the mere word success.
import { DAY_MS, HOUR_MS, MINUTE_MS, msOf } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { AccountNews, Outcome } from '../../lifecycle/outcome.ts';
import type { Accepted } from '../../planning/changeset.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import { type Confirmation, type Confirmed, type Delivered, NOBODY } from '../target.ts';
import type { Job } from './job.ts';
import type { LogLine, Logs } from './logs.ts';
import { type Ticket, ticketIn } from './ticket.ts';
import type { Users } from './users.ts';

export interface ConfirmParts {
  readonly job: Job;
  readonly logs: Logs;
  readonly users: Users;
  readonly matching: string;
  /** Why nobody but leavers gets a call now; null: they do. */
  readonly spent: () => string | null;
  readonly now: () => number;
}

/** Leavers whose accounts are read in one look; the others are looked at in the next one. */
const READ_MAX = 200;
/** So old at most is a line that is looked for: logs are kept for 7 to 30 days. */
const OLDEST_MS = 7 * DAY_MS;

/** What the looks before this one found. */
export interface Seen {
  /** When all lines since the oldest upload were read. */
  wideAtMs: number;
  /** When the job was seen to do nothing. */
  heldAtMs: number;
  /** The last operation whose account was read: the next look goes on behind it, so that none keeps the others waiting for ever. */
  readUpTo: number;
}

export const nothingSeen = (): Seen => ({
  wideAtMs: Number.NEGATIVE_INFINITY,
  heldAtMs: Number.NEGATIVE_INFINITY,
  readUpTo: 0,
});

/** One accepted operation with what is known of its upload. */
interface Upload {
  readonly accepted: Accepted;
  readonly ticket: Ticket;
  readonly matching: string;
}

/** @throws Problem where the logs, or the users, cannot be read and nothing else is known. */
export async function confirmUploads(
  waiting: readonly Accepted[],
  parts: ConfirmParts,
  seen: Seen,
  signal: AbortSignal,
): Promise<Confirmation> {
  const { job, logs, users, now } = parts;
  const state = await job.stateNow(signal);
  if (state.kind === 'paused' || state.kind === 'quarantined') seen.heldAtMs = now();
  const uploads = waiting.flatMap((accepted): readonly Upload[] => {
    const ticket = ticketIn(accepted.ticket);
    const matching = ticket?.matching ?? matchingOf(accepted, parts.matching);
    return ticket === null || matching === null ? [] : [{ accepted, ticket, matching }];
  });
  const answers = new Map<number, Confirmed>();
  const answer = (upload: Upload, delivered: Delivered | null): void => {
    if (delivered !== null) answers.set(upload.accepted.id, { id: upload.accepted.id, delivered });
  };
  const active = await readLeavers(
    uploads.filter(({ accepted }) => isLeave(accepted)),
    users,
    seen,
    signal,
  );
  for (const upload of uploads) {
    // An upload that is not processed yet may still make the account of somebody who has none, or switch on the one that is off.
    if (isLeave(upload.accepted) && active.get(upload.matching) === 'inactive' && upload.ticket.behind !== true)
      answer(upload, ended(upload, 'read-inactive'));
  }
  const lines = uploads.length === 0 ? [] : await linesSince(uploads, logs, seen, now(), signal);
  const byIdentity = Map.groupBy(
    lines.filter(({ identity }) => identity !== null),
    ({ identity }) => String(identity),
  );
  let staged = 0;
  for (const upload of uploads) {
    if (answers.has(upload.accepted.id)) continue;
    const about = (byIdentity.get(upload.matching) ?? [])
      .filter(({ atMs }) => atMs >= upload.ticket.atMs)
      .toSorted((a, b) => a.atMs - b.atMs);
    const last = about.at(-1);
    if (isLeave(upload.accepted) && active.get(upload.matching) === 'inactive') {
      if (nothingComes(upload, last, seen, now())) answer(upload, ended(upload, 'read-inactive'));
      else if (last?.action.startsWith('staged') === true) staged += 1;
      continue;
    }
    if (last === undefined) continue;
    if (last.action.startsWith('staged')) staged += 1;
    else if (isLeave(upload.accepted)) answer(upload, leaveSaid(upload, last, active.get(upload.matching) ?? null));
    else if (mayBeBelieved(upload, about, now())) answer(upload, said(upload, last));
  }
  const behind = uploads.filter(
    ({ accepted, ticket }) => !answers.has(accepted.id) && ticket.atMs <= seen.heldAtMs,
  ).length;
  const catching = behind > 0 && Math.abs(now() - seen.heldAtMs) < CATCH_UP_MS ? behind : 0;
  return { answers: [...answers.values()], stalled: stalledBy(state, { staged, catching, spent: parts.spent() }) };
}

type Read = 'active' | 'inactive' | 'nobody';

/** What the accounts themselves say. Where they cannot be read, log lines are all there is. */
async function readLeavers(
  uploads: readonly Upload[],
  users: Users,
  seen: Seen,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Read>> {
  const read = new Map<string, Read>();
  if (!users.reads) return read;
  const behind = uploads.filter(({ accepted }) => accepted.id > seen.readUpTo);
  const turn = [...behind, ...uploads.filter((one) => !behind.includes(one))].slice(0, READ_MAX);
  try {
    for (const { matching, accepted } of turn) {
      seen.readUpTo = accepted.id;
      const found = await users.matching(matching, signal, true);
      if (found.length > 0) read.set(matching, found.some((one) => one.active) ? 'active' : 'inactive');
      else if ((await users.named(accepted.userName, signal, true)).length === 0) read.set(matching, 'nobody');
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return read;
}

/** Newest lines, and once in a while all since the oldest upload, in case one came later than anybody looks back. */
const WIDE_EVERY_MS = HOUR_MS;

async function linesSince(
  uploads: readonly Upload[],
  logs: Logs,
  seen: Seen,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  const oldestMs = uploads.reduce((least, { ticket }) => Math.min(least, ticket.atMs), Number.POSITIVE_INFINITY);
  const late = uploads.some(({ accepted, ticket }) => nowMs > (ticket.atMs + msOf(accepted.deadline)) / 2);
  const anew = late && logs.isCurrent() && Math.abs(nowMs - seen.wideAtMs) >= WIDE_EVERY_MS;
  if (anew) seen.wideAtMs = nowMs;
  return logs.read(Math.max(oldestMs, nowMs - OLDEST_MS), anew, signal);
}

const matchingOf = ({ externalId, userName }: Accepted, matching: string): string | null => {
  if (matching === 'externalId') return externalId === '' ? null : externalId;
  return matching === 'userName' && userName !== '' ? userName : null;
};

const isLeave = ({ kind, lane, active }: Accepted): boolean =>
  kind === 'disable' || (!active && (lane === 'leaver' || lane === 'emergency'));

/** Jobs run at least so often: what was taken in earlier has its line by then. */
const QUIET_MS = 40 * MINUTE_MS;

const quietMs = ({ ticket, accepted }: Upload): number =>
  Math.min(QUIET_MS, (msOf(accepted.deadline) - ticket.atMs) / 2);

/**
 * Whether no earlier upload can give access back to an account that is off now: its own line says so, or nothing came for a while
 * from a job that works. Of uploads by one worker those that came first are processed first.
 */
function nothingComes(upload: Upload, last: LogLine | undefined, { heldAtMs }: Seen, nowMs: number): boolean {
  const isItsOwn = last !== undefined && SUCCEEDED.has(last.status) && last.inactive === true;
  const sinceMs = Math.max(last?.atMs ?? upload.ticket.atMs, heldAtMs);
  return isItsOwn || nowMs - sinceMs >= quietMs(upload);
}

/**
 * Where an earlier upload of the same worker may have been unprocessed, one line may be about that: two are needed, or that nothing
 * more comes for a while.
 */
function mayBeBelieved(upload: Upload, lines: readonly LogLine[], nowMs: number): boolean {
  const { ticket } = upload;
  const last = lines.at(-1);
  if (ticket.behind !== true || lines.length > 1 || last === undefined) return true;
  return nowMs - last.atMs >= quietMs(upload);
}

// ── one line ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Skipped because nothing differed: known from the field, no reference names it. */
const NOTHING_DIFFERED = /^redundantexport$/i;

const SUCCEEDED: ReadonlySet<string> = new Set(['success', 'warning']);

/** Null where the line says nothing of what was asked. */
function said(upload: Upload, line: LogLine): Delivered | null {
  const { accepted } = upload;
  if (SUCCEEDED.has(line.status)) {
    // The account was switched off by something else: that is no answer to an upload that was to leave it on.
    if (accepted.active && line.inactive === true) return null;
    return done(upload, line.status === 'warning' ? 'warning' : 'provisioned', line.reason);
  }
  if (line.status === 'skipped')
    return NOTHING_DIFFERED.test(line.errorCode ?? '')
      ? done(upload, 'nothing-differed', line.reason)
      : { outcome: refused(line, 'skipped') };
  return line.status === 'failure' ? { outcome: refused(line, 'failure') } : null;
}

/** `read`: what the account itself says; null where it was not read. */
function leaveSaid(upload: Upload, line: LogLine, read: Read | null): Delivered | null {
  if (SUCCEEDED.has(line.status)) {
    // It reads active although the log says otherwise: reading may lag behind, and the deadline bounds that.
    if (read === 'active' || line.inactive !== true) return null;
    return ended(upload, 'provisioned');
  }
  // An account that was confirmed once and is not found may be there under another property than we ask for.
  if (read === 'nobody' && upload.accepted.remoteId === null) return { outcome: concluded(DONE, { code: NOBODY }) };
  if (line.status === 'skipped') {
    if (read === null && upload.ticket.behind !== true && NOTHING_DIFFERED.test(line.errorCode ?? ''))
      return ended(upload, 'nothing-differed');
    return { outcome: refused(line, 'skipped') };
  }
  return line.status === 'failure' ? { outcome: refused(line, 'failure') } : null;
}

const DONE: Outcome = concluded(NOTHING_SENT, { code: 'provisioned', countsAsAttempt: true });

const done = (upload: Upload, code: string, detail: string): Delivered => ({
  outcome: concluded(DONE, { code, detail }),
  account: newsOf(upload),
});

const ended = (upload: Upload, code: string): Delivered => ({
  outcome: concluded(DONE, { code }),
  account: { ...newsOf(upload), active: false },
});

/** The account is addressed by its matching value from now on. */
const newsOf = ({ accepted, matching }: Upload): AccountNews => ({
  remoteId: matching,
  active: accepted.kind === 'disable' ? false : accepted.active,
});

/** Microsoft's own code and words. */
const refused = ({ errorCode, reason }: LogLine, status: string): Outcome =>
  concluded(DONE, {
    class: 'permanent',
    code: errorCode ?? status,
    detail: reason === '' ? `the provisioning log says ${status}` : `${status}: ${reason}`,
  });

// ── the job as a whole ──────────────────────────────────────────────────────────────────────────────────────────────

interface Behind {
  /** Changes that an administrator has to allow. */
  readonly staged: number;
  /** Changes that a job which works again has yet to get to. */
  readonly catching: number;
  readonly spent: string | null;
}

/** What a job took in before it was held is given so long once it works again: sending it again at once would only double it. */
const CATCH_UP_MS = HOUR_MS;

export function stalledBy(
  state: Awaited<ReturnType<Job['state']>>,
  { staged, catching, spent }: Behind,
): Confirmation['stalled'] {
  if (state.kind === 'paused' || state.kind === 'quarantined')
    return { code: `job-${state.kind}`, detail: state.detail, leavers: true };
  if (staged > 0)
    return {
      code: 'staged',
      detail: `${staged} change(s) wait behind its accidental deletions threshold until an administrator allows them in the provisioning logs`,
      leavers: true,
    };
  if (catching > 0)
    return {
      code: 'job-resumed',
      detail: `its job works again, and ${catching} change(s) from before wait to be processed`,
      leavers: true,
    };
  return spent === null ? null : { code: 'quota-spent', detail: spent, leavers: false };
}
