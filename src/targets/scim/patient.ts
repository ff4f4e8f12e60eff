// A question that belongs to no operation: it is asked again for a while, because nobody else would.
import type { Problem } from '../../base/problem.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { ScimRequest } from './requests.ts';

export interface PatienceDeps {
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 60_000;

export interface Patience {
  readonly tries: number;
  readonly failed: (why: string) => Problem;
  /** Answers beside `done` that are given back. */
  readonly also?: (answer: Answer) => boolean;
}

/** The answer, once it is `done`. @throws Problem made by `failed` when it does not become so, or the signal's reason. */
export async function patient(
  exchange: Exchange,
  request: ScimRequest,
  { wait, random }: PatienceDeps,
  signal: AbortSignal,
  { tries: most, failed, also = () => false }: Patience,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await exchange(request);
    const { outcome } = answer;
    if (outcome.class === 'done' || also(answer)) return answer;
    signal.throwIfAborted();
    if (outcome.class !== 'retry' || tries >= most) {
      throw failed(`the target answered ${outcome.code}${outcome.status === null ? '' : ` (HTTP ${outcome.status})`}`);
    }
    const backOff = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** (tries - 1)) * (0.5 + random() / 2);
    await wait(Math.max(Math.min(outcome.retryAfterMs ?? 0, WAIT_MAX_MS), backOff), signal);
    signal.throwIfAborted();
  }
}
