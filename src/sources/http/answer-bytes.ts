// The body of an answer as bytes, unpacked and bounded. A body that ends before its end is told apart from one that is too large.
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '../../base/problem.ts';
import { faultCode, type OpenAnswer } from '../../runtime/access/pool.ts';
import { Broken } from './asking.ts';

/** Bytes of all answers of one look together, unpacked. */
export class ByteBudget {
  #left: number;
  readonly #megabytes: number;

  constructor(megabytes: number) {
    this.#megabytes = megabytes;
    this.#left = megabytes * 1024 * 1024;
  }

  /** @throws Problem when there are none left. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    throw new Problem({
      code: 'source.too-large',
      message: `The answers of the source are larger than ${this.#megabytes} MB.`,
      hint: 'raise source.limits.megabytes if that is right',
    });
  }
}

/** Answers that are read as a whole: one worker, a batch, a page of XML. */
export const WHOLE_BYTES_MAX = 32 * 1024 * 1024;

/** The chunks of a body. @throws Broken when it ends early, Problem when it is too large or packed in a way that is not known. */
export async function* bytesOf(
  answer: OpenAnswer,
  budget: ByteBudget,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const packed = (answer.header('content-encoding') ?? 'identity').trim().toLowerCase();
  const unpack = packed === 'gzip' || packed === 'x-gzip' ? createGunzip() : null;
  if (unpack === null && packed !== 'identity' && packed !== '') {
    answer.discard();
    throw new Problem({
      code: 'source.encoding',
      message: 'The answer is packed in a way that was not asked for.',
      hint: 'only gzip is asked for: look at what stands between us and the source',
    });
  }
  const body: Readable = unpack === null ? answer.body : answer.body.pipe(unpack);
  if (unpack !== null) answer.body.once('error', (error) => unpack.destroy(error));
  // Whoever stops reading destroys the body, which it tells as an error that nobody waits for any more.
  answer.body.on('error', () => {});
  const stop = (): void => void answer.body.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      budget.take(chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Broken(`the answer broke off (${faultCode(error, signal)})`);
  } finally {
    signal.removeEventListener('abort', stop);
    answer.body.destroy();
    unpack?.destroy();
  }
}

/** The whole body as text. @throws as `bytesOf`; Problem where it is no UTF-8. */
export async function wholeText(answer: OpenAnswer, budget: ByteBudget, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytesOf(answer, budget, signal)) {
    length += chunk.length;
    if (length > WHOLE_BYTES_MAX) {
      throw new Problem({
        code: 'source.too-large',
        message: `One answer is larger than ${WHOLE_BYTES_MAX / 1024 / 1024} MB.`,
        hint: 'ask for fewer records at once',
      });
    }
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Problem({ code: 'feed.encoding', message: 'The answer is no UTF-8.', hint: 'ask the source for UTF-8' });
  }
}

/** @throws Problem where a page for people came instead of records: a login, a proxy's notice. */
export function refuseWebPage(first: string): void {
  if (!/^\s*<(?:!doctype\s+html|html|head|body|script|title)\b/i.test(first)) return;
  throw new Problem({
    code: 'source.web-page',
    message: 'The source answers with a web page instead of records.',
    hint: 'a login page or a notice of something in between: check baseUrl, auth and proxy',
  });
}
