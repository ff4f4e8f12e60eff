// One webhook as the server knows it: how a request is proven, what tells one event from another, where it is kept.
import { createHash } from 'node:crypto';
import { Problem } from '../../base/problem.ts';
import type { HookKind, HookSettings } from '../../mapping/webhook-settings.ts';
import { bodyOf } from '../../pipeline/event-body.ts';
import type { House } from '../../pipeline/house.ts';
import { nowOf } from '../../runtime/clock.ts';
import { secretReader } from '../../runtime/secrets.ts';
import type { Received } from '../../store/store.ts';
import { checkSecret, type Genuine, type HookRequest, verifier } from './verify.ts';

export interface HookEndpoint {
  readonly path: string;
  readonly kind: HookKind;
  readonly verify: (request: HookRequest) => Genuine | null;
  /** Durable when it resolves; then the inbox is told. */
  readonly receive: (body: Buffer, form: 'json' | 'form', genuine: Genuine) => Promise<Received>;
}

/** Every webhook of every connection. @throws Problem for secrets that are not there, too short or shared, and for two of one path. */
export function hookEndpoints(
  house: House,
  environment: Readonly<Record<string, string | undefined>>,
): readonly HookEndpoint[] {
  const endpoints: HookEndpoint[] = [];
  /** Secret → paths it opens, and whether one of them ends access. */
  const holders = new Map<string, { readonly path: string; readonly kind: HookKind }[]>();
  for (const live of house.connections.values()) {
    for (const hook of live.connection.webhooks) {
      const { path, kind } = hook;
      if (endpoints.some((other) => other.path === path)) {
        throw new Problem({
          code: 'webhook.path',
          message: `two connections have a webhook at ${path}`,
          hint: 'give each a path of its own',
        });
      }
      const secrets = hook.verify.secrets.map((reference) => secretReader(reference, environment));
      for (const secret of secrets) {
        const text = secret();
        checkSecret(hook.verify, text, path);
        holders.set(text, [...(holders.get(text) ?? []), { path, kind }]);
      }
      const verify = verifier(hook.verify, secrets);
      endpoints.push({
        path,
        kind,
        verify: (request) => {
          try {
            return verify(request, house.clock.nowMs());
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            // A secret that cannot be read any more proves nothing.
            house.log.error({ hook: path }, 'a secret of a webhook cannot be read');
            return null;
          }
        },
        receive: async (body, form, genuine) => {
          const received = await house.store.receiveEvent({
            connection: live.connection.name,
            hook: path,
            kind,
            ...identityOf(hook, body, form, genuine),
            body,
            form,
            receivedAt: nowOf(house.clock),
          });
          if (received === 'stored') live.arrived.ring();
          return received;
        },
      });
    }
  }
  for (const paths of holders.values()) {
    const emergency = paths.find(({ kind }) => kind === 'emergency');
    const other = paths.find(({ path }) => path !== emergency?.path);
    if (emergency === undefined || other === undefined) continue;
    throw new Problem({
      code: 'webhook.secret-shared',
      message: `the emergency webhook ${emergency.path} has the same secret as ${other.path}`,
      hint: 'whoever can send the one could send the other: give the emergency a secret of its own',
    });
  }
  return endpoints;
}

/**
 * What an event is known by when it comes again: the id that was signed or that the body names; else the whole request with the time
 * that was signed; else its content. Where nothing in it says when it was, the same content may come again and mean something
 * new: it is only the same event while the first one waits.
 */
function identityOf(
  hook: HookSettings,
  body: Buffer,
  form: 'json' | 'form',
  { id, timestamp }: Genuine,
): { readonly identity: Buffer; readonly keyed: boolean } {
  const parsed = hook.reader.tellsApart ? bodyOf({ body, form }) : null;
  const named = id !== '' ? id : parsed === null ? '' : hook.reader.idOf(parsed);
  const hash = createHash('sha256');
  if (named !== '') return { identity: hash.update('id\n').update(named).digest(), keyed: true };
  hash.update('body\n').update(timestamp).update('\n').update(body);
  return { identity: hash.digest(), keyed: timestamp !== '' || hook.reader.tellsApart };
}
