// The keys of `entra`: what belongs to targets of kind entra-bulk (Microsoft Entra API-driven provisioning) and to no other. What
// they may hold beyond their type is checked in entra-rules.ts. Where Microsoft says nothing, the key is the answer and its default
// the safe side; docs/entra.md lists these.
import { z } from 'zod';
import { said } from './schema-words.ts';

/** How a leaver's access ends before the upload is processed. */
export const DIRECT_WAYS = ['none', 'graph', 'scim'] as const;

const minutes = (description: string, fallback: number, most: number) =>
  said(z.number().int().min(1).max(most).default(fallback), description);

export const entraSchema = z.strictObject({
  matching: said(
    z.string().default('externalId'),
    'The attribute of an uploaded record by which the provisioning app finds the account: externalId, userName, or a path under user. A record without it is refused.',
  ),
  property: said(
    z.string().default('employeeId'),
    'The property of users in Microsoft Graph that the app maps the matching attribute to: people are read by it.',
  ),
  dailyCalls: said(
    z.number().int().min(20).max(6_000).default(2_000),
    'Upload calls of the tenant in 24 hours: 2000 with P1 or P2, 6000 with Entra ID Governance. Lower where other tools upload as well.',
  ),
  reservedCalls: said(
    z.number().int().min(1).max(3_000).default(200),
    'Of these, kept for leavers: nobody else uses them.',
  ),
  callBytesMax: said(
    z.number().int().min(10_000).max(10_000_000).default(1_000_000),
    'Most bytes of one upload call; Microsoft names no limit.',
  ),
  confirmWithinMinutes: minutes(
    'An upload that no log line confirms for so long is unconfirmed: alerted, and sent again.',
    180,
    2_880,
  ),
  leaverConfirmWithinMinutes: minutes('The same for those who leave.', 45, 1_440),
  direct: said(
    z.enum(DIRECT_WAYS).default('none'),
    'How somebody who leaves loses access before the upload is processed, and their sessions with it: graph (PATCH of the user), scim (the SCIM provisioning API, which bills each call), none: when Entra has processed the upload, minutes later.',
  ),
  readUsers: said(
    z.boolean().default(true),
    'Whether people are read from Microsoft Graph (User.Read.All): existing accounts are then found before anything is sent, and every leaver is confirmed by reading the account. false: log lines are all that is known.',
  ),
  readJob: said(
    z.boolean().default(true),
    'Whether the state of the provisioning job is read before uploads, so that nothing is sent to one that is paused or quarantined.',
  ),
  flowNull: said(
    z.boolean().default(false),
    'true where the app flows null values (a preview of Microsoft): what is blank is sent as null and cleared. Without it a value that HR blanks stays in Entra.',
  ),
  logs: said(
    z
      .strictObject({
        everyMinutes: minutes('How often provisioning logs are read while something waits to be confirmed.', 2, 120),
        lookBackMinutes: minutes(
          'Log lines that come out of order are looked for so far behind the newest one seen.',
          15,
          1_440,
        ),
        pageSize: said(z.number().int().min(1).max(999).default(100), 'Log lines asked for at once.'),
        pagesPerMinute: said(
          z.number().int().min(1).max(120).default(20),
          'Pages of logs asked for in a minute; Microsoft names no limit for them.',
        ),
        identity: said(
          z.string().default('id'),
          'The member of sourceIdentity in a log line that holds the matching value: id, displayName, or details.NAME.',
        ),
      })
      .prefault({}),
    'How outcomes are learnt from the provisioning logs.',
  ),
});

export type EntraSource = z.output<typeof entraSchema>;
/** As written, with defaults: it holds no secret and no reference. */
export type EntraSettings = EntraSource;
