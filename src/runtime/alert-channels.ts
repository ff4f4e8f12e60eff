// The ways a message takes to people: a signed webhook (the Standard Webhooks scheme, so that receivers have a library for it), mail
// over SMTP, and the call of a dead-man switch.
import { createHmac } from 'node:crypto';
import nodemailer from 'nodemailer';
import type { JsonObject } from '../base/json.ts';
import { type AlertSettings, isSafeAddress } from '../mapping/alert-settings.ts';
import type { TextSetting } from '../mapping/secret-reference.ts';
import { openPool } from './access/pool.ts';
import { openTransport } from './access/transport.ts';
import { secretReader } from './secrets.ts';

/** Nobody waits longer for a channel: the next look tries again. */
const TIMEOUT_MS = 10_000;
const CONNECTIONS = 2;
const ANSWER_BYTES_MAX = 64 * 1024;
const CLOSE_WITHIN_MS = 1_000;

export interface Outgoing {
  /** Stable for the message: a receiver that gets it twice knows. */
  readonly id: string;
  readonly atMs: number;
  readonly subject: string;
  readonly text: string;
  readonly json: JsonObject;
}

export interface Channel {
  readonly name: 'webhook' | 'mail';
  /** Null when it was taken; else why not, in a word and without secrets. Never throws. */
  readonly send: (message: Outgoing, signal: AbortSignal) => Promise<string | null>;
}

export interface Channels extends AsyncDisposable {
  readonly channels: readonly Channel[];
  /** Calls the dead-man switch; null without one. */
  readonly alive: ((signal: AbortSignal) => Promise<string | null>) | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function openChannels(settings: AlertSettings, environment: Environment): Channels {
  const pools: { close: (withinMs: number) => Promise<void> }[] = [];
  const text = (setting: TextSetting): string =>
    setting.kind === 'literal' ? setting.text : secretReader(setting, environment)();
  const post = async (
    address: string,
    method: 'GET' | 'POST',
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<string | null> => {
    if (!isSafeAddress(address)) return 'address';
    const url = new URL(address);
    const shape = {
      connections: CONNECTIONS,
      timeoutMs: TIMEOUT_MS,
      keepAliveMs: TIMEOUT_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    };
    const pool = openPool(url.origin, shape, openTransport());
    pools.push(pool);
    const answer = await pool.ask({ method, path: `${url.pathname}${url.search}`, headers, body }, signal);
    await pool.close(CLOSE_WITHIN_MS);
    pools.splice(pools.indexOf(pool), 1);
    if (answer.kind === 'fault') return answer.code;
    return answer.status >= 200 && answer.status < 300 ? null : `http-${answer.status}`;
  };
  const channels: Channel[] = [];
  const { webhook, mail, deadMan } = settings;
  if (webhook !== null) {
    const secret = secretReader(webhook.secret, environment);
    channels.push({
      name: 'webhook',
      send: ({ id, atMs, json }, signal) =>
        tried(() => {
          const seconds = String(Math.floor(atMs / 1_000));
          const body = JSON.stringify(json);
          const signature = createHmac('sha256', signingKey(secret()))
            .update(`${id}.${seconds}.${body}`)
            .digest('base64');
          const headers = {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': seconds,
            'webhook-signature': `v1,${signature}`,
          };
          return post(text(webhook.url), 'POST', headers, body, signal);
        }),
    });
  }
  if (mail !== null) channels.push(mailChannel(mail, environment));
  return {
    channels,
    alive: deadMan === null ? null : (signal) => tried(() => post(text(deadMan.url), 'GET', {}, '', signal)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pools.map((pool) => pool.close(CLOSE_WITHIN_MS)));
    },
  };
}

/** Standard Webhooks: `whsec_` and base64; any other text is its own bytes. */
const signingKey = (secret: string): Buffer =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);

function mailChannel(mail: NonNullable<AlertSettings['mail']>, environment: Environment): Channel {
  const password = mail.password === null ? null : secretReader(mail.password, environment);
  return {
    name: 'mail',
    send: ({ id, subject, text }, signal) =>
      tried(async () => {
        const transport = nodemailer.createTransport({
          host: mail.host,
          port: mail.port,
          secure: mail.security === 'tls',
          requireTLS: mail.security === 'starttls',
          ignoreTLS: mail.security === 'none',
          connectionTimeout: TIMEOUT_MS,
          greetingTimeout: TIMEOUT_MS,
          socketTimeout: TIMEOUT_MS,
          disableFileAccess: true,
          disableUrlAccess: true,
          ...(mail.user === null ? {} : { auth: { user: mail.user, pass: password?.() ?? '' } }),
        });
        try {
          await transport.sendMail({
            from: mail.from,
            to: [...mail.to],
            subject,
            text,
            signal,
            headers: { 'X-Rollcall-Alert': id },
          });
        } finally {
          transport.close();
        }
        return null;
      }),
  };
}

/** A channel that fails is tried again; what it failed of is said by its code alone. */
async function tried(send: () => Promise<string | null>): Promise<string | null> {
  try {
    return await send();
  } catch (error) {
    const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
    return typeof responseCode === 'number' ? `smtp-${responseCode}` : typeof code === 'string' ? code : 'unreachable';
  }
}
