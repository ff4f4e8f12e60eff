// What each answer means, as data: HTTP status, scimType and transport fault against the kind of request.
// The first row that fits decides; the last rows fit everything, so every answer has a meaning.
import { assert } from '../../base/assert.ts';
import type { Outcome, OutcomeClass } from '../../lifecycle/outcome.ts';
import {
  CERTIFICATE_REFUSED,
  NO_CREDENTIALS,
  PROXY_FAULTS,
  TOKEN_DOWN,
  TOKEN_REFUSED,
} from '../../runtime/access/faults.ts';

/**
 * `read` asks for one resource by id, `search` for a list; `create` is a POST, `write` a PATCH or PUT of one resource. `revoke`
 * ends the sessions of one user and may be repeated without harm.
 */
export type RequestKind = 'read' | 'search' | 'create' | 'write' | 'delete' | 'revoke';

export interface OutcomeRow {
  /** A status, or a range with both ends included. Rows without one are about transport faults. */
  readonly status?: number | readonly [number, number];
  readonly scimType?: string;
  /** Codes of transport faults; `*` is any. */
  readonly faults?: readonly string[] | '*';
  readonly on?: readonly RequestKind[];
  readonly class: OutcomeClass;
  /** True when the answer is about this operation and counts as one of its attempts (design section 6). */
  readonly counts: boolean;
  /** A code that says more than `http-NNN`. */
  readonly code?: string;
  readonly why: string;
}

const LOOKS = ['read', 'search'] as const;
const WRITES = ['create', 'write'] as const;

/** Faults before a byte of the request could leave: nothing can have taken effect. */
const NEVER_SENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'connect-timeout',
] as const;

/** Certificates that do not verify, and handshakes that fail. */
const TLS_FAULTS = [
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'EPROTO',
] as const;

export const OUTCOME_TABLE: readonly OutcomeRow[] = [
  { status: 202, on: ['create', 'write', 'delete'], class: 'accepted', counts: true, why: 'taken in, not applied yet' },
  { status: [200, 299], class: 'done', counts: true, why: 'the effect stands' },
  {
    status: [300, 399],
    class: 'permanent',
    counts: true,
    code: 'redirect',
    why: 'credentials and people never follow a redirect',
  },
  {
    status: 400,
    scimType: 'uniqueness',
    on: WRITES,
    class: 'conflict',
    counts: true,
    why: 'some answer 400 instead of 409',
  },
  { status: 400, scimType: 'invalidVers', class: 'retry', counts: true, why: 'the tag is outdated, as with 412' },
  { status: 401, class: 'refreshCredentials', counts: false, why: 'our credentials are not accepted' },
  { status: [404, 404], on: ['delete'], class: 'done', counts: true, why: 'already gone' },
  { status: [410, 410], on: ['delete'], class: 'done', counts: true, why: 'already gone' },
  { status: 404, on: ['read', 'write', 'revoke'], class: 'gone', counts: true, why: 'no such resource' },
  { status: 410, on: ['read', 'write', 'revoke'], class: 'gone', counts: true, why: 'no such resource any more' },
  {
    status: 404,
    on: ['search', 'create'],
    class: 'targetDown',
    counts: false,
    why: 'the endpoint itself is not there: the base URL is wrong',
  },
  { status: 407, class: 'targetDown', counts: false, why: 'a proxy stands in the way' },
  {
    status: 408,
    on: WRITES,
    class: 'ambiguous',
    counts: false,
    why: 'the server gave up waiting, what it did is unknown',
  },
  { status: 408, class: 'retry', counts: false, why: 'the server gave up waiting' },
  {
    status: 409,
    on: WRITES,
    class: 'conflict',
    counts: true,
    why: 'another resource stands in the way, or our own lost write',
  },
  { status: 409, class: 'retry', counts: true, why: 'the resource is busy' },
  { status: 412, class: 'retry', counts: true, why: 'the resource changed since it was read' },
  { status: 423, class: 'retry', counts: true, why: 'the resource is locked' },
  { status: 425, class: 'retry', counts: false, why: 'sent too early' },
  { status: 428, class: 'permanent', counts: true, why: 'it changes nothing without a tag (If-Match) and shows none' },
  { status: 429, class: 'retry', counts: false, why: 'too many requests: the target asks for patience' },
  {
    status: [400, 499],
    class: 'permanent',
    counts: true,
    why: 'refused for what it says; 403 included, unless three workers in a row or a probe get it: then the target is down',
  },
  { status: 501, class: 'permanent', counts: true, why: 'the target cannot do this' },
  { status: 505, class: 'permanent', counts: true, why: 'the target does not speak our HTTP' },
  { status: 511, class: 'targetDown', counts: false, why: 'a network in between wants a login; it did not pass us on' },
  {
    status: 503,
    on: ['write', ...LOOKS, 'delete'],
    class: 'retry',
    counts: false,
    why: 'not served; a PATCH may be repeated',
  },
  {
    status: [500, 599],
    on: WRITES,
    class: 'ambiguous',
    counts: false,
    why: 'the write may have been applied before the failure',
  },
  { status: [500, 599], class: 'retry', counts: false, why: 'the target failed; asking and deleting may be repeated' },
  {
    status: [100, 999],
    on: WRITES,
    class: 'ambiguous',
    counts: true,
    why: 'no status we know: look before writing again',
  },
  { status: [100, 999], class: 'retry', counts: true, why: 'no status we know' },
  { faults: NEVER_SENT, class: 'targetDown', counts: false, why: 'the target was not reached, nothing was sent' },
  {
    faults: TLS_FAULTS,
    class: 'targetDown',
    counts: false,
    why: 'the target cannot prove who it is, nothing was sent',
  },
  { faults: NO_CREDENTIALS, class: 'refreshCredentials', counts: false, why: 'there are no credentials to send' },
  {
    faults: TOKEN_REFUSED,
    class: 'refreshCredentials',
    counts: false,
    why: 'the token endpoint does not accept our credentials, nothing was sent',
  },
  {
    faults: CERTIFICATE_REFUSED,
    class: 'refreshCredentials',
    counts: false,
    why: 'our certificate is not accepted, no request was looked at',
  },
  {
    faults: [TOKEN_DOWN],
    class: 'targetDown',
    counts: false,
    why: 'the token endpoint cannot be used now, nothing was sent',
  },
  { faults: PROXY_FAULTS, class: 'targetDown', counts: false, why: 'the proxy opens no way, nothing was sent' },
  { faults: ['not-sent'], class: 'retry', counts: false, why: 'we stopped before sending' },
  {
    faults: '*',
    on: WRITES,
    class: 'ambiguous',
    counts: false,
    why: 'the answer was lost, the write may have been applied',
  },
  { faults: '*', class: 'retry', counts: false, why: 'the answer was lost; asking and deleting may be repeated' },
];

export type AnswerKey = { readonly status: number; readonly scimType: string | null } | { readonly fault: string };

/** The row that decides. */
export function rowFor(kind: RequestKind, answer: AnswerKey): OutcomeRow {
  const row = OUTCOME_TABLE.find((candidate) => fits(candidate, kind, answer));
  assert(row !== undefined, 'the last rows of the outcome table fit everything');
  return row;
}

function fits(row: OutcomeRow, kind: RequestKind, answer: AnswerKey): boolean {
  if (row.on !== undefined && !row.on.includes(kind)) return false;
  if ('fault' in answer) return row.faults === '*' || (row.faults?.includes(answer.fault) ?? false);
  if (row.status === undefined) return false;
  const [low, high] = typeof row.status === 'number' ? [row.status, row.status] : row.status;
  if (answer.status < low || answer.status > high) return false;
  return row.scimType === undefined || row.scimType.toLowerCase() === answer.scimType?.toLowerCase();
}

/** What people see of an answer beside its class. */
export interface AnswerDetail {
  readonly detail: string;
  /** Milliseconds, or null where the answer did not ask for patience. */
  readonly retryAfterMs: number | null;
}

const DETAIL_MAX = 500;
/** RFC 7644 table 9 and RFC 9865 section 2. Any other word of a target's may be anything: it stands among its words, not as a code. */
const SCIM_TYPES: ReadonlySet<string> = new Set(
  [
    'invalidFilter',
    'tooMany',
    'uniqueness',
    'mutability',
    'invalidSyntax',
    'invalidPath',
    'noTarget',
    'invalidValue',
    'invalidVers',
    'sensitive',
    'invalidCursor',
    'expiredCursor',
    'invalidCount',
  ].map((type) => type.toLowerCase()),
);

export function outcomeOf(kind: RequestKind, answer: AnswerKey, { detail, retryAfterMs }: AnswerDetail): Outcome {
  const row = rowFor(kind, answer);
  const scimType = 'fault' in answer ? null : answer.scimType;
  const known = scimType !== null && SCIM_TYPES.has(scimType.toLowerCase()) ? scimType : null;
  const code = 'fault' in answer ? answer.fault : (row.code ?? known ?? `http-${answer.status}`);
  const words = known === scimType ? detail : [scimType, detail].filter((word) => word !== '').join(': ');
  return {
    class: row.class,
    status: 'fault' in answer ? null : answer.status,
    code,
    detail: words.slice(0, DETAIL_MAX),
    retryAfterMs,
    countsAsAttempt: row.counts,
  };
}

/** An outcome that we concluded ourselves from one or several answers. */
export function concluded(base: Outcome, change: Partial<Outcome>): Outcome {
  return { ...base, ...change };
}

export const NOTHING_SENT: Outcome = {
  class: 'done',
  status: null,
  code: 'nothing-to-send',
  detail: '',
  retryAfterMs: null,
  countsAsAttempt: false,
};
