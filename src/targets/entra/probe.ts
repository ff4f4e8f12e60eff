// What `validate --probe` asks: the permissions in Microsoft's own names, the state of the job, whether logs and users can be read.
// Reads only; whether an upload is taken shows with the first one.
import type { Finding, Verdict } from '../../base/finding.ts';
import { Problem } from '../../base/problem.ts';
import type { EntraSettings } from '../../mapping/entra-schema.ts';
import type { Credentials } from '../../runtime/access/credentials.ts';
import { parsedBody } from '../../runtime/access/json-body.ts';
import type { Graph } from './graph.ts';
import { readJob } from './job.ts';
import type { Logs } from './logs.ts';
import type { Users } from './users.ts';

export interface ProbeParts {
  readonly credentials: Credentials;
  readonly people: Graph;
  readonly jobPath: string;
  readonly logs: Logs;
  readonly users: Users;
  readonly settings: EntraSettings;
  readonly revokes: boolean;
  readonly now: () => number;
}

type Say = (code: string, verdict: Verdict, message: string, hint?: string) => void;

/** One purpose, and the application permissions of which any one is enough. */
interface Need {
  readonly purpose: string;
  readonly any: readonly string[];
  /** Without it nothing works. */
  readonly must: boolean;
}

/**
 * https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-grant-access and, for what is done directly,
 * https://learn.microsoft.com/entra/identity/app-provisioning/entra-id-scim-api-reference
 */
function needsOf({ direct, readUsers, readJob: readsJob }: EntraSettings, revokes: boolean): readonly Need[] {
  return [
    {
      purpose: 'uploading',
      any: ['SynchronizationData-User.Upload', 'SynchronizationData-User.Upload.OwnedBy'],
      must: true,
    },
    { purpose: 'reading outcomes', any: ['ProvisioningLog.Read.All', 'AuditLog.Read.All'], must: true },
    ...(readsJob
      ? [
          {
            purpose: 'reading the state of the job',
            any: ['Synchronization.Read.All', 'Synchronization.ReadWrite.All'],
            must: false,
          },
        ]
      : []),
    ...(readUsers
      ? [{ purpose: 'reading users', any: ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All'], must: true }]
      : []),
    ...(direct === 'none'
      ? []
      : [
          {
            purpose: 'disabling leavers directly',
            any: ['User.EnableDisableAccount.All', 'User.ReadWrite.All'],
            must: true,
          },
        ]),
    ...(direct !== 'none' || revokes
      ? [
          {
            purpose: 'ending sessions',
            any: ['User.RevokeSessions.All', 'User.ReadWrite.All', 'Directory.ReadWrite.All'],
            must: true,
          },
        ]
      : []),
  ];
}

/** Never throws for what Microsoft says. */
export async function probeEntra(parts: ProbeParts, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const say: Say = (code, verdict, message, hint) =>
    void findings.push({ code: `target.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) });
  const shown = await parts.credentials.headers(signal);
  if ('fault' in shown) {
    say(
      'credentials',
      shown.fault.startsWith('no-') ? 'configuration' : 'failed',
      `no token: ${shown.detail || shown.fault}`,
      'check auth: tokenUrl, clientId, and the secret or the certificate',
    );
    return findings;
  }
  tellPermissions(rolesIn(shown.headers.authorization ?? ''), needsOf(parts.settings, parts.revokes), say);
  await tellJob(parts, say, signal);
  await tell('logs', 'the provisioning logs can be read', say, () =>
    parts.logs.read(parts.now() - LOG_PROBE_MS, true, signal),
  );
  if (parts.users.reads)
    await tell('users', `users can be looked up by ${parts.settings.property}`, say, () =>
      parts.users.matching('rollcall-probe-nobody', signal),
    );
  else
    say(
      'users',
      'note',
      'users are not read (entra.readUsers: false): existing accounts are not found before uploads',
      'docs/entra.md says what that means',
    );
  say(
    'write',
    'note',
    'whether uploads are taken cannot be tried without one',
    'rollcall sync --worker ID takes one person through',
  );
  return findings;
}

/** Enough to see whether there is an answer at all. */
const LOG_PROBE_MS = 60_000;

/** Application permissions of an access token (`roles`); null where the token does not show them. The token is not verified: it is ours. */
export function rolesIn(authorization: string): readonly string[] | null {
  const [, payload] = authorization.replace(/^Bearer /, '').split('.');
  if (payload === undefined) return null;
  const claims = parsedBody(Buffer.from(payload, 'base64url').toString('utf8'));
  const roles = claims?.roles;
  if (claims === null) return null;
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
}

function tellPermissions(roles: readonly string[] | null, needs: readonly Need[], say: Say): void {
  if (roles === null) {
    say('permissions', 'note', 'the token does not show its permissions');
    return;
  }
  for (const { purpose, any, must } of needs) {
    const held = any.find((one) => roles.includes(one));
    if (held !== undefined) say('permissions', 'good', `${held} is granted (${purpose})`);
    else
      say(
        'permissions',
        must ? 'failed' : 'warning',
        `${any[0]} is not granted (${purpose})`,
        `an administrator grants it to the app as an application permission${any.length > 1 ? `; ${any.slice(1).join(' or ')} does as well` : ''}`,
      );
  }
}

async function tellJob({ people, jobPath, settings }: ProbeParts, say: Say, signal: AbortSignal): Promise<void> {
  if (!settings.readJob) {
    say('job', 'note', 'the state of the provisioning job is not read (entra.readJob: false)');
    return;
  }
  const state = await readJob(people, jobPath, signal);
  if (state.kind === 'works') say('job', 'good', 'the provisioning job works');
  else if (state.kind === 'unknown')
    say(
      'job',
      state.status === 404 ? 'failed' : 'warning',
      `the state of the provisioning job cannot be read: ${state.reason}`,
      state.status === 404
        ? 'baseUrl names a job, or a service principal, that does not exist'
        : 'grant Synchronization.Read.All, or say entra.readJob: false',
    );
  else
    say(
      'job',
      'failed',
      `the provisioning job is ${state.kind}: ${state.detail}`,
      'set it going again in the Entra admin center; until then nothing is uploaded',
    );
}

async function tell(code: string, good: string, say: Say, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
    say(code, 'good', good);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [fault] = error.faults;
    say(code, 'failed', fault?.message ?? error.message, fault?.hint);
  }
}
