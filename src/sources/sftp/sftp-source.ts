// HR exports dropped into a folder of an SFTP server. One connection at a time lists the folder and fetches the file to judge now
// into a nameless copy; from there on it is read like any file. A transfer that does not end well has no effect.
import { matchesGlob, posix } from 'node:path';
import type { Finding } from '../../base/finding.ts';
import type { Instant } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import { archive } from '../file/archive.ts';
import { type Candidate, candidatesAmong, newestOf, nextDelta, olderThan } from '../file/candidates.ts';
import { keepsPromises, promisedChecksums } from '../file/checksum.ts';
import { asOfOf, checkSettings, type DropSettings, deliveryId, stampOf, writtenAtOf } from '../file/file-source.ts';
import { namelessFile, SharedCopy } from '../file/local-copy.ts';
import { openDelivery } from '../file/open-delivery.ts';
import { byMarker, isCompanion, Stillness } from '../file/readiness.ts';
import { changedFeed } from '../file/rows.ts';
import type { Seen } from '../file/shelf.ts';
import { unwrapped } from '../file/unwrap.ts';
import { CHUNK_BYTES, type OpenFile } from '../file/walk.ts';
import type { Look, Source } from '../source.ts';
import type { SessionDeps, SftpAccess } from './line.ts';
import { openSession, type RemoteEntry, type SftpSession } from './session.ts';

export interface SftpSourceSettings extends DropSettings {
  /** On the server, relative to the folder that the user lands in; wildcards in the name of the file only. */
  readonly path: string;
  /** A larger file is not fetched. */
  readonly maxBytes: number;
  readonly access: SftpAccess;
}

export interface SftpSourceDeps extends SessionDeps {
  /** Where the copies lie. */
  readonly stateDir: string;
}

/** Servers tell times in whole seconds: a copy that was made within the second of the last write may be of what was there before. */
const STILL_MS = 2_000;
/** After a file went away between two questions. */
const SOON_MS = 1_000;

/** The last file that was fetched: as long as it stays the same on the server, a look costs a listing. */
interface Kept {
  /** Name, size, time and checksums. */
  readonly mark: string;
  readonly file: OpenFile;
  readonly proofs: readonly string[];
}

/** @throws Problem when the settings contradict each other. */
export function sftpSource(settings: SftpSourceSettings, deps: SftpSourceDeps): Source {
  checkSettings(settings);
  const folder = posix.dirname(settings.path);
  const pattern = posix.basename(settings.path);
  const { marker } = settings.complete;
  const { content, timeZone } = settings;
  const stillness = new Stillness();
  const unwrapping = { pgp: settings.pgp ?? null, stateDir: deps.stateDir, now: deps.now };
  let kept: SharedCopy<Kept> | null = null;
  let last: Promise<unknown> = Promise.resolve();

  /** One connection at a time, in order of asking. */
  function connected<T>(signal: AbortSignal, work: (session: SftpSession) => Promise<T>): Promise<T> {
    const mine = last.then(async () => {
      await using session = await openSession(settings.access, deps, signal);
      // Awaited here: else the connection ends before the work does.
      return await work(session);
    });
    last = mine.catch(() => undefined);
    return mine;
  }

  async function listed(session: SftpSession): Promise<{
    readonly candidates: readonly Candidate[];
    readonly modified: (candidate: Candidate) => Promise<number>;
  }> {
    const entries = await session.list(folder);
    const times = new Map(entries.map(({ name, mtimeMs }) => [name, mtimeMs]));
    const candidates = await candidatesAmong(matching(entries, pattern), {
      dir: folder,
      rest: pattern,
      timeZone,
      isCompanion: (name) => isCompanion(name, marker),
    });
    return { candidates, modified: async ({ name }) => times.get(name) ?? Number.NEGATIVE_INFINITY };
  }

  async function look(now: Instant, signal: AbortSignal): Promise<Look> {
    const doneBefore = settings.lastDelta?.() ?? null;
    const found = await connected(signal, async (session) => {
      const { candidates, modified } = await listed(session);
      const candidate =
        content === 'snapshot' ? await newestOf(candidates, modified) : nextDelta(candidates, doneBefore, timeZone);
      return candidate === null ? null : fetched(session, candidate, now, signal);
    });
    if (found === null) return { kind: 'nothing', reason: `no new file matches ${pattern}` };
    if ('kind' in found) return found;
    const { candidate, seen, asOf, proof, copy } = found;
    let open = true;
    try {
      const delivery = await openDelivery(
        {
          file: copy.content.file,
          settings,
          id: deliveryId(candidate.name, seen),
          asOf,
          ...writtenAtOf(candidate, seen),
          readyProof: proof,
          proofs: copy.content.proofs,
          promised: [],
          // Nobody else can write to the copy.
          unchanged: async () => {},
          close: () => copy.release(),
          ...(settings.archive === undefined || settings.archive === null
            ? {}
            : { accepted: (aborted) => connected(aborted, (one) => moveAway(one, candidate, seen, doneBefore)) }),
        },
        signal,
      );
      open = false;
      return { kind: 'delivery', delivery };
    } finally {
      if (open) await copy.release();
    }
  }

  async function fetched(session: SftpSession, candidate: Candidate, now: Instant, signal: AbortSignal) {
    const { name, path } = candidate;
    const seen = await session.shelf.look(path);
    if (seen === null) return notYet(`${name} went away`, SOON_MS);
    checkSeen(name, seen, settings.maxBytes);
    const ready =
      marker === undefined
        ? stillness.look(path, seen, deps.now(), settings.stableMs)
        : await byMarker(path, seen, marker, session.shelf);
    if (!ready.ready) return notYet(ready.reason, ready.retryAfterMs);
    const asOf = asOfOf(candidate, now);
    const promised = await promisedChecksums(path, session.shelf);
    const mark = JSON.stringify([path, seen.mark, promised]);
    const common = { candidate, seen, asOf, proof: ready.proof };
    if (kept !== null && kept.content.mark === mark) return { ...common, copy: kept.use() };

    const still = stillness.stillMs(path, seen.mark, deps.now()) >= STILL_MS;
    const raw = await namelessFile(deps.stateDir);
    let fresh: SharedCopy<Kept> | null = null;
    try {
      await session.fetch(path, seen.size, raw);
      if ((await session.shelf.look(path))?.mark !== seen.mark) throw changedFeed(name);
      const file = { handle: raw, name, size: seen.size, chunkBytes: CHUNK_BYTES };
      const proofs = await keepsPromises(file, promised, signal);
      const out = await unwrapped(file, unwrapping, signal);
      const handle = out.copy ?? raw;
      fresh = new SharedCopy({ mark: still ? mark : '', file: out.file, proofs: [...proofs, ...out.proofs] }, () =>
        handle.close(),
      );
      if (out.copy !== null) await raw.close();
    } finally {
      if (fresh === null) await raw.close();
    }
    await kept?.release();
    kept = fresh;
    return { ...common, copy: fresh.use() };
  }

  /** Older snapshots first: they would be the newest without this one. Of deltas, what a crash left behind goes along. */
  async function moveAway(session: SftpSession, candidate: Candidate, seen: Seen, doneBefore: string | null) {
    const { candidates, modified } = await listed(session);
    const older =
      content === 'snapshot'
        ? await olderThan(candidate, candidates, modified)
        : candidates.filter(({ name }) => name === doneBefore && name !== candidate.name);
    const now = await session.shelf.look(candidate.path);
    // Whatever took its place has not been read.
    const own = now !== null && now.mark === seen.mark ? [candidate] : [];
    const paths = [...older, ...own].map(({ path }) => path);
    const where = { folder: settings.archive ?? '', marker, stamp: stampOf(deps.now()) };
    await archive(paths, where, session.mover);
  }

  return {
    look,
    // A server tells nobody that something moved: the schedule looks.
    watch: () => {},
    probe: async (_now, signal) =>
      connected(signal, async (session) => {
        const found: Finding[] = [
          { code: 'source.reachable', verdict: 'good', message: 'the server shows the pinned key and lets us in' },
        ];
        const { candidates } = await listed(session);
        const others = candidates.length === 1 ? 'one file matches' : `${candidates.length} files match`;
        found.push({
          code: 'source.files',
          verdict: candidates.length === 0 ? 'note' : 'good',
          message: `${others} ${pattern}`,
        });
        return [...found, ...(await archiveFinding(session, folder, settings.archive ?? null))];
      }),
    close: async () => {
      await last;
      await kept?.release();
      kept = null;
    },
  };
}

/** Only looked at: whether we may write there shows when the first delivery is done with. */
async function archiveFinding(
  session: SftpSession,
  folder: string,
  archiveFolder: string | null,
): Promise<readonly Finding[]> {
  if (archiveFolder === null) return [];
  const seen = await session.shelf.look(posix.join(folder, archiveFolder));
  if (seen === null) {
    const message = `the archive ${archiveFolder} is not there yet: it is made with the first delivery that is done with`;
    return [{ code: 'source.archive', verdict: 'note', message }];
  }
  if (!seen.isFile)
    return [{ code: 'source.archive', verdict: 'good', message: `the archive ${archiveFolder} is there` }];
  const hint = 'remove the file, or name another folder in source.archive';
  return [
    { code: 'source.archive', verdict: 'configuration', message: `the archive ${archiveFolder} is a file`, hint },
  ];
}

async function* matching(entries: readonly RemoteEntry[], pattern: string): AsyncGenerator<string> {
  for (const { name } of entries) if (name === pattern || matchesGlob(name, pattern)) yield name;
}

const notYet = (reason: string, retryAfterMs: number) => ({ kind: 'notYet' as const, reason, retryAfterMs });

function checkSeen(name: string, { isFile, size }: Seen, maxBytes: number): void {
  if (!isFile) {
    throw new Problem({
      code: 'feed.not-a-file',
      message: 'This is not a regular file.',
      hint: 'narrow the path so that only files of the feed match',
      place: { file: name },
    });
  }
  if (!Number.isSafeInteger(size) || size > maxBytes) {
    throw new Problem({
      code: 'feed.too-large',
      message: `The file is larger than ${maxBytes} bytes, so it was not fetched.`,
      hint: 'look at what writes it, or raise source.maxBytes',
      place: { file: name },
    });
  }
}
