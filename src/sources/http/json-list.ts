// One page of JSON: its records are split off as they arrive, and what stands around them – totals, cursors, errors – is kept.

import { Problem } from '../../base/problem.ts';
import type { OpenAnswer } from '../../runtime/access/pool.ts';
import { decoderFor } from '../file/encoding.ts';
import { textOf } from '../file/feed-shape.ts';
import { JsonSplitter } from '../file/json-splitter.ts';
import { type ByteBudget, bytesOf, refuseWebPage } from './answer-bytes.ts';
import { Broken } from './asking.ts';

export interface ListPage {
  /** The document with its list of records empty; null where it is too large to be looked at. */
  readonly body: unknown;
}

/** Envelopes are small; what is larger is not looked at. */
const ENVELOPE_BYTES_MAX = 1024 * 1024;
/** Records of a page that are handed on together: what is made of them holds up the event loop for a few milliseconds. */
const WAITING_MAX = 50;
const LOOKED_AT_BYTES = 512;

/**
 * Reads a page to its end. `take` gets the texts of its records, some hundred at once; null stands for one that is too long to keep.
 * @throws Broken where the answer ends early, Problem where it cannot be split or holds no list: `envelope` is asked first whether
 * it says that something is wrong.
 */
export async function readJsonList(
  answer: OpenAnswer,
  recordPath: string | null,
  budget: ByteBudget,
  signal: AbortSignal,
  take: (texts: readonly (string | null)[]) => Promise<void>,
  envelope: (body: unknown) => void,
): Promise<ListPage> {
  const waiting: (string | null)[] = [];
  const handOn = async (): Promise<void> => {
    await take(waiting.splice(0, WAITING_MAX));
    // Webhooks and leavers go on meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
  };
  const around = new ByteList(ENVELOPE_BYTES_MAX);
  const splitter = new JsonSplitter(
    recordPath,
    {
      record: (bytes, start, end) => void waiting.push(textOf(bytes, start, end)),
      overlong: () => void waiting.push(null),
    },
    (byte) => around.push(byte),
  );
  const decoder = decoderFor({ name: 'utf-8', markBytes: 0 }, () => splitter.line);
  let first = true;
  try {
    for await (const chunk of bytesOf(answer, budget, signal)) {
      if (first) {
        const start = withoutMark(chunk);
        refuseWebPage(Buffer.from(start.subarray(0, LOOKED_AT_BYTES)).toString('latin1'));
        splitter.push(decoder.push(start));
        first = false;
      } else splitter.push(decoder.push(chunk));
      while (waiting.length >= WAITING_MAX) await handOn();
    }
    if (first) throw new Broken('the answer is empty');
    splitter.push(decoder.end());
    splitter.end();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [fault] = error.faults;
    // A body that was cut looks like this where the connection does not say so: without a length it ends like any other.
    if (fault?.code === 'feed.truncated') throw new Broken('the answer ends in the middle');
    if (fault?.code === 'feed.no-records') envelope(around.json());
    throw error;
  }
  const body = around.json();
  envelope(body);
  while (waiting.length > 0) await handOn();
  return { body };
}

const MARK = [0xef, 0xbb, 0xbf];
const withoutMark = (chunk: Uint8Array): Uint8Array =>
  MARK.every((byte, index) => chunk[index] === byte) ? chunk.subarray(MARK.length) : chunk;

/** Bytes up to a bound; beyond it nothing is kept at all. */
class ByteList {
  #bytes = Buffer.allocUnsafe(1_024);
  #used = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  push(byte: number): void {
    if (this.#used === this.#bytes.length) {
      if (this.#used >= this.#max) return;
      const wider = Buffer.allocUnsafe(2 * this.#used);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    this.#bytes[this.#used++] = byte;
  }

  /** Null where it is cut, or no JSON. */
  json(): unknown {
    if (this.#used >= this.#max) return null;
    try {
      return JSON.parse(this.#bytes.toString('utf8', 0, this.#used)) as unknown;
    } catch {
      return null;
    }
  }
}
