// Every key of a connection file: type, default, and the sentence that `help mapping` prints. Expressions are texts here;
// what they may say is checked where they are compiled.
import { z } from 'zod';
import { PROFILE_NAMES } from './account-rules.ts';
import { alarmsSchema } from './alarm-settings.ts';
import { alsoSchema, precedenceSchema } from './also-schema.ts';
import { authSchema } from './auth-schema.ts';
import { entraSchema } from './entra-schema.ts';
import { oktaSchema } from './okta-schema.ts';
import { expression, said, text } from './schema-words.ts';
import { revokeSessionsSchema } from './session-schema.ts';
import { sourceSchema } from './source-schema.ts';
import { webhookSchema } from './webhook-schema.ts';

/** What a reconciliation may mend by itself. */
export const REPAIRS = ['zombies', 'disabled', 'drifted', 'missing'] as const;
export type Repair = (typeof REPAIRS)[number];

const NEVER = 'never' as const;

const workerSchema = z.strictObject({
  id: expression('The key of a record, as text. Immutable.'),
  personId: expression('Links the employments of one person; else the id.').optional(),
  status: expression('One of expected, active, leave, terminated; usually lookup("status", record.X).'),
  startDate: expression('First day: date(record.X, "MM/dd/yyyy").'),
  endDate: expression('Termination date; blank means open.').optional(),
  lastDay: expression('Last day of work, always inclusive; see lifecycle.leaveCounts.').optional(),
  endsNow: expression('True ends access on receipt; counts only with a termination.').optional(),
  timeZone: expression('IANA zone in which the dates are meant; else timeZone of the connection.').optional(),
  managerId: expression('Key of the manager; blank means none.').optional(),
  attributes: said(
    z.record(z.string(), expression('An attribute, used below as worker.NAME.')).default({}),
    'Whatever else expressions below need.',
  ),
});

const tableValue = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .meta({ description: 'What a word of HR means.' });

const lifecycleSchema = z.strictObject({
  preboardDays: said(
    z.number().int().min(0).max(180).default(7),
    'Days before the start at which the account is made, inactive.',
  ),
  onLeave: said(z.enum(['keep', 'suspend']).default('keep'), 'What a leave of absence does to the account.'),
  lastDayInclusive: said(
    z.boolean().default(true),
    'Whether worker.endDate is the last day with access, or the day after it.',
  ),
  leaveCounts: said(
    z.enum(['lastDay', 'endDate']).default('lastDay'),
    'Which date ends access where both are there; where one is blank, the other counts.',
  ),
  enableAt: said(
    z.string(),
    'When access begins, local time counted from the start date: "06:00", or "-1d 18:00" for the evening before. Without it the start of that day.',
  ).optional(),
  disableAt: said(
    z.string(),
    'When access ends, local time counted from the last day: "18:00" is on the last day itself, "+1d 06:00" the morning after. Without it the start of the day after.',
  ).optional(),
  joinGroupsAt: said(z.enum(['preboarding', 'active']).default('active'), 'The stage from which groups are given.'),
  retention: said(
    z
      .strictObject({
        deleteAfterDays: said(
          z.union([z.literal(NEVER), z.number().int().min(1).max(36_500)]).default(NEVER),
          'Days after the leave at which the account is deleted, at targets with deletes: true.',
        ),
      })
      .prefault({}),
    'What happens to accounts of those who left.',
  ),
});

const limit = z.union([z.number().int().min(0), z.string()]);
/** A number of workers or a share, for the narrowest window of the kind; the wider ones follow in proportion. */
const guard = (description: string) => said(limit, description).optional();

const limitsOfKinds = {
  inferredLeaver: guard(
    'Accounts that would become inactive although no record says so: a number such as 10 or a share such as 3%.',
  ),
  explicitLeaver: guard('Workers who leave because their record says so.'),
  emergencyLeaver: guard('Emergency leaves by webhook.'),
  delete: guard('Accounts that would be deleted.'),
  membershipRemoved: guard('Workers who would lose a group membership.'),
  valueBlanked: guard('Workers who would lose a value of one attribute.'),
  rename: guard('Workers whose userName or mail would change.'),
  attributeChanged: guard('Workers of whom one attribute would change.'),
  newlyRejected: guard('Rows that were good before and are rejected now.'),
};
export type GuardKind = keyof typeof limitsOfKinds;
export const GUARD_KINDS = Object.keys(limitsOfKinds) as readonly GuardKind[];
/** Rows that nobody could read belong to no department. */
const UNIT_KINDS = GUARD_KINDS.filter((kind) => kind !== 'newlyRejected') as readonly Exclude<
  GuardKind,
  'newlyRejected'
>[];

const guardsSchema = z.strictObject({
  ...limitsOfKinds,
  per: said(
    z.union([
      z.string(),
      z.strictObject({
        attribute: said(z.string(), 'The attribute under worker.attributes.'),
        only: said(
          z.array(z.enum(UNIT_KINDS)).min(1),
          'The kinds that are limited there too; without it all.',
        ).optional(),
      }),
    ]),
    'An attribute such as department: every limit holds within each of its values too, as a share of the active workers there, rounded up. What exceeds it is held there; elsewhere work goes on. Without it limits hold for the whole house alone.',
  ).optional(),
});

const groupSchema = z.strictObject({
  name: expression('Display name; a quoted text is a literal name. A blank part grants nothing.'),
  when: expression('Who belongs to it; else everybody.').optional(),
  authority: said(
    z.enum(['full', 'additive']).default('additive'),
    'full: memberships that no rule grants are removed, whoever gave them (literal names only).',
  ),
  create: said(z.boolean().default(false), 'Whether the group is made when the target has none of this name.'),
});

/** The options of a value under `user`; a value without them is the expression itself. */
export const accountValueSchema = z.strictObject({
  value: said(z.unknown(), 'The expression, or members and elements with expressions in them.'),
  apply: said(z.enum(['always', 'onCreate']).default('always'), 'onCreate sends the value with a new account only.'),
  blank: said(
    z.enum(['remove', 'keep']).default('remove'),
    'What a blank result does to a value that the account has.',
  ),
});

const capabilitiesSchema = z.strictObject({
  update: said(z.enum(['patch', 'put']), 'put: a change is GET, overlay and PUT of the whole account.').optional(),
  patchForm: said(
    z.enum(['path', 'pathless']),
    'pathless: changes stand in the value of one operation without a path.',
  ).optional(),
  etag: said(z.boolean(), 'Whether If-Match is sent with the last tag seen.').optional(),
  paging: said(z.enum(['index', 'cursor', 'none']), 'How the list of users is divided.').optional(),
  pageSize: said(z.number().int().min(1).max(1_000), 'Users on one page.').optional(),
  bulk: said(
    z.union([
      z.literal(false),
      z.strictObject({
        maxOps: said(z.number().int().min(1).max(10_000), 'Most operations in one bulk request.'),
        maxBytes: said(z.number().int().min(1_000).max(100_000_000), 'Most bytes of one bulk request.'),
        references: said(
          z.boolean().default(false),
          'Whether a new account may name a manager who is created in the same request (bulkId:).',
        ),
      }),
    ]),
    'Limits of bulk requests; false sends none.',
  ).optional(),
  visibleAfterSeconds: said(
    z.number().int().min(0).max(60),
    'How long searches may not find what was just created; so long nothing is created again after a lost reply. Else 60.',
  ).optional(),
  confirmCreates: said(
    z.boolean(),
    'Read every new account back, where the endpoint may say 201 and create nothing.',
  ).optional(),
  needs: said(
    z.array(z.string()),
    'Paths under user that a new account needs, in place of those that the profile demands.',
  ).optional(),
});

const targetSchema = z.strictObject({
  name: text('How the target is called here; with baseUrl it is its identity.'),
  kind: text(
    'The protocol: scim, entra-bulk (Microsoft Entra API-driven provisioning), or okta-source (Okta identity sources).',
  ),
  profile: said(
    z.enum(PROFILE_NAMES).default('generic'),
    'What is known of the endpoint beforehand: its paths, limits and oddities.',
  ),
  capabilities: said(
    capabilitiesSchema.default({}),
    'What is known better than the profile and the endpoint itself know; without it, what they say.',
  ),
  baseUrl: text(
    'The address in front of /Users; of entra-bulk the whole address that ends in /bulkUpload, of okta-source that of the organization. ${env:NAME} is allowed.',
  ),
  auth: said(authSchema, 'How we show who we are; each kind has keys of its own.'),
  deletes: said(
    z.boolean().default(false),
    'true: accounts are deleted here once lifecycle.retention is over. Without it nothing is ever deleted here.',
  ),
  reconcile: said(
    z
      .strictObject({
        schedule: said(
          z.string().default('30 4 * * 0'),
          'When every account of the target is compared with what is believed of it (cron, in timeZone); never.',
        ),
        repair: said(
          z.array(z.enum(REPAIRS)).default(['zombies']),
          'What is mended without being asked, through the same guards as everything else: zombies (left here, active there), disabled (at work here, inactive there), drifted (attributes we write differ), missing (gone there).',
        ),
      })
      .prefault({}),
    'The comparison of the whole target with what is believed of it.',
  ),
  deleteAuth: said(
    authSchema.optional(),
    'Who we are when an account is deleted, and only then; without it as in auth. The keys are those of auth.',
  ),
  ca: text(
    'Certificates that are trusted beside the usual ones, as PEM, by reference: ${file:PATH} or ${env:NAME}. Checks cannot be switched off.',
  ).optional(),
  proxy: text(
    'The proxy through which the target and its token endpoint are reached: http(s)://host:port, or with user and password by reference.',
  ).optional(),
  limits: said(
    z
      .strictObject({
        concurrency: said(z.number().int().min(1).max(256).default(16), 'Requests in flight at once.'),
        perSecond: said(
          z.number().min(0.01).max(10_000).nullable().optional(),
          'Requests a second; null sets no limit. Without it 50, or what the profile says.',
        ),
      })
      .prefault({}),
    'How fast the target may be asked.',
  ),
  entra: said(entraSchema.optional(), 'What belongs to kind entra-bulk alone.'),
  okta: said(oktaSchema.optional(), 'What belongs to kind okta-source alone.'),
  timeoutMs: said(z.number().int().min(1_000).max(600_000).default(30_000), 'How long an answer may take.'),
  correlate: said(
    z.array(z.string()).default(['externalId']),
    'By which values existing accounts are found, in this order: externalId, userName, or a path under user. Generated names never count.',
  ),
  user: said(
    z.record(z.string(), z.unknown()),
    'The account: SCIM attributes whose values are expressions over worker.X and userName. userName is needed.',
  ),
  groups: said(z.array(groupSchema).default([]), 'Birthright groups.'),
  revokeSessions: said(
    revokeSessionsSchema,
    'How the sessions of somebody who has left end. Without it as the profile says, where that needs nothing else.',
  ).optional(),
});

export const connectionSchema = z.strictObject({
  connection: text('The name of the connection: small letters, digits and hyphens.'),
  timeZone: text('IANA zone of dates and schedules where a worker has none of their own.'),
  source: said(sourceSchema, 'Where records come from.'),
  also: said(alsoSchema, 'Further sources that give attributes, such as a directory of phones.'),
  precedence: said(
    precedenceSchema,
    'Whose value counts where several sources give an attribute; the first that is not blank.',
  ),
  webhooks: said(z.array(webhookSchema).max(32).default([]), 'Where HR tells at once that something changed.'),
  worker: said(workerSchema, 'From a record to an employment: expressions over record.COLUMN.'),
  scope: expression('Who is managed at all: an expression over worker.X; else everybody.').optional(),
  scopeExit: said(
    z.enum(['keep', 'disable']).default('keep'),
    'What leaving the scope does to a worker who has an account.',
  ),
  tables: said(
    z.record(z.string(), said(z.record(z.string(), tableValue), 'A table, named in lookup("NAME", …).')).default({}),
    'Tables for lookup(): from words of HR to ours.',
  ),
  lifecycle: said(lifecycleSchema.prefault({}), 'How the lifecycle behaves.'),
  guards: said(guardsSchema.prefault({}), 'Limits on harmful changes; a file may lower what is built in.'),
  alarms: said(alarmsSchema, 'When silence of the feed, or the end of credentials, is told as an alarm.'),
  protected: said(
    z
      .array(
        expression(
          'An account that must never be written to: an expression over account.userName, id, externalId, active.',
        ),
      )
      .default([]),
    'Accounts that never receive a write.',
  ),
  targets: said(z.array(targetSchema).min(1), 'Where accounts are kept.'),
});

export type ConnectionSettings = z.output<typeof connectionSchema>;
export type TargetSource = ConnectionSettings['targets'][number];
