// A connection to Okta that keeps to its rate limits and gives every answer the shape that our reading expects: lists become an
// object with `list` and the cursor of the `next` link; the links themselves are never followed.
import type { HttpAnswer } from '../../runtime/access/pool.ts';
import type { Client } from '../scim/client.ts';
import type { Bucket, Budget } from './budget.ts';

export interface WireDeps {
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

const bucketOf = (path: string): Bucket => (path.startsWith('/api/v1/identity-sources/') ? 'source' : 'users');

/** Requests wait until their window has room, those of leavers only where it has none at all. */
export function oktaWire(client: Client, budget: Budget, deps: WireDeps): Client {
  const waiting = new Set<() => void>();

  async function room(bucket: Bucket, urgent: boolean, signal: AbortSignal, wanted: () => boolean): Promise<boolean> {
    for (let ms = budget.waitMs(bucket, urgent), waits = 0; ms > 0; ms = budget.waitMs(bucket, urgent)) {
      // What keeps a leaver waiting once more is asked of Okta itself.
      if (urgent && waits > 0) return true;
      waits += 1;
      const awake = new AbortController();
      const wake = (): void => {
        if (!wanted()) awake.abort();
      };
      waiting.add(wake);
      await deps.wait(ms, AbortSignal.any([signal, awake.signal]));
      waiting.delete(wake);
      if (signal.aborted || !wanted()) return false;
    }
    return true;
  }

  return {
    ...client,
    send: async (request, urgent, signal, leaves, wanted = () => true) => {
      const bucket = bucketOf(request.path);
      if (!(await room(bucket, urgent, signal, wanted))) return { kind: 'fault', code: 'not-sent' };
      budget.spent(bucket);
      const answer = await client.send(request, urgent, signal, leaves, wanted);
      if (answer.kind === 'fault') return answer;
      const waitMs = budget.heard(bucket, {
        status: answer.status,
        limit: answer.header('x-rate-limit-limit'),
        remaining: answer.header('x-rate-limit-remaining'),
        reset: answer.header('x-rate-limit-reset'),
        date: answer.header('date'),
      });
      return shaped(answer, waitMs);
    },
    reconsider: () => {
      for (const wake of waiting) wake();
      client.reconsider();
    },
  };
}

function shaped(answer: Extract<HttpAnswer, { kind: 'answer' }>, waitMs: number | null): HttpAnswer {
  const { header, body } = answer;
  const text = body.trimStart();
  return {
    ...answer,
    header: (name) => (name === 'retry-after' && waitMs !== null ? String(Math.ceil(waitMs / 1_000)) : header(name)),
    body: text.startsWith('[') ? `{"list":${body},"next":${JSON.stringify(nextOf(header('link')))}}` : body,
  };
}

/** The `after` of the link whose relation is next (RFC 8288); null on the last page. Several links may share one header. */
export function nextOf(link: string | null): string | null {
  for (const [, address, relation] of (link ?? '').matchAll(/<([^>]*)>\s*;\s*rel="?(\w+)"?/g)) {
    if (relation !== 'next' || address === undefined || !URL.canParse(address)) continue;
    return new URL(address).searchParams.get('after');
  }
  return null;
}
