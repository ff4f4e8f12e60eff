// The webhooks of a connection as the rest of the house knows them.
import type { Binder } from './binder.ts';
import type { Tables } from './cel-environment.ts';
import { type SecretReference, secretReference } from './secret-reference.ts';
import { type HookReader, hookReader } from './webhook-reader.ts';
import type { HookScheme, VerifySource, WebhookSource } from './webhook-schema.ts';

/** A hint wakes the source, a record is judged like a row of a feed, an emergency ends access now. */
export type HookKind = 'hint' | 'record' | 'emergency';

/** What a scheme of one's own needs beyond its secrets; names of headers are lower-case. */
export interface HmacSettings {
  readonly header: string;
  readonly algorithm: 'sha256' | 'sha384' | 'sha512';
  readonly encoding: 'hex' | 'base64' | 'base64url';
  readonly prefix: string;
  readonly key: 'text' | 'base64' | 'hex';
  /** What is signed, in order: texts, and the members of a request. */
  readonly signed: readonly SignedPart[];
  readonly timestampHeader: string | null;
  readonly idHeader: string | null;
}
export type SignedPart = { readonly text: string } | 'body' | 'timestamp' | 'id';

export type VerifySettings =
  | { readonly scheme: Exclude<HookScheme, 'hmac' | 'token'>; readonly secrets: readonly SecretReference[] }
  | { readonly scheme: 'hmac'; readonly secrets: readonly SecretReference[]; readonly hmac: HmacSettings }
  | {
      readonly scheme: 'token';
      readonly secrets: readonly SecretReference[];
      readonly header: string;
      readonly bearer: boolean;
    };

export interface HookSettings {
  readonly path: string;
  readonly kind: HookKind;
  readonly verify: VerifySettings;
  readonly reader: HookReader;
}

export function webhookSettings(
  sources: readonly WebhookSource[],
  binder: Binder,
  tables: Tables,
  timeZone: string,
): readonly HookSettings[] {
  return sources.map((source, index) => ({
    path: source.path,
    kind: source.emergency ? 'emergency' : source.record === undefined ? 'hint' : 'record',
    verify: verifySettings(source.verify),
    reader: hookReader(binder, ['webhooks', index], tables, timeZone),
  }));
}

function verifySettings(source: VerifySource): VerifySettings {
  const secrets = source.secrets.flatMap((text) => secretReference(text) ?? []);
  switch (source.scheme) {
    case 'hmac': {
      const { header, algorithm, encoding, prefix, key, signed, timestampHeader, idHeader } = source;
      return {
        scheme: 'hmac',
        secrets,
        hmac: {
          header: header.toLowerCase(),
          algorithm,
          encoding,
          prefix,
          key,
          signed: signedParts(signed),
          timestampHeader: timestampHeader?.toLowerCase() ?? null,
          idHeader: idHeader?.toLowerCase() ?? null,
        },
      };
    }
    case 'token':
      return { scheme: 'token', secrets, header: source.header.toLowerCase(), bearer: source.bearer };
    default:
      return { scheme: source.scheme, secrets };
  }
}

/** `{timestamp}.{body}` as its parts. */
export function signedParts(signed: string): readonly SignedPart[] {
  return signed.split(/(\{(?:body|timestamp|id)\})/).flatMap((part): readonly SignedPart[] => {
    if (part === '') return [];
    if (part === '{body}') return ['body'];
    if (part === '{timestamp}') return ['timestamp'];
    return part === '{id}' ? ['id'] : [{ text: part }];
  });
}
