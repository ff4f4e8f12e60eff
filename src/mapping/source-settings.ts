// Where records come from, as read from a connection file: references to secrets, never secrets.
import { type HostKeyPin, hostKeyPin } from './host-key.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';
import { type SftpAuthSettings, sftpAuthSettings } from './sftp-auth.ts';
import { type SourceAuthSettings, sourceAuthSettings } from './source-auth.ts';
import type { SourceText } from './source-schema.ts';

interface CommonSettings {
  readonly content: 'snapshot' | 'delta';
  /** Cron in the connection's zone. */
  readonly schedule: string;
  readonly columns: readonly string[] | null;
}

/** How the bytes of a file are cut into rows. */
export interface FileFormSettings {
  readonly format: 'csv' | 'json' | 'jsonl';
  readonly encoding: string | null;
  readonly separator: string | null;
  readonly quote: string;
  readonly recordPath: string | null;
  readonly complete: {
    readonly marker?: string;
    readonly trailer?: { readonly pattern: string; readonly countField: number };
    readonly minRows?: number;
  };
  readonly finalNewline: boolean | null;
  readonly stableMs: number;
}

export interface PgpSettings {
  readonly privateKey: SecretReference;
  readonly passphrase?: SecretReference;
  readonly signedBy?: SecretReference;
}

/** What is done with a file beside reading it. */
export interface DropSettings {
  /** Folder, relative to the file's own. */
  readonly archive?: string;
  readonly pgp?: PgpSettings;
}

export interface FileSourceSettings extends CommonSettings, FileFormSettings, DropSettings {
  readonly kind: 'file';
  readonly path: TextSetting;
}

export interface SftpSourceSettings extends CommonSettings, FileFormSettings, DropSettings {
  readonly kind: 'sftp';
  readonly host: TextSetting;
  readonly port: number;
  readonly hostKeys: readonly HostKeyPin[];
  readonly auth: SftpAuthSettings;
  readonly path: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

export interface RequestTemplate {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Any JSON; undefined sends none. */
  readonly body?: unknown;
}

export interface AnswerShape {
  readonly format: 'json' | 'csv' | 'xml';
  readonly recordPath: string | null;
  readonly unwrap?: string | undefined;
  readonly lists: readonly string[];
  readonly ok: Readonly<Record<string, string>>;
  readonly error?: string | undefined;
}

type HttpText = Extract<SourceText, { readonly kind: 'http' }>;
export type Paging = HttpText['list']['paging'];
export type PagedRequest = RequestTemplate & AnswerShape & { readonly paging: Paging };
export type JoinSettings = RequestTemplate &
  AnswerShape &
  Omit<HttpText['joins'][number], keyof RequestTemplate | keyof AnswerShape>;
export type OneSettings = NonNullable<HttpText['one']>;
export type ChangesSettings = NonNullable<HttpText['changes']>;

export interface HttpSourceSettings extends CommonSettings {
  readonly kind: 'http';
  /** What the file calls it: `http`, or the name of a preset. */
  readonly preset: string;
  readonly baseUrl: TextSetting;
  readonly auth: SourceAuthSettings;
  readonly ca?: SecretReference;
  readonly proxy?: TextSetting;
  readonly headers: Readonly<Record<string, TextSetting>>;
  readonly id: string;
  readonly list: PagedRequest;
  readonly joins: readonly JoinSettings[];
  readonly omit: readonly string[];
  readonly keep: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly firstOf: readonly string[];
  readonly dates: 'asWritten' | 'odata';
  readonly flatten: boolean;
  readonly explode?: string | undefined;
  readonly values?: string | undefined;
  readonly one?: OneSettings;
  readonly changes?: ChangesSettings;
  readonly limits: HttpText['limits'];
  readonly timeoutMs: number;
  readonly complete: { readonly minRows?: number };
}

export type SourceSettings = FileSourceSettings | SftpSourceSettings | HttpSourceSettings;

const setting = (written: string): TextSetting => textSetting(written.trim()) ?? { kind: 'literal', text: written };

/** @param kind the word in the file: of a preset, its name. */
export function sourceSettings(source: SourceText, kind: string): SourceSettings {
  switch (source.kind) {
    case 'file':
      return {
        kind: 'file',
        path: textSetting(source.path) ?? { kind: 'literal', text: source.path },
        schedule: source.schedule,
        columns: source.columns,
        ...fileForm(source),
        ...dropSettings(source),
      };
    case 'sftp':
      return {
        kind: 'sftp',
        host: setting(source.host),
        port: source.port,
        hostKeys: [source.hostKey ?? []].flat().flatMap((line) => hostKeyPin(line) ?? []),
        auth: sftpAuthSettings(source.auth),
        path: source.path,
        maxBytes: source.maxBytes,
        timeoutMs: source.timeoutMs,
        schedule: source.schedule,
        columns: source.columns,
        ...fileForm(source),
        ...dropSettings(source),
      };
    case 'http':
      return httpSettings(source, kind);
  }
}

function dropSettings({ archive, pgp }: Pick<Extract<SourceText, { kind: 'file' }>, 'archive' | 'pgp'>): DropSettings {
  return {
    ...(archive === undefined ? {} : { archive }),
    ...(pgp === undefined
      ? {}
      : {
          pgp: {
            privateKey: secretReference(pgp.privateKey) ?? { kind: 'env', name: '' },
            ...(pgp.passphrase === undefined
              ? {}
              : { passphrase: secretReference(pgp.passphrase) ?? { kind: 'env', name: '' } }),
            ...(pgp.signedBy === undefined
              ? {}
              : { signedBy: secretReference(pgp.signedBy) ?? { kind: 'env', name: '' } }),
          },
        }),
  };
}

export function fileForm(
  source: Pick<Extract<SourceText, { kind: 'file' }>, keyof FileFormSettings | 'content'>,
): FileFormSettings & { readonly content: 'snapshot' | 'delta' } {
  const { marker, trailer, minRows } = source.complete;
  return {
    format: source.format,
    content: source.content,
    encoding: source.encoding,
    separator: source.separator,
    quote: source.quote,
    recordPath: source.recordPath,
    complete: {
      ...(marker === undefined ? {} : { marker }),
      ...(trailer === undefined ? {} : { trailer }),
      ...(minRows === undefined ? {} : { minRows }),
    },
    finalNewline: source.finalNewline,
    stableMs: source.stableMs,
  };
}

function httpSettings(source: HttpText, preset: string): HttpSourceSettings {
  const {
    baseUrl,
    auth,
    ca,
    proxy,
    headers,
    id,
    list,
    joins,
    omit,
    keep,
    firstOf,
    dates,
    flatten,
    explode,
    values,
    one,
    changes,
    limits,
    timeoutMs,
  } = source;
  const { minRows } = source.complete;
  return {
    kind: 'http',
    preset,
    content: 'snapshot',
    schedule: source.schedule,
    columns: source.columns,
    baseUrl: setting(baseUrl),
    auth: sourceAuthSettings(auth),
    ...(ca === undefined ? {} : { ca: secretReference(ca) ?? { kind: 'env', name: '' } }),
    ...(proxy === undefined ? {} : { proxy: setting(proxy) }),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, setting(value)])),
    id,
    list,
    joins,
    omit,
    keep,
    firstOf,
    dates,
    flatten,
    ...(explode === undefined ? {} : { explode }),
    ...(values === undefined ? {} : { values }),
    ...(one === undefined ? {} : { one }),
    ...(changes === undefined ? {} : { changes }),
    limits,
    timeoutMs,
    complete: minRows === undefined ? {} : { minRows },
  };
}
