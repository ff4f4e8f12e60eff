// One request with everything that belongs to it: credentials, rate, intent before, answer after, meaning.
import type { JsonObject } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { Journal } from '../target.ts';
import type { Client } from './client.ts';
import { outcomeOf } from './outcome-table.ts';
import { newPassword, withPasswords } from './password.ts';
import type { Profile } from './profiles.ts';
import type { Rate } from './rate.ts';
import { type ScimRequest, shownRequest } from './requests.ts';
import { errorOf, parsedBody, retryAfterOf, versionOf } from './responses.ts';

export interface Answer {
  readonly outcome: Outcome;
  /** Null where the answer had no body that we can read. */
  readonly body: JsonObject | null;
  readonly etag: string | null;
  readonly location: string | null;
}

/** Sends one request; never throws for what the target or the network does. */
export type Exchange = (request: ScimRequest) => Promise<Answer>;

export interface ExchangeParts {
  readonly client: Client;
  readonly rate: Rate;
  readonly profile: Profile;
  readonly token: () => Promise<string>;
  readonly now: () => number;
  readonly userAgent: string;
}

/** What a header may carry: visible characters only (RFC 9110 section 5.5, RFC 6750 section 2.1). */
const TOKEN = /^[\x21-\x7e]+$/;

/** `journal` null: a listing, which changes nothing and belongs to no operation. */
export function exchangeOver(
  parts: ExchangeParts,
  journal: Journal | null,
  urgent: boolean,
  signal: AbortSignal,
): Exchange {
  const unsent = (request: ScimRequest, fault: string): Answer => ({
    outcome: outcomeOf(request.kind, { fault }, { detail: '', retryAfterMs: null }),
    body: null,
    etag: null,
    location: null,
  });

  return async (request) => {
    if (signal.aborted) return unsent(request, 'not-sent');
    let token: string;
    try {
      token = await parts.token();
    } catch {
      return unsent(request, 'no-token');
    }
    if (!TOKEN.test(token)) return unsent(request, 'no-token');
    try {
      await parts.rate.take(urgent, signal);
    } catch {
      return unsent(request, 'not-sent');
    }
    const shown = journal === null ? null : shownRequest(request);
    if (shown !== null) await journal?.intent(shown);
    const answer = signal.aborted ? unsent(request, 'not-sent') : await sent(request, token);
    if (shown !== null) journal?.answer(shown, answer.outcome);
    return answer;
  };

  async function sent(request: ScimRequest, token: string): Promise<Answer> {
    const { headers: wanted } = parts.profile;
    const accept = request.method === 'DELETE' ? wanted.acceptOnDelete : wanted.accept;
    const answer = await parts.client.send(
      {
        method: request.method,
        path: request.path,
        headers: {
          authorization: `Bearer ${token}`,
          'user-agent': parts.userAgent,
          ...(accept === null ? {} : { accept }),
          ...(request.body === '' ? {} : { 'content-type': wanted.contentType }),
          ...(request.ifMatch === undefined ? {} : { 'if-match': request.ifMatch }),
        },
        body: withPasswords(request.body, newPassword),
      },
      urgent,
      signal,
      journal?.leaves,
    );
    if (answer.kind === 'fault') return unsent(request, answer.code);
    const body = parsedBody(answer.body);
    const { scimType, detail } = answer.status >= 400 ? errorOf(body) : { scimType: null, detail: '' };
    const retryAfterMs = retryAfterOf(answer.header('retry-after'), answer.header('date'), parts.now());
    return {
      outcome: outcomeOf(request.kind, { status: answer.status, scimType }, { detail, retryAfterMs }),
      body,
      etag: answer.header('etag') ?? versionOf(body),
      location: answer.header('location'),
    };
  }
}
