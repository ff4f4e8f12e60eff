// What the schema cannot say of `revokeSessions`: where its calls may go, and that no credentials go where they do not belong.
import { checkAccess, checkSetting, isSafe } from './auth-rules.ts';
import type { Binder } from './binder.ts';
import { textSetting } from './secret-reference.ts';
import { GRAPH_BASE, GRAPH_HOSTS } from './session-schema.ts';
import type { YamlPath } from './yaml-tree.ts';

/** @param path of the target. */
export function checkSessions(binder: Binder, path: YamlPath): void {
  const section = [...path, 'revokeSessions'];
  const kind = binder.at([...section, 'kind']);
  if (kind !== 'graph' && kind !== 'okta') return;
  checkAccess(binder, section);
  const where = [...section, 'base'];
  checkSetting(binder, where);
  const base = literalAt(binder, where) ?? (kind === 'graph' && !binder.tree.has(where) ? GRAPH_BASE : null);
  if (base === null || base.trim() === '') return;
  const origin = sessionOrigin(kind, base);
  if (origin === null) {
    const { message, hint } = REFUSALS[kind];
    binder.fault(where, 'mapping.url', message, hint);
  } else if (!binder.tree.has([...section, 'auth']) && isElsewhere(origin, literalAt(binder, [...path, 'baseUrl']))) {
    binder.faultAtKey(section, 'mapping.session-auth', elsewhere(origin), 'give revokeSessions an auth of its own');
  }
}

/** Null for a reference, which only the daemon follows: it then asks the same questions. */
function literalAt(binder: Binder, path: YamlPath): string | null {
  const value = binder.at(path);
  const setting = typeof value === 'string' ? textSetting(value.trim()) : null;
  return setting?.kind === 'literal' ? setting.text : null;
}

const REFUSALS = {
  graph: {
    message: 'base is no address of Microsoft Graph',
    hint: GRAPH_HOSTS.map((host) => `https://${host}`).join(', '),
  },
  okta: { message: 'base is no https address of a host alone', hint: 'such as https://acme.okta.com' },
} as const;

export const elsewhere = (origin: string): string =>
  `the credentials of the target are not sent to ${origin}, which is another host`;

/**
 * The origin to which calls may go: https and a host alone, or this machine, where a stand-in may live. Null for anything else,
 * and for graph what is not Graph's.
 */
export function sessionOrigin(kind: 'graph' | 'okta', text: string): string | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url === null || !isSafe(url) || url.username !== '' || url.password !== '') return null;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return null;
  const known = url.protocol === 'http:' || GRAPH_HOSTS.some((host) => url.origin === `https://${host}`);
  return kind === 'graph' && !known ? null : url.origin;
}

function isElsewhere(origin: string, baseUrl: string | null): boolean {
  return baseUrl !== null && URL.canParse(baseUrl) && new URL(baseUrl).origin !== origin;
}
