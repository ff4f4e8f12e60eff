// One answer as it comes in, without the stream that undici's `request` makes of every body: for a body of some hundred bytes such
// a stream costs more than all that is done with it.
import { setTimeout as later } from 'node:timers';
import type { Dispatcher } from 'undici';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type HttpAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly header: (name: string) => string | null;
      readonly body: string;
    }
  /** `code` is the transport's own word for what went wrong; `detail` may say more to people. */
  | { readonly kind: 'fault'; readonly code: string; readonly detail?: string };

export type Ended = Extract<HttpAnswer, { kind: 'answer' }> | { readonly kind: 'failed'; readonly error: unknown };
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Sends one request. Never rejects; `timeoutMs` bounds the body from its first bytes on, the dispatcher bounds the rest. */
export function replyTo(
  dispatcher: Dispatcher,
  { method, path, headers, body }: HttpRequest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Ended> {
  const reply = new Reply(timeoutMs, signal);
  dispatcher.dispatch({ method, path, headers, ...(body === '' ? {} : { body }) }, reply);
  return reply.ended;
}

class Reply implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Ended>;
  readonly #timeoutMs: number;
  readonly #underWay: Set<Reply>;
  readonly #chunks: Buffer[] = [];
  #end: (ended: Ended) => void = () => {};
  #cut: Error | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #headers: Headers = {};
  #bytes = 0;
  #slow: NodeJS.Timeout | null = null;

  constructor(timeoutMs: number, signal: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#underWay = underWayOf(signal);
    if (signal.aborted) this.#cut = CUT_OFF;
    else this.#underWay.add(this);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** What waits for a connection is cut off when it gets one. */
  cut(reason: Error): void {
    this.#cut ??= reason;
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cut !== null) controller.abort(this.#cut);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // Bounded in size by the pool and in time here: a body that drips resets the pool's own timeout with each drop. Most bodies
    // are complete with their first bytes.
    if (this.#slow === null && this.#bytes !== Number(this.#headers['content-length']))
      this.#slow = later(() => this.cut(SLOW_BODY), this.#timeoutMs);
  }

  onResponseEnd(): void {
    this.#leave();
    const headers = this.#headers;
    this.#end({
      kind: 'answer',
      status: this.#status,
      header: (name) => {
        const value = headers[name];
        return (typeof value === 'string' ? value : value?.[0]) ?? null;
      },
      body: textOf(this.#chunks),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: unknown): void {
    this.#leave();
    this.#end({ kind: 'failed', error });
  }

  #leave(): void {
    if (this.#slow !== null) clearTimeout(this.#slow);
    this.#underWay.delete(this);
  }
}

const SLOW_BODY = Object.assign(new Error('slow body'), { code: 'body-timeout' });
const CUT_OFF = new Error('cut off');

const BYTE_ORDER_MARK = '\ufeff';

/** UTF-8. */
function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  if (first === undefined) return '';
  const text = (chunks.length === 1 ? first : Buffer.concat(chunks)).toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

const cuts = new WeakMap<AbortSignal, Set<Reply>>();

/** Answers that a signal cuts off: one listener on the signal instead of one for each request. */
function underWayOf(signal: AbortSignal): Set<Reply> {
  const known = cuts.get(signal);
  if (known !== undefined) return known;
  const underWay = new Set<Reply>();
  signal.addEventListener(
    'abort',
    () => {
      for (const reply of underWay) reply.cut(CUT_OFF);
    },
    { once: true },
  );
  cuts.set(signal, underWay);
  return underWay;
}
