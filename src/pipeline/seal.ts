// Retention of the audit: what is older goes, page by page, into files that are signed and read back, and only then leaves the
// database. The chain goes on behind them: each segment says which hash the next entry follows.
import { DAY_MS, HOUR_MS, type Instant, instantOf, msOf, plusMs } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { EXIT, Problem } from '../base/problem.ts';
import { nowOf } from '../runtime/clock.ts';
import { fileProblem } from '../runtime/file-problem.ts';
import { fileFaults, lineOf, type Manifest, manifestFile, segmentFile, writeWhole } from '../runtime/segment.ts';
import type { ChainRow, NewAct, Store } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import type { House } from './house.ts';
import { instanceOf, worthProof } from './proof.ts';

/** Deleted in one transaction: some tenths of a second for the store's thread. */
const SEGMENT_ENTRIES_MAX = 50_000;
const PAGE = 1_000;
/** Explaining, replaying and reporting lean on what happened lately. */
export const AUDIT_KEEP_MIN_DAYS = 90;
/** With what is left over from the day before. */
const LOOK_EVERY_MS = 6 * HOUR_MS;

export interface Sealed {
  readonly segments: number;
  readonly entries: number;
  /** The last entry that is in a segment; 0 without any. */
  readonly last: number;
  readonly dir: string;
}

export interface SealOptions {
  /** Entries before this moment. */
  readonly until: Instant;
  readonly actor: string;
  /** For the entries that say so. */
  readonly why: JsonObject;
  /** No further segment is begun once it aborts. */
  readonly signal?: AbortSignal;
}

/** @throws Problem where nobody signs, a moment too near is asked for, or the log is not as it was written. */
export async function seal(house: House, { until, actor, why, signal }: SealOptions): Promise<Sealed> {
  const { store, proof } = house;
  if (proof === null || !proof.log.signs)
    throw refused(
      'audit.seal-unsigned',
      'segments of the audit are only made where somebody signs them',
      'set ROLLCALL_AUDIT_KEY',
    );
  const latest = plusMs(nowOf(house.clock), -AUDIT_KEEP_MIN_DAYS * DAY_MS);
  if (until > latest)
    throw refused(
      'audit.seal-near',
      `the last ${AUDIT_KEEP_MIN_DAYS} days of the audit stay in the database: until ${latest} at the latest`,
      'explain, replay and reports lean on them',
    );
  const { log, segmentsDir: dir } = proof;
  let sealed: Sealed = { segments: 0, entries: 0, last: (await store.segments()).at(-1)?.last ?? 0, dir };
  while (signal?.aborted !== true) {
    const span = await nextSpan(store, sealed.last, until);
    if (span === null) break;
    try {
      await sealSpan(house, span, { dir, actor, why }, (text) => log.sign(text));
    } catch (error) {
      throw fileProblem(error, UNWRITTEN);
    }
    sealed = {
      ...sealed,
      segments: sealed.segments + 1,
      entries: sealed.entries + span.last - span.first + 1,
      last: span.last,
    };
  }
  if (sealed.segments > 0) worthProof(house, 'deletion');
  return sealed;
}

const UNWRITTEN = {
  code: 'audit.seal-unwritable',
  message: 'segments of the audit cannot be written',
  hint: 'make room, or mount the folder of ROLLCALL_PROOF again; nothing was removed, and the daemon tries again',
} as const;

interface Span {
  readonly first: number;
  readonly last: number;
  readonly firstPrev: string;
  readonly lastHash: string;
  readonly from: Instant;
  readonly to: Instant;
}

const atOf = ({ body }: ChainRow): Instant => (JSON.parse(body) as { at: Instant }).at;

/** The next segment; null where nothing is old enough. The last entry of all stays: the chain goes on behind it. */
async function nextSpan(store: Store, after: number, until: Instant): Promise<Span | null> {
  const head = (await store.audit.head()).seq;
  let span = null as Span | null;
  for (let at = after; at - after < SEGMENT_ENTRIES_MAX; ) {
    const rows = await store.chain(at, PAGE);
    for (const row of rows) {
      const moment = atOf(row);
      if (moment >= until || row.seq >= head || row.seq - after > SEGMENT_ENTRIES_MAX) return span;
      span = {
        first: span?.first ?? row.seq,
        firstPrev: span?.firstPrev ?? row.prev,
        from: span?.from ?? moment,
        last: row.seq,
        lastHash: row.hash,
        to: moment,
      };
    }
    const last = rows.at(-1);
    if (last === undefined) return span;
    at = last.seq;
  }
  return span;
}

async function* linesOf(store: Store, { first, last }: Span): AsyncGenerator<string> {
  for (let at = first - 1; at < last; ) {
    const rows = (await store.chain(at, PAGE)).filter(({ seq }) => seq <= last);
    if (rows.length === 0) return;
    yield rows.map(lineOf).join('');
    at = rows.at(-1)?.seq ?? last;
  }
}

async function sealSpan(
  house: House,
  span: Span,
  { dir, actor, why }: Pick<SealOptions, 'actor' | 'why'> & { readonly dir: string },
  sign: (text: string) => { readonly key: string; readonly sig: string },
): Promise<void> {
  const { store } = house;
  const { first, last, firstPrev, lastHash } = span;
  const sha256 = await writeWhole(segmentFile(dir, first, last), dir, linesOf(store, span));
  const key = sign('').key;
  const manifest: Manifest = { v: 1, instance: await instanceOf(house), ...span, sha256, key };
  const [fault] = (await fileFaults(dir, manifest)) ?? [{ seq: first, reason: 'the file is gone' }];
  if (fault !== undefined)
    throw refused(
      'audit.seal-broken',
      `entry ${fault.seq}: ${fault.reason}; nothing was removed`,
      'every place: rollcall audit verify',
    );
  const text = canonicalJson(manifest as unknown as JsonObject);
  const { sig } = sign(text);
  await writeWhole(manifestFile(dir, first, last), dir, [`{"manifest":${text},"sig":"${sig}"}\n`]);
  await store.seal({
    first,
    last,
    firstPrev,
    lastHash,
    manifest: text,
    sig,
    at: nowOf(house.clock),
    entry: {
      kind: 'act',
      connection: null,
      workerKey: null,
      actor,
      body: { act: 'seal', ...why, first, last, lastHash, sha256 },
    },
  });
}

/** Seals what is older than so many days, as long as the daemon runs. */
export async function sealLoop(house: House, keepDays: number | null, signal: AbortSignal): Promise<void> {
  if (keepDays === null) return;
  while (!signal.aborted) {
    try {
      const until = plusMs(nowOf(house.clock), -keepDays * DAY_MS);
      const { segments, entries } = await seal(house, {
        until,
        actor: 'daemon',
        why: { reason: `kept for ${keepDays} days` },
        signal,
      });
      if (segments > 0) house.log.info({ segments, entries }, 'old entries of the audit were sealed');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      house.log.error(
        { code: error.faults[0]?.code, message: error.message },
        'old entries of the audit were not sealed',
      );
    }
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** The moment up to which entries are in segments; null without any. Reports of an earlier time would not be whole. */
export async function sealedUntil(store: Pick<Store, 'segments'>): Promise<Instant | null> {
  const moments = (await store.segments()).map(({ manifest }) => manifest.to as Instant);
  return moments.reduce<Instant | null>((max, one) => (max === null || msOf(one) > msOf(max) ? one : max), null);
}

/** Args: `until`, an instant. */
export async function sealAct(house: House, act: NewAct, signal: AbortSignal): Promise<ActResult> {
  const until = instantOf(String(act.args.until ?? ''));
  const { reason, osUser, channel } = act;
  const done = await seal(house, { until, actor: `operator:${act.by}`, why: { reason, osUser, channel }, signal });
  return {
    ok: true,
    message:
      done.segments === 0
        ? `no entry before ${until} is left to be sealed`
        : `${done.entries} entries in ${done.segments} segment(s), up to entry ${done.last}, are in ${done.dir} and not in the database any more`,
    exitCode: EXIT.fine,
    details: { ...done },
  };
}

const refused = (code: string, message: string, hint?: string): Problem =>
  new Problem({ code, message, ...(hint === undefined ? {} : { hint }) }, EXIT.failed);
