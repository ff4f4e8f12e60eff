// Why no request could be sent with credentials on it, as codes: each is a row of the outcome table, here is the one list.

/** There is nothing to show: a secret is missing or cannot be what it should be. */
export const NO_CREDENTIALS = ['no-token', 'no-key', 'no-certificate'] as const;

/**
 * The token endpoint does not accept who we say we are (RFC 6749 section 5.2, RFC 8707 section 2), or gives nothing that we can
 * use: `token-refused` is any other refusal, `token-unreadable` an answer without a token of type Bearer.
 */
export const TOKEN_REFUSED = [
  'token-invalid_request',
  'token-invalid_client',
  'token-invalid_grant',
  'token-unauthorized_client',
  'token-unsupported_grant_type',
  'token-invalid_scope',
  'token-invalid_target',
  'token-refused',
  'token-redirect',
  'token-unreadable',
] as const;

/** The token endpoint cannot be reached, fails, or asks for patience. */
export const TOKEN_DOWN = 'token-down';

/** The proxy wants other credentials, opens no way to the target, or is not there. */
export const PROXY_FAULTS = ['proxy-407', 'proxy-refused', 'proxy-unreachable'] as const;

/**
 * The other side ends the handshake because of our certificate (RFC 8446 section 6.2): no request was looked at. OpenSSL spells
 * these alerts in two ways.
 */
export const CERTIFICATE_REFUSED = [
  'BAD_CERTIFICATE',
  'UNSUPPORTED_CERTIFICATE',
  'CERTIFICATE_REVOKED',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_UNKNOWN',
  'HANDSHAKE_FAILURE',
]
  .flatMap((alert) => [`ERR_SSL_SSL/TLS_ALERT_${alert}`, `ERR_SSL_SSLV3_ALERT_${alert}`])
  .concat([
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ]);

export type AuthFault =
  | (typeof NO_CREDENTIALS)[number]
  | (typeof TOKEN_REFUSED)[number]
  | typeof TOKEN_DOWN
  | 'not-sent';

/** No credentials, and why. */
export interface Fault {
  readonly fault: AuthFault;
  /** For people; holds no secret and nothing of what the token endpoint said. */
  readonly detail: string;
  /** What the token endpoint asked for, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;
}

export const fault = (code: AuthFault, detail: string, retryAfterMs: number | null = null): Fault => ({
  fault: code,
  detail,
  retryAfterMs,
});
