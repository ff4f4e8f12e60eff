// Who may read, and who may also act: two tokens, so that a dashboard cannot release a hold.
import { Problem } from '../../base/problem.ts';
import type { SecretReference, TextSetting } from '../../mapping/secret-reference.ts';
import { sha256 } from '../../runtime/hash.ts';
import { secretReader } from '../../runtime/secrets.ts';
import { bears } from '../bearer.ts';

/** Shorter ones can be guessed. */
export const TOKEN_LENGTH_MIN = 24;
/** Digits of the token's digest that the audit names: they tell two tokens apart and give neither away. */
const MARK_DIGITS = 8;

export type Right = 'read' | 'act';

export interface ApiTokens {
  /** Whether there is a token for this at all. */
  readonly has: (right: Right) => boolean;
  /** What whoever bears this may do, and by which token; null for nothing. */
  readonly rightOf: (authorization: string | undefined) => { readonly right: Right; readonly mark: string } | null;
}

export interface TokenSettings {
  readonly read: TextSetting | null;
  readonly act: TextSetting | null;
}

/**
 * `${file:…}` is read again when it changes, so that a token is exchanged without a restart.
 * @throws Problem `config.api-token` where a token cannot be read now, is too short, or opens both doors.
 */
export function apiTokens(
  { read, act }: TokenSettings,
  environment: Readonly<Record<string, string | undefined>>,
): ApiTokens {
  const readers = { read: readerOf(read, environment), act: readerOf(act, environment) };
  const [reading, acting] = [readers.read?.() ?? '', readers.act?.() ?? ''];
  for (const [name, token] of [['ROLLCALL_API_TOKEN', reading] as const, ['ROLLCALL_API_ACT_TOKEN', acting] as const]) {
    if (token !== '' && token.length < TOKEN_LENGTH_MIN)
      throw new Problem({
        code: 'config.api-token',
        message: `the token of ${name} is shorter than ${TOKEN_LENGTH_MIN} characters`,
        hint: 'openssl rand -base64 32 makes one',
      });
  }
  if (reading !== '' && reading === acting) throw sameToken();
  return {
    has: (right) => readers.act !== null || (right === 'read' && readers.read !== null),
    rightOf: (authorization) => {
      for (const right of ['act', 'read'] as const) {
        const token = readers[right]?.() ?? '';
        // A file that was changed to something guessable opens nothing.
        if (token.length >= TOKEN_LENGTH_MIN && bears(authorization, token))
          return { right, mark: sha256(token).slice(0, MARK_DIGITS) };
      }
      return null;
    },
  };
}

export const sameToken = (): Problem =>
  new Problem({
    code: 'config.api-token',
    message: 'ROLLCALL_API_TOKEN and ROLLCALL_API_ACT_TOKEN are the same',
    hint: 'whoever may only read needs a token of their own',
  });

function readerOf(
  setting: TextSetting | null,
  environment: Readonly<Record<string, string | undefined>>,
): (() => string) | null {
  if (setting === null) return null;
  if (setting.kind === 'literal') return () => setting.text;
  return secretReader(setting satisfies SecretReference, environment);
}
