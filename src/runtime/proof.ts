// Signed checkpoints of the audit, in a file beside the database: whoever rewrites the log cannot rewrite what was signed of it.
// The format is documented in docs/audit-format.md, so that others can check it without us.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Instant } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import { fileProblem } from './file-problem.ts';

export const PROOF_REASONS = ['interval', 'leaver', 'release', 'deletion', 'stop'] as const;
export type ProofReason = (typeof PROOF_REASONS)[number];

/** What is said of the audit at one moment. */
export interface ProofPoint {
  readonly v: 1;
  /** Of the database: another one is another log. */
  readonly instance: string;
  /** The last entry there was, and its hash in lower-case hex. */
  readonly seq: number;
  readonly hash: string;
  readonly at: Instant;
  readonly why: ProofReason;
  /** SHA-256 of the line before, in lower-case hex; '' in the first. */
  readonly previous: string;
  /** First 16 hex digits of the SHA-256 of the public key (SPKI, DER); '' where nobody signs. */
  readonly key: string;
}

export interface ProofFault {
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;
}

export const proofFile = (dir: string): string => join(dir, 'checkpoints.jsonl');

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
export const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update((key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

/** @throws Problem where the file is not there, or holds no Ed25519 key. */
export function readSigningKey(path: string): KeyObject {
  return readKey(path, 'private', (pem) => createPrivateKey(pem));
}

/** A public key, or the public half of a private one. @throws Problem as `readSigningKey`. */
export function readVerifyKey(path: string): KeyObject {
  return readKey(path, 'public', (pem) => createPublicKey(pem));
}

function readKey(path: string, what: string, parse: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject | null = null;
  try {
    key = parse(readFileSync(path, 'utf8'));
  } catch {
    // Said below: the reason may quote the key.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new Problem({
    code: 'audit.key',
    message: `there is no Ed25519 ${what} key at ${path}`,
    hint: 'bring it back; where it is lost make another with rollcall audit key FILE, and keep it outside the state folder. What the lost one signed is checked by its public key: rollcall audit verify --public-key FILE FILE',
  });
}

/** Writes a new private key that only its owner can read. Never over another file. */
export function makeSigningKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new Problem({
      code: 'audit.key',
      message: `the key cannot be written to ${path} (${(error as { code?: string }).code ?? 'unknown'})`,
      hint: 'a key is never written over another file',
    });
  }
  return privateKey;
}

/** The text of one line, without its line break. */
export function proofLine(point: ProofPoint, key: KeyObject | null): string {
  const text = canonicalJson(point as unknown as JsonObject);
  const sig = key === null ? '' : sign(null, Buffer.from(text), key).toString('base64');
  return `{"point":${text},"sig":"${sig}"}`;
}

/**
 * Appends lines, each durable before it counts as written. One process at a time: whoever holds the lock of the state folder. The file
 * is opened by the first line, and anew after a failure: nobody's access waits for the folder of the checkpoints.
 */
export class ProofLog implements AsyncDisposable {
  readonly #dir: string;
  readonly #key: KeyObject | null;
  readonly #keyId: string;
  #open: { readonly file: FileHandle; previous: string } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(dir: string, key: KeyObject | null) {
    this.#dir = dir;
    this.#key = key;
    this.#keyId = key === null ? '' : keyId(key);
  }

  get signs(): boolean {
    return this.#key !== null;
  }

  /** Ed25519 over the text, in base64; both '' where nobody signs. */
  sign(text: string): { readonly key: string; readonly sig: string } {
    const sig = this.#key === null ? '' : sign(null, Buffer.from(text), this.#key).toString('base64');
    return { key: this.#keyId, sig };
  }

  /** @throws Problem `audit.checkpoint` where the file cannot be written; the line counts as not said then. */
  append(said: Omit<ProofPoint, 'v' | 'previous' | 'key'>): Promise<void> {
    const next = this.#last.then(async () => {
      try {
        await this.#append(said);
      } catch (error) {
        const open = this.#open;
        this.#open = null;
        await open?.file.close().catch(() => undefined);
        throw fileProblem(error, UNWRITTEN);
      }
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #append(said: Omit<ProofPoint, 'v' | 'previous' | 'key'>): Promise<void> {
    this.#open ??= await opened(this.#dir);
    const line = proofLine({ v: 1, ...said, previous: this.#open.previous, key: this.#keyId }, this.#key);
    await this.#open.file.appendFile(`${line}\n`);
    await this.#open.file.datasync();
    this.#open.previous = sha256Hex(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#open?.file.close();
  }
}

const UNWRITTEN = {
  code: 'audit.checkpoint',
  message: 'checkpoints of the audit cannot be written',
  hint: 'make room, or mount the folder of ROLLCALL_PROOF again; it is tried again every five minutes',
} as const;

async function opened(dir: string): Promise<{ readonly file: FileHandle; previous: string }> {
  mkdirSync(dir, { recursive: true });
  const file = await open(proofFile(dir), 'a+', 0o600);
  try {
    const text = await file.readFile('utf8');
    // A line that a crash or a full disk cut short is closed: it will be found faulty, and what follows it is not.
    if (text !== '' && !text.endsWith('\n')) await file.appendFile('\n');
    const last = text.split('\n').findLast((line) => line !== '');
    return { file, previous: last === undefined ? '' : sha256Hex(last) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export interface ProofRead {
  readonly points: readonly (ProofPoint & { readonly line: number; readonly signed: boolean })[];
  readonly faults: readonly ProofFault[];
}

/**
 * Reads the lines and checks what they say of each other; the keys check the signatures, without one they are only counted. Several
 * are trusted where a key was lost or replaced: each line is to be signed by one of them.
 */
export function readProof(text: string, trusted: readonly KeyObject[]): ProofRead {
  const points: (ProofPoint & { line: number; signed: boolean })[] = [];
  const faults: ProofFault[] = [];
  const keys = new Map(trusted.map((key) => [keyId(key), key]));
  let previous = '';
  let seq = 0;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const fault = (reason: string): void => void faults.push({ line, reason });
    const read = parsed(text);
    if (read === null) fault('it is no checkpoint');
    else {
      const { point, sig } = read;
      if (point.previous !== previous) fault('it does not follow the line before it');
      if (point.seq < seq) fault('it says less than the line before it');
      seq = Math.max(seq, point.seq);
      const signed = sig !== '';
      if (keys.size > 0) {
        const key = keys.get(point.key);
        const body = Buffer.from(canonicalJson(point as unknown as JsonObject));
        const good = signed && key !== undefined && verify(null, body, key, Buffer.from(sig, 'base64'));
        if (!good)
          fault(signed ? `its signature is not by key ${[...keys.keys()].join(' or ')}` : 'nobody has signed it');
      }
      points.push({ ...point, line, signed });
    }
    previous = sha256Hex(text);
  }
  return { points, faults };
}

function parsed(line: string): { readonly point: ProofPoint; readonly sig: string } | null {
  try {
    const { point, sig } = JSON.parse(line) as { point?: ProofPoint; sig?: unknown };
    const whole =
      typeof sig === 'string' &&
      point?.v === 1 &&
      Number.isSafeInteger(point.seq) &&
      point.seq >= 0 &&
      [point.hash, point.instance, point.at, point.previous, point.key].every((one) => typeof one === 'string');
    return whole ? { point, sig } : null;
  } catch {
    return null;
  }
}
