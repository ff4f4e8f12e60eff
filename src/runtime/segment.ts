// A sealed part of the audit as files beside the database: the entries as lines, and a signed manifest. The format is documented in
// docs/audit-format.md, so that others can check it without us.
import { createHash, type KeyObject, verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Instant } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import { keyId } from './proof.ts';

export interface Manifest {
  readonly v: 1;
  /** Of the database: another one is another log. */
  readonly instance: string;
  readonly first: number;
  readonly last: number;
  /** `prev_hash` of the first entry, and `hash` of the last. */
  readonly firstPrev: string;
  readonly lastHash: string;
  /** When the first and the last were written. */
  readonly from: Instant;
  readonly to: Instant;
  /** SHA-256 of the file of entries, lower-case hex. */
  readonly sha256: string;
  /** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). */
  readonly key: string;
}

/** An entry as the chain holds it; no personal values. */
export interface SegmentLine {
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
  readonly body: string;
}

const DIGITS = 12;
const nameOf = (first: number, last: number): string =>
  `audit-${String(first).padStart(DIGITS, '0')}-${String(last).padStart(DIGITS, '0')}`;
export const segmentFile = (dir: string, first: number, last: number): string =>
  join(dir, `${nameOf(first, last)}.jsonl`);
export const manifestFile = (dir: string, first: number, last: number): string =>
  join(dir, `${nameOf(first, last)}.json`);

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export const lineOf = ({ seq, prev, hash, body }: SegmentLine): string =>
  `${JSON.stringify({ seq, prev, hash, body })}\n`;

/** Written beside, flushed, then given its name: a file of that name is whole. An equal one is left. @throws Problem for another one. */
export async function writeWhole(
  path: string,
  dir: string,
  pages: AsyncIterable<string> | readonly string[],
): Promise<string> {
  await mkdir(dir, { recursive: true });
  const partial = `${path}.partial`;
  const hash = createHash('sha256');
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o600);
  try {
    for await (const page of pages) {
      hash.update(page);
      await file.appendFile(page);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const digest = hash.digest('hex');
  if (existsSync(path) && (await digestOf(path)) !== digest) {
    await rm(partial, { force: true });
    throw new Problem({
      code: 'audit.segment-exists',
      message: `${path} holds something else`,
      hint: 'segments of another history: move them away, they are not written over',
    });
  }
  await rename(partial, path);
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return digest;
}

export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export const isSigned = (manifest: JsonObject, sig: string, key: KeyObject): boolean =>
  manifest.key === keyId(key) && verify(null, Buffer.from(canonicalJson(manifest)), key, Buffer.from(sig, 'base64'));

/**
 * What is wrong with the file of a segment, in sentences; null where there is no file. `said` is what checkpoints say of entries:
 * number → hash.
 */
export async function fileFaults(
  dir: string,
  manifest: Manifest,
  said: ReadonlyMap<number, string> = new Map(),
): Promise<readonly { readonly seq: number; readonly reason: string }[] | null> {
  const { first, last } = manifest;
  const path = segmentFile(dir, first, last);
  if (!existsSync(path)) return null;
  const faults: { seq: number; reason: string }[] = [];
  const fault = (seq: number, reason: string): void =>
    void (faults.length < FAULTS_MAX && faults.push({ seq, reason }));
  if ((await digestOf(path)) !== manifest.sha256)
    fault(first, 'the file of the segment is not the one that was signed');
  let previous = manifest.firstPrev;
  let at = first - 1;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parsed(text);
    if (line === null) fault(at + 1, 'a line of the segment is no entry');
    else {
      if (line.seq !== at + 1) fault(at + 1, `it is gone from the segment, up to entry ${line.seq - 1}`);
      else if (line.prev !== previous) fault(line.seq, 'it does not follow the entry before it');
      if (line.hash !== sha256Hex(line.prev + line.body)) fault(line.seq, 'its text is not the one that was hashed');
      const point = said.get(line.seq);
      if (point !== undefined && point !== line.hash) fault(line.seq, 'a checkpoint says otherwise');
      at = line.seq;
      previous = line.hash;
    }
  }
  if (at !== last || previous !== manifest.lastHash) fault(at, 'the segment does not end where the log goes on');
  return faults;
}

const FAULTS_MAX = 1_000;

function parsed(text: string): SegmentLine | null {
  try {
    const { seq, prev, hash, body } = JSON.parse(text) as Partial<SegmentLine>;
    const whole = Number.isSafeInteger(seq) && [prev, hash, body].every((one) => typeof one === 'string');
    return whole ? ({ seq, prev, hash, body } as SegmentLine) : null;
  } catch {
    return null;
  }
}

/** The manifest beside a segment. @throws Problem where there is none that can be read. */
export function readManifest(path: string): { readonly manifest: Manifest; readonly sig: string } {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { manifest: Manifest; sig: string };
  } catch {
    throw new Problem({ code: 'audit.manifest', message: `${path} is no manifest of a segment` });
  }
}
