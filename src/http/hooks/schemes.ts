// How each scheme signs a request, as data. Sources: Standard Webhooks 1.0.0 (spec/standard-webhooks.md), BambooHR "Webhooks"
// (documentation.bamboohr.com/docs/webhooks-2), HiBob "Working with webhooks" (apidocs.hibob.com), Finch (finch-api-node,
// src/resources/webhooks.ts), Merge "Webhooks" (docs.merge.dev), Gusto (docs.gusto.com, embedded payroll webhooks), Deel "Security"
// (developer.deel.com). What their own texts leave open stands in docs/webhooks.md.
import type { HmacSettings, SignedPart, VerifySettings } from '../../mapping/webhook-settings.ts';

export interface Scheme {
  readonly algorithm: 'sha256' | 'sha384' | 'sha512';
  /** Headers are lower-case, as Node gives them. */
  readonly signatureHeader: string;
  /** How the signature is written there. `list`: several with a version in front, of which any may match. */
  readonly form: 'single' | 'list';
  readonly encoding: 'hex' | 'base64' | 'base64url';
  readonly prefix: string;
  /** How the key is written in the secret: `whsec` is base64 with or without `whsec_` in front. */
  readonly key: 'text' | 'base64' | 'hex' | 'whsec';
  readonly signed: readonly SignedPart[];
  /** Null where nothing signs the time. */
  readonly timestampHeader: string | null;
  /** The same at every repetition; null where there is none. */
  readonly idHeader: string | null;
}

const DOT: SignedPart = { text: '.' };
const PLAIN: Omit<Scheme, 'signatureHeader'> = {
  algorithm: 'sha256',
  form: 'single',
  encoding: 'hex',
  prefix: '',
  key: 'text',
  signed: ['body'],
  timestampHeader: null,
  idHeader: null,
};
/** Standard Webhooks, section "Signature scheme": `v1,` and base64 over id.timestamp.body. */
const STANDARD: Omit<Scheme, 'signatureHeader' | 'timestampHeader' | 'idHeader'> = {
  algorithm: 'sha256',
  form: 'list',
  encoding: 'base64',
  prefix: 'v1,',
  key: 'whsec',
  signed: ['id', DOT, 'timestamp', DOT, 'body'],
};

export const SCHEMES: Readonly<Record<Exclude<VerifySettings['scheme'], 'hmac' | 'token'>, Scheme>> = {
  'standard-webhooks': {
    ...STANDARD,
    signatureHeader: 'webhook-signature',
    timestampHeader: 'webhook-timestamp',
    idHeader: 'webhook-id',
  },
  finch: {
    ...STANDARD,
    signatureHeader: 'finch-signature',
    timestampHeader: 'finch-timestamp',
    idHeader: 'finch-event-id',
  },
  bamboohr: {
    ...PLAIN,
    signatureHeader: 'x-bamboohr-signature',
    timestampHeader: 'x-bamboohr-timestamp',
    signed: ['body', 'timestamp'],
  },
  hibob: { ...PLAIN, signatureHeader: 'bob-signature', algorithm: 'sha512', encoding: 'base64' },
  merge: { ...PLAIN, signatureHeader: 'x-merge-webhook-signature', encoding: 'base64url' },
  gusto: { ...PLAIN, signatureHeader: 'x-gusto-signature' },
  deel: { ...PLAIN, signatureHeader: 'x-deel-signature', signed: [{ text: 'POST' }, 'body'] },
};

/** A scheme of one's own as one of the table. */
export const schemeOf = (hmac: HmacSettings): Scheme => ({
  algorithm: hmac.algorithm,
  signatureHeader: hmac.header,
  form: 'single',
  encoding: hmac.encoding,
  prefix: hmac.prefix,
  key: hmac.key,
  signed: hmac.signed,
  timestampHeader: hmac.timestampHeader,
  idHeader: hmac.idHeader,
});
