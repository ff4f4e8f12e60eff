// One request with everything that belongs to it: credentials, rate, intent before, answer after, meaning.
import type { JsonObject } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { Credentials, Shown } from '../../runtime/access/credentials.ts';
import { parsedBody } from '../../runtime/access/json-body.ts';
import { retryAfterOf } from '../../runtime/access/retry-after.ts';
import type { Journal } from '../target.ts';
import type { Client } from './client.ts';
import { type AnswerDetail, outcomeOf } from './outcome-table.ts';
import { newPassword, withPasswords } from './password.ts';
import type { Profile } from './profiles.ts';
import type { Rate } from './rate.ts';
import { BULK_PATH, placed, type ScimRequest, shownRequest } from './requests.ts';
import { errorOf, versionOf } from './responses.ts';
import { secretsIn, unsaid } from './unsaid.ts';

export interface Answer {
  readonly outcome: Outcome;
  /** Null where the answer had no body that we can read. */
  readonly body: JsonObject | null;
  readonly etag: string | null;
  readonly location: string | null;
  /** The `Date` header. */
  readonly date?: string | null;
}

interface Attempt {
  readonly answer: Answer;
  /** What was shown; null where nothing left. */
  readonly credentials: Shown | null;
}

/** Sends one request; never throws for what the target or the network does. */
export type Exchange = (request: ScimRequest) => Promise<Answer>;

export interface ExchangeParts {
  readonly client: Client;
  readonly rate: Rate;
  readonly profile: Profile;
  readonly credentials: Credentials;
  readonly now: () => number;
  readonly userAgent: string;
  /** Called when an answer says that the endpoint cannot do what it was thought to do. */
  readonly doubted?: () => void;
}

/** Somebody else may change the account between the look and the write; so often in one go. */
const TAGGED_TRIES = 3;

/** Unexpected ones lead to another look at what the endpoint says of itself. */
const DOUBTS = [400, 405, 501];

/** `journal` null: a listing, which changes nothing and belongs to no operation. */
export function exchangeOver(
  parts: ExchangeParts,
  journal: Journal | null,
  urgent: boolean,
  signal: AbortSignal,
): Exchange {
  const unsent = (
    request: ScimRequest,
    fault: string,
    { detail = '', retryAfterMs = null }: Partial<AnswerDetail> = {},
  ): Answer => ({
    outcome: outcomeOf(request.kind, { fault }, { detail, retryAfterMs }),
    body: null,
    etag: null,
    location: null,
  });

  return async (asked) => {
    const request = placed(asked, parts.profile);
    const first = await accepted(request);
    const untagged = request.kind === 'write' && request.ifMatch === undefined;
    return untagged && first.outcome.status === 428 ? tagged(request, first) : first;
  };

  /**
   * An endpoint that changes nothing without a tag (RFC 6585 section 3) is told the one it has now: what is written without one
   * is meant to win, whatever happened meanwhile, and a disable above all.
   */
  async function tagged(request: ScimRequest, refused: Answer): Promise<Answer> {
    let answer = refused;
    for (let tries = 1; tries <= TAGGED_TRIES; tries += 1) {
      const there = await accepted({ kind: 'read', method: 'GET', path: request.path, body: '' });
      if (there.outcome.class !== 'done') return there;
      if (there.etag === null) return answer;
      answer = await accepted({ ...request, ifMatch: there.etag });
      if (answer.outcome.status !== 412) return answer;
    }
    return answer;
  }

  /** With the credentials that are there, and once more with others where they are refused. */
  async function accepted(request: ScimRequest): Promise<Answer> {
    const first = await attempt(request);
    if (first.credentials === null || first.answer.outcome.status !== 401) return first.answer;
    // Credentials may have changed or run out on the way. A 401 says that nothing was done: once more does no harm.
    const others = await parts.credentials.refused(first.credentials, signal);
    return others ? (await attempt(request)).answer : first.answer;
  }

  /** One request with its share of the rate, its intent and its answer. */
  async function attempt(request: ScimRequest): Promise<Attempt> {
    const nothing = (answer: Answer): Attempt => ({ answer, credentials: null });
    if (signal.aborted) return nothing(unsent(request, 'not-sent'));
    try {
      if (!(await parts.rate.take(urgent, signal, journal?.wanted))) return nothing(unsent(request, 'not-sent'));
    } catch {
      return nothing(unsent(request, 'not-sent'));
    }
    // After the wait for the rate: a token may run out while one waits.
    const credentials = await parts.credentials.headers(signal);
    if ('fault' in credentials) return nothing(unsent(request, credentials.fault, credentials));
    const shown = journal === null ? null : shownRequest(request);
    if (shown !== null) await journal?.intent(shown);
    const answer = signal.aborted ? unsent(request, 'not-sent') : await sent(request, credentials);
    if (shown !== null) journal?.answer(shown, answer.outcome);
    return { answer, credentials };
  }

  async function sent(request: ScimRequest, credentials: Shown): Promise<Answer> {
    const { headers: wanted } = parts.profile;
    const accept = request.method === 'DELETE' ? wanted.acceptOnDelete : wanted.accept;
    const passwords: string[] = [];
    const made = (): string => {
      const password = newPassword();
      passwords.push(password);
      return password;
    };
    const answer = await parts.client.send(
      {
        method: request.method,
        path: request.path,
        headers: {
          ...credentials.headers,
          'user-agent': parts.userAgent,
          ...(accept === null ? {} : { accept }),
          ...(request.body === '' ? {} : { 'content-type': wanted.contentType }),
          ...(request.ifMatch === undefined ? {} : { 'if-match': request.ifMatch }),
        },
        body: withPasswords(request.body, made),
      },
      urgent,
      signal,
      journal?.leaves,
      journal?.wanted,
    );
    if (answer.kind === 'fault') return unsent(request, answer.code, answer);
    parts.rate.answered(answer.status);
    if (DOUBTS.includes(answer.status)) parts.doubted?.();
    const refused = answer.status >= 400;
    const secrets = refused || request.path === BULK_PATH ? [...secretsIn(credentials.headers), ...passwords] : [];
    const body = parsedBody(unsaid(answer.body, secrets));
    const { scimType, detail } = refused ? errorOf(body) : { scimType: null, detail: '' };
    const retryAfterMs = retryAfterOf(answer.header('retry-after'), answer.header('date'), parts.now());
    return {
      outcome: outcomeOf(request.kind, { status: answer.status, scimType }, { detail, retryAfterMs }),
      body,
      etag: answer.header('etag') ?? versionOf(body),
      location: answer.header('location'),
      date: answer.header('date'),
    };
  }
}
