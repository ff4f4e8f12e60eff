// The keys of `revokeSessions`: how the sessions of somebody who has left are ended. What they may hold beyond their type is
// checked in session-rules.ts.
import { z } from 'zod';
import { authSchema } from './auth-schema.ts';

const said = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description }) as T;

export const SESSION_KINDS = ['none', 'implicit', 'graph', 'okta'] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

export const SESSION_USERS = ['remoteId', 'userName', 'externalId'] as const;

/** Hosts of Microsoft Graph: the worldwide one and the national clouds. Tokens for it go nowhere else. */
export const GRAPH_HOSTS = [
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
] as const;

export const GRAPH_BASE = 'https://graph.microsoft.com';

/** The kinds are told apart by this key; `words` is what help says that it takes. */
const kind = <K extends SessionKind>(name: K) =>
  z.literal(name).meta({
    description:
      'graph and okta: by a call of ours after the disable. implicit: the disable itself ends them. none: nobody does.',
    words: SESSION_KINDS.join(' | '),
  });
const user = said(z.enum(SESSION_USERS).default('remoteId'), 'Which name of the account that endpoint knows.');
const auth = authSchema.optional().meta({
  description:
    'How we show who we are there; its keys are those of auth. Without it as at the target, which is refused where the host is another one.',
  keysElsewhere: true,
});

const graph = z.strictObject({
  kind: kind('graph'),
  base: said(
    z.string().default(GRAPH_BASE),
    'Microsoft Graph of the cloud that the tenant is in; nothing else is accepted. ${env:NAME} is allowed.',
  ),
  user,
  auth,
});
const okta = z.strictObject({
  kind: kind('okta'),
  base: said(z.string(), 'The address of the organization, such as https://acme.okta.com. ${env:NAME} is allowed.'),
  user,
  auth,
});

export const revokeSessionsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: kind('none') }),
  z.strictObject({ kind: kind('implicit') }),
  graph,
  okta,
]);
export type RevokeSessionsSource = z.output<typeof revokeSessionsSchema>;
