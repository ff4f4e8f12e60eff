// What can be told of webhooks without sending one: whether their secrets are there, are long enough and are their own.
import { get } from 'node:http';
import type { Finding, Verdict } from '../base/finding.ts';
import { Problem } from '../base/problem.ts';
import { checkSecret } from '../http/hooks/verify.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { SecretReference } from '../mapping/secret-reference.ts';
import { sha256 } from '../runtime/hash.ts';
import { secretReader } from '../runtime/secrets.ts';
import type { Environment } from './desk.ts';

export interface Probed extends Finding {
  readonly connection: string;
  /** `source`, `target idp`, `webhook /hooks/acme`. */
  readonly subject: string;
}

const LISTENING_MS_MAX = 3_000;

type Hook = Connection['webhooks'][number];

/** @param all every connection whose secrets must differ from these. Holds no secret and no part of one. */
export function hookFindings(
  { name, webhooks }: Connection,
  all: readonly Connection[],
  environment: Environment,
): readonly Probed[] {
  const others = all.flatMap((one) => one.webhooks.map((hook) => ({ hook, connection: one.name })));
  return webhooks.flatMap((hook) => {
    const found: Probed[] = [];
    const say = (code: string, verdict: Verdict, message: string, hint?: string): void => {
      const finding = { code: `webhook.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) };
      found.push({ connection: name, subject: `webhook ${hook.path}`, ...finding });
    };
    for (const reference of hook.verify.secrets) {
      const secret = secretOr(reference, environment);
      const problem = secret instanceof Problem ? secret : problemIn(() => checkSecret(hook.verify, secret, hook.path));
      for (const { message, hint } of problem?.faults ?? []) say('secret', 'configuration', message, hint);
      if (secret instanceof Problem) continue;
      const twin = others.find((other) => other.hook !== hook && sharesSecret(other.hook, secret, environment));
      if (twin === undefined) continue;
      const emergency = hook.kind === 'emergency' || twin.hook.kind === 'emergency';
      const why = emergency ? ': who may send a hint could end access' : '';
      const message = `it shares a secret with ${twin.hook.path} of ${twin.connection}${why}`;
      say('shared-secret', emergency ? 'configuration' : 'warning', message, 'give each webhook a secret of its own');
    }
    if (found.length === 0) say('secret', 'good', `${hook.kind}, ${hook.verify.scheme}: its secrets are there`);
    return found;
  });
}

const sharesSecret = (hook: Hook, secret: string, environment: Environment): boolean =>
  hook.verify.secrets.some((reference) => {
    const other = secretOr(reference, environment);
    return typeof other === 'string' && sha256(other) === sha256(secret);
  });

function problemIn(check: () => void): Problem | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function secretOr(reference: SecretReference, environment: Environment): string | Problem {
  try {
    return secretReader(reference, environment)();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** Whether a daemon answers where this configuration lets it listen. The address that HR uses is a proxy's and not ours to try. */
export function daemonFinding(
  { host, port }: { readonly host: string; readonly port: number },
  stop: AbortSignal,
): Promise<Finding> {
  const hint =
    'whether HR reaches it through your proxy cannot be tried from here: have the HR system send a test event';
  const code = 'webhook.listening';
  return new Promise((resolve) => {
    const quiet = (): void => {
      const message = `no daemon answers at ${host}:${port}: webhooks are taken only while rollcall run runs`;
      resolve({ code, verdict: 'note', message, hint });
    };
    const signal = AbortSignal.any([stop, AbortSignal.timeout(LISTENING_MS_MAX)]);
    get({ host, port, path: '/healthz', signal }, (answer) => {
      answer.resume();
      if (answer.statusCode !== 200) quiet();
      else resolve({ code, verdict: 'good', message: `a daemon answers at ${host}:${port}`, hint });
    }).on('error', quiet);
  });
}
