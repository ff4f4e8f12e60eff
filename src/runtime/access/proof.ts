// How a client shows the token endpoint who it is: its secret (RFC 6749 section 2.3.1), or an assertion signed with its private
// key (RFC 7523 section 2.2).
import { createPrivateKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import type { AssertionAlgorithm } from '../../mapping/auth-settings.ts';
import type { SecretReader } from '../secrets.ts';

/** What a token request carries to prove who asks. */
export interface Proof {
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
}

export interface Prover {
  /** The texts that the proof is made of, as they are now. @throws Problem naming the reference that leads nowhere. */
  readonly read: (fresh: boolean) => readonly string[];
  /** @param nowMs the time by the token endpoint's clock. @throws BadKey where no proof can be made of these texts. */
  readonly prove: (texts: readonly string[], nowMs: number) => Promise<Proof>;
  /** Whether the proof holds a time, so that a clock which goes wrong spoils it. */
  readonly timed: boolean;
}

/** Says what is wrong with a key without saying anything of it. */
export class BadKey extends Error {}

export function secretProver(
  method: 'client_secret_basic' | 'client_secret_post',
  clientId: SecretReader,
  secret: SecretReader,
): Prover {
  return {
    read: (fresh) => [clientId(fresh), secret(fresh)],
    prove: async ([id = '', value = '']) => {
      if (method === 'client_secret_post') return { headers: {}, fields: { client_id: id, client_secret: value } };
      const pair = `${formEncoded(id)}:${formEncoded(value)}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` }, fields: {} };
    },
    timed: false,
  };
}

/** Both halves are encoded like a form before they are joined (RFC 6749 section 2.3.1 and appendix B). */
const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

export interface AssertionParts {
  readonly clientId: SecretReader;
  /** PEM or JWK. */
  readonly key: SecretReader;
  readonly passphrase: SecretReader | null;
  /** Null: as the JWK says, else what suits the key. */
  readonly algorithm: AssertionAlgorithm | null;
  readonly keyId: SecretReader | null;
  readonly audience: SecretReader;
  /** PEM; its thumbprints stand in the header. */
  readonly certificate: SecretReader | null;
}

/** Providers take an hour at most; an assertion is used once and at once. */
const ASSERTION_MS = 5 * 60_000;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Signer {
  readonly key: KeyObject;
  readonly header: { readonly alg: AssertionAlgorithm; readonly [name: string]: string };
}

export function assertionProver(parts: AssertionParts): Prover {
  // Reading a key costs more than comparing its text.
  let known: { readonly from: readonly string[]; readonly signer: Signer } | null = null;
  return {
    read: (fresh) =>
      [parts.clientId, parts.audience, parts.key, parts.passphrase, parts.keyId, parts.certificate].map(
        (reader) => reader?.(fresh) ?? '',
      ),
    prove: async (texts, nowMs) => {
      const [id = '', audience = ''] = texts;
      if (known === null || known.from.some((text, index) => text !== texts[index]))
        known = { from: texts, signer: signerOf(texts, parts.algorithm) };
      const { key, header } = known.signer;
      const seconds = Math.floor(nowMs / 1000);
      const claims = {
        iss: id,
        sub: id,
        aud: audience,
        iat: seconds,
        exp: seconds + ASSERTION_MS / 1000,
        jti: randomUUID(),
      };
      let assertion: string;
      try {
        assertion = await new SignJWT(claims).setProtectedHeader(header).sign(key);
      } catch {
        throw new BadKey(`the private key does not sign with ${header.alg}`);
      }
      // RFC 7521 section 4.2 leaves client_id to the client; some providers demand it.
      return {
        headers: {},
        fields: { client_id: id, client_assertion_type: ASSERTION_TYPE, client_assertion: assertion },
      };
    },
    timed: true,
  };
}

function signerOf(texts: readonly string[], wanted: AssertionAlgorithm | null): Signer {
  const [, , keyText = '', passphrase = '', keyId = '', certificate = ''] = texts;
  const jwk = keyText.startsWith('{') ? jwkOf(keyText) : null;
  let key: KeyObject;
  try {
    key =
      jwk === null
        ? createPrivateKey({ key: keyText, format: 'pem', ...(passphrase === '' ? {} : { passphrase }) })
        : createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw new BadKey('the private key cannot be read: it is no PEM or JWK, or the passphrase is wrong');
  }
  const kid = keyId === '' ? jwk?.kid : keyId;
  return {
    key,
    header: {
      alg: wanted ?? ((jwk?.alg ?? suits(key)) as AssertionAlgorithm),
      typ: 'JWT',
      ...(typeof kid === 'string' ? { kid } : {}),
      ...(certificate === '' ? {} : thumbprints(certificate)),
    },
  };
}

function jwkOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new BadKey('the private key begins like a JWK and is no JSON');
  }
}

/** The algorithm that RFC 7518 section 3.1 names for the curve; RS256 for RSA. */
function suits(key: KeyObject): AssertionAlgorithm {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'ES256';
  if (curve === 'secp384r1') return 'ES384';
  return curve === 'secp521r1' ? 'ES512' : 'RS256';
}

/** RFC 7515 sections 4.1.7 and 4.1.8: by these a provider finds the certificate it was given. */
function thumbprints(pem: string): { readonly x5t: string; readonly 'x5t#S256': string } {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new BadKey('the certificate cannot be read: it is no PEM');
  }
  const encoded = (fingerprint: string) => Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url');
  return { x5t: encoded(certificate.fingerprint), 'x5t#S256': encoded(certificate.fingerprint256) };
}
