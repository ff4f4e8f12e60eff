// Keeps one access token for everybody: fetched once however many wait for it, fetched anew before it runs out, and when the
// target does not take it.
import type { Credentials, Shown } from './credentials.ts';
import { type Fault, fault } from './faults.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

/** So long before its end a token is replaced, in the background; at most half its life. */
const AHEAD_MS = 2 * 60_000;
/** So long before its end it is not sent any more: the way to the target takes time too. At most a tenth of its life. */
const TOO_LATE_MS = 5_000;
/** After a failed attempt ahead of the end, the next one comes no sooner. */
const AHEAD_AGAIN_MS = 10_000;
/** A failed attempt answers everybody who asks within this time; the endpoint's own Retry-After may make it longer, up to a minute. */
const FAILURE_MS = 1_000;
const FAILURE_MAX_MS = 60_000;
/** A target that takes no token at all does not make us fetch more often than this. */
const REFUSED_AGAIN_MS = 5_000;

interface Held {
  readonly shown: Shown;
  readonly replaceAt: number;
  readonly endsAt: number;
}

/** A moment until which something is not tried again; it counts for nothing when the clock is set back before it began. */
interface Pause {
  readonly from: number;
  readonly until: number;
}

const within = (pause: Pause | null, nowMs: number): boolean =>
  pause !== null && nowMs >= pause.from && nowMs < pause.until;

export function oauth2(endpoint: TokenEndpoint, now: () => number): Credentials {
  let held: Held | null = null;
  let flight: Promise<Shown | Fault> | null = null;
  let failure: (Pause & { readonly fault: Fault }) | null = null;
  let aheadPause: Pause | null = null;
  let refusedPause: Pause | null = null;

  function fetched(): Promise<Shown | Fault> {
    flight ??= fetchOne().finally(() => {
      flight = null;
    });
    return flight;
  }

  async function fetchOne(): Promise<Shown | Fault> {
    // The lifetime counts from the request: the answer may have travelled for long.
    const from = now();
    const token = await endpoint.fetch();
    if ('fault' in token) {
      const asked = token.retryAfterMs ?? 0;
      const at = now();
      failure = { from: at, until: at + Math.min(Math.max(asked, FAILURE_MS), FAILURE_MAX_MS), fault: token };
      aheadPause = { from: at, until: at + Math.min(Math.max(asked, AHEAD_AGAIN_MS), FAILURE_MAX_MS) };
      return token;
    }
    const { authorization, lifetimeMs } = token;
    // An endpoint may give the same token again: then it is not another one.
    const shown = held?.shown.headers.authorization === authorization ? held.shown : { headers: { authorization } };
    held = {
      shown,
      replaceAt: from + lifetimeMs - Math.min(AHEAD_MS, lifetimeMs / 2),
      endsAt: from + lifetimeMs - Math.min(TOO_LATE_MS, lifetimeMs / 10),
    };
    failure = null;
    aheadPause = null;
    return shown;
  }

  return {
    headers: async (signal) => {
      const at = now();
      if (held !== null && at < held.endsAt) {
        if (at >= held.replaceAt && flight === null && !within(aheadPause, at)) void fetched();
        return held.shown;
      }
      if (flight === null && failure !== null && within(failure, at)) return failure.fault;
      return untilAborted(fetched(), signal);
    },
    refused: async (shown, signal) => {
      const at = now();
      if (held !== null && held.shown !== shown && at < held.endsAt) return true;
      if (flight === null) {
        if (within(refusedPause, at) || within(failure, at)) return false;
        refusedPause = { from: at, until: at + REFUSED_AGAIN_MS };
      }
      const other = await untilAborted(fetched(), signal);
      return !('fault' in other) && other !== shown;
    },
    close: endpoint.close,
  };
}

/** The flight goes on for the others. */
function untilAborted(flight: Promise<Shown | Fault>, signal: AbortSignal): Promise<Shown | Fault> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => resolve(fault('not-sent', ''));
    if (signal.aborted) return stopped();
    signal.addEventListener('abort', stopped, { once: true });
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
  });
}
