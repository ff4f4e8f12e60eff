// What is wrong with the endpoint of one seed: chance decides for every request whether it is served, refused, delayed, or
// served and then denied.
import type { Act, LoggedRequest } from '../support/fake-idp.ts';

export const LIES = [
  /** Applied, then the connection drops. */
  'lostReply',
  /** The connection drops before anything is applied. */
  'reset',
  /** 429 with Retry-After, in seconds or as a date. */
  'tooMany',
  /** 503, with or without Retry-After. */
  'unavailable',
  /** 500 before anything is applied. */
  'broken',
  /** Applied, then 500, 502 or 504. */
  'brokenAfter',
  /** Served late. */
  'slow',
  /** Served at once, answered late. */
  'slowReply',
  /** A disable that is answered like one that took effect, and took none. */
  'pretended',
  /** Never answered, nothing applied. */
  'hung',
  /** A create that is applied only after the client has given up on it. */
  'lateCreate',
] as const;
export type Lie = (typeof LIES)[number];

export interface LiarSettings {
  readonly random: () => number;
  /** What the endpoint's clock says; for dates in answers. */
  readonly now: () => number;
  /** Share of requests that are not served as they should be. */
  readonly rate: number;
  readonly lies: readonly Lie[];
  /** From which request on, and for how many, everything is refused with 429 or 503. */
  readonly storms: readonly { readonly from: number; readonly requests: number }[];
}

export interface Liar {
  readonly act: (request: LoggedRequest) => Promise<Act | null>;
  /** From now on the endpoint is honest. */
  readonly stop: () => void;
  readonly told: Readonly<Record<Lie, number>>;
}

/** A lie of these kinds costs a whole timeout in real time. */
const HANGS_MAX = 3;
const SLOW_MS_MAX = 120;
const DISABLES_PRETENDED = 0.4;
const RETRY_AFTER_S_MAX = 20;
const LOOK_EVERY_MS = 5;

export function liarOf({ random, now, rate, lies, storms }: LiarSettings): Liar {
  const told = Object.fromEntries(LIES.map((lie) => [lie, 0])) as Record<Lie, number>;
  let honest = false;
  let seen = 0;
  let hangs = 0;

  const chosen = (request: LoggedRequest): Lie | null => {
    seen += 1;
    if (storms.some(({ from, requests }) => seen >= from && seen < from + requests))
      return random() < 0.5 ? 'tooMany' : 'unavailable';
    // Disables are few among the requests, and they matter most.
    if (lies.includes('pretended') && fits('pretended', request) && random() < DISABLES_PRETENDED) return 'pretended';
    if (random() >= rate) return null;
    const fitting = lies.filter((lie) => fits(lie, request));
    return fitting[Math.floor(random() * fitting.length)] ?? null;
  };
  const fits = (lie: Lie, { method, path, body }: LoggedRequest): boolean => {
    if (lie === 'pretended') return method === 'PATCH' && path.startsWith('/Users/') && DISABLES.test(body);
    if (lie === 'lateCreate') return method === 'POST' && path === '/Users' && hangs < HANGS_MAX;
    if (lie === 'hung') return hangs < HANGS_MAX;
    return true;
  };

  return {
    told,
    stop: () => {
      honest = true;
    },
    act: async (request) => {
      if (honest) return null;
      const lie = chosen(request);
      if (lie === null) return null;
      told[lie] += 1;
      const ms = Math.ceil(random() * SLOW_MS_MAX);
      switch (lie) {
        case 'lostReply':
          return { kind: 'loseReply' };
        case 'reset':
          return { kind: 'reset' };
        case 'tooMany':
          return { kind: 'answer', status: 429, headers: { 'retry-after': retryAfter(random, now) } };
        case 'unavailable':
          return {
            kind: 'answer',
            status: 503,
            ...(random() < 0.5 ? { headers: { 'retry-after': retryAfter(random, now) } } : {}),
          };
        case 'broken':
          return { kind: 'answer', status: 500 };
        case 'brokenAfter':
          return { kind: 'answerAfter', status: [500, 502, 504][Math.floor(random() * 3)] ?? 500 };
        case 'slow':
          // A server that notices that nobody listens any more drops the work.
          return (await goneWithin(request, ms)) ? { kind: 'reset' } : null;
        case 'slowReply':
          return { kind: 'slowReply', ms };
        case 'pretended':
          return { kind: 'pretend' };
        case 'hung':
          hangs += 1;
          await goneWithin(request, HANG_MS);
          return { kind: 'reset' };
        case 'lateCreate':
          hangs += 1;
          await goneWithin(request, HANG_MS);
          return null;
      }
    },
  };
}

const DISABLES = /"active"[^{}]*\bfalse\b|\bfalse\b[^{}]*"active"/;
/** Longer than any client of the campaign waits. */
const HANG_MS = 5_000;

function retryAfter(random: () => number, now: () => number): string {
  const seconds = 1 + Math.floor(random() * RETRY_AFTER_S_MAX);
  return random() < 0.7 ? String(seconds) : new Date(now() + seconds * 1_000).toUTCString();
}

/** Waits so long, or until the client has left; true when it has. */
async function goneWithin(request: LoggedRequest, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (Date.now() < until && request.goneAt === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return request.goneAt !== undefined;
}
