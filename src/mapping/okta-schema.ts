// The keys of `okta:` in a target of kind okta-source. Each default is the safe side of what Okta's documentation leaves open; where
// the facts come from stands in docs/okta.md. What the keys may hold beyond their type is checked in okta-rules.ts.
import { z } from 'zod';
import { said, text } from './schema-words.ts';
import { type TextSetting, textSetting } from './secret-reference.ts';

const MINUTE_MS = 60_000;

export const oktaSchema = z.strictObject({
  identitySourceId: text('The id of the Custom Identity Source application in Okta; ${env:NAME} is allowed.'),
  reads: said(
    z.enum(['users', 'source']).default('users'),
    'How it is verified what became of somebody. users: by the Users API (scope okta.users.read), which knows whether they can sign in. source: by the identity source alone, which knows only whether it holds them.',
  ),
  externalIdAttribute: said(
    z.string().default('employeeNumber'),
    'The attribute of Okta users into which the profile mapping of the source writes the external id; by it users are known for ours.',
  ),
  leavers: said(
    z.enum(['singleEntity', 'deactivate', 'suspend']).default('singleEntity'),
    'How access ends, at once and never in a session. singleEntity: the user is deleted from the source, which deactivates. deactivate, suspend: by the Users API, and then at the source; suspend is reversible and removes no applications.',
  ),
  reactivate: said(
    z.enum(['upsert', 'activate']).default('upsert'),
    'How a rehire becomes active again. No source says that an upsert does it. upsert: whoever does not become active by it fails visibly. activate: the Users API is asked to (scope okta.users.manage).',
  ),
  preboarding: said(
    z.enum(['later', 'deactivate']).default('later'),
    'An account that shall be inactive before the first day. later: it is uploaded when it shall be active. deactivate: it is uploaded and deactivated at once, and is active for that moment.',
  ),
  blanks: said(
    z.enum(['empty', 'omit']).default('empty'),
    'How a value that is to go is sent: as an empty text, or not at all. No source says what an upsert does with what is left out.',
  ),
  manager: said(
    z.string(),
    'The attribute of the source that takes the key of the manager, once the manager’s account exists; without it none is sent.',
  ).optional(),
  sessions: said(
    z.enum(['okta', 'none']).default('okta'),
    'okta: the sessions and tokens of a leaver end by a call after the disable (scope okta.users.manage).',
  ),
  groups: said(
    z.enum(['singleEntity', 'session']).default('singleEntity'),
    'How memberships are given. singleEntity: at once, 200 in one call. session: where there are more of them than singleEntityMax, in an import session.',
  ),
  singleEntityMax: said(
    z.number().int().min(0).max(200).default(10),
    'So many changes at once go by calls for single entities; more travel in a session.',
  ),
  session: said(
    z
      .strictObject({
        gapSeconds: said(
          z.number().int().min(0).max(3_600).default(300),
          'No session is opened earlier than this after the end of another: within five minutes Okta refuses it.',
        ),
        lingerSeconds: said(
          z.number().int().min(0).max(600).default(10),
          'A session that took nothing in for so long is started.',
        ),
        pollSeconds: said(
          z.number().int().min(1).max(600).default(10),
          'How often it is asked what became of sessions and people.',
        ),
      })
      .prefault({}),
    'The pace of import sessions.',
  ),
  verify: said(
    z
      .strictObject({
        joiners: said(
          z.enum(['all', 'sample']).default('all'),
          'Who is read once a session is completed. Leavers always are; sample reads one in twenty of all others and believes the session for the rest.',
        ),
        withinMinutes: said(
          z.number().int().min(1).max(1_440).default(60),
          'After so long without proof an upload counts as unconfirmed: an alarm, and it is sent again.',
        ),
        leaversWithinMinutes: said(z.number().int().min(1).max(1_440).default(10), 'The same of a leaver.'),
      })
      .prefault({}),
    'How it is learnt that what was taken in was done.',
  ),
});
export type OktaSource = z.output<typeof oktaSchema>;

/** As read from a connection file. */
export interface OktaSettings extends Omit<OktaSource, 'identitySourceId' | 'manager' | 'session' | 'verify'> {
  readonly identitySourceId: TextSetting;
  /** '' where none is sent. */
  readonly manager: string;
  readonly gapMs: number;
  readonly lingerMs: number;
  readonly pollMs: number;
  readonly joiners: 'all' | 'sample';
  readonly withinMs: number;
  readonly leaversWithinMs: number;
}

/** The room asks no faster than this unless the file says so: which bucket these calls fall into is not documented. */
export const OKTA_PER_SECOND = 20;

export function oktaSettings({ identitySourceId, session, verify, manager = '', ...rest }: OktaSource): OktaSettings {
  return {
    ...rest,
    identitySourceId: textSetting(identitySourceId.trim()) ?? { kind: 'literal', text: identitySourceId },
    manager,
    gapMs: session.gapSeconds * 1_000,
    lingerMs: session.lingerSeconds * 1_000,
    pollMs: session.pollSeconds * 1_000,
    joiners: verify.joiners,
    withinMs: verify.withinMinutes * MINUTE_MS,
    leaversWithinMs: verify.leaversWithinMinutes * MINUTE_MS,
  };
}
