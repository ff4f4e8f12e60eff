// What `validate --probe` asks Okta: reads only, and each answer is told with Okta's own names of scopes.
import type { Finding, Verdict } from '../../base/finding.ts';
import { NO_CREDENTIALS } from '../../runtime/access/faults.ts';
import type { Answer, Exchange } from '../scim/exchange.ts';
import { listPath } from './paths.ts';
import type { Room } from './room.ts';

/** A clock that is further off makes assertions fail and dates doubtful. */
const CLOCK_OFF_MS_MAX = 5 * 60_000;

export const SCOPES = {
  source: 'okta.identitySources.manage',
  read: 'okta.users.read',
  manage: 'okta.users.manage',
} as const;

/** Scopes that these settings need; whoever manages may read. */
export function scopesNeeded({ reads, leavers, reactivate, sessions }: Room['settings']): readonly string[] {
  const manages = leavers !== 'singleEntity' || reactivate === 'activate' || sessions === 'okta';
  return [SCOPES.source, ...(manages ? [SCOPES.manage] : reads === 'users' ? [SCOPES.read] : [])];
}

type Say = (code: string, verdict: Verdict, message: string, hint?: string) => void;

/** `asked`: the scopes that the file asks for; null where the credentials are no OAuth client. Never throws for what Okta says. */
export async function probeOkta(
  room: Room,
  exchange: Exchange,
  asked: readonly string[] | null,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const say: Say = (code, verdict, message, hint) => {
    findings.push({ code: `target.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) });
  };
  const source = await exchange({ kind: 'read', method: 'GET', path: room.paths.sessions, body: '' });
  if ((NO_CREDENTIALS as readonly string[]).includes(source.outcome.code)) {
    say(
      'credentials',
      'configuration',
      `nothing was sent: ${source.outcome.detail || source.outcome.code}`,
      'set the variable or the file that auth refers to',
    );
    return findings;
  }
  if (source.outcome.status === null) {
    const token = source.outcome.code.startsWith('token-');
    say(
      'unreachable',
      'failed',
      token ? `the token endpoint gives no token: ${said(source)}` : `Okta was not reached: ${said(source)}`,
      token
        ? 'check tokenUrl, clientId, the key, and that the scopes are granted to the application'
        : 'check baseUrl, the proxy and the certificates',
    );
    return findings;
  }
  say('reachable', 'good', 'the organization answers');
  tellClock(source, room.now(), say);
  if (source.outcome.status === 401) {
    say(
      'credentials',
      'failed',
      `the credentials are refused: ${said(source)}`,
      'has the token been revoked, or does it belong to another organization?',
    );
    return findings;
  }
  tellSource(source, say);
  const users = await exchange({
    kind: 'search',
    method: 'GET',
    path: listPath({ status: null, after: null, limit: 1 }),
    body: '',
  });
  tellUsers(users, room, say);
  tellScopes(asked, room, say);
  say(
    'write',
    'note',
    'whether these credentials may upload cannot be tried without uploading',
    'rollcall sync --worker ID takes one person through',
  );
  return findings;
}

const said = ({ outcome: { status, code, detail } }: Answer): string =>
  [status === null ? code : `it answers ${status}`, detail].filter((text) => text !== '').join(', ');

function tellClock({ date }: Answer, nowMs: number, say: Say): void {
  const ms = Date.parse(date ?? '');
  if (Number.isNaN(ms) || Math.abs(ms - nowMs) <= CLOCK_OFF_MS_MAX) return;
  say(
    'clock',
    'warning',
    `its clock and ours differ by ${Math.round(Math.abs(ms - nowMs) / 60_000)} minutes`,
    'set this machine by NTP; who leaves today depends on it',
  );
}

function tellSource(source: Answer, say: Say): void {
  const { status } = source.outcome;
  if (status === 403)
    say(
      'identity-source',
      'failed',
      `the scope ${SCOPES.source} is not held: ${said(source)}`,
      'grant it to the application, and give it a role that may manage the identity source',
    );
  else if (status === 404)
    say(
      'identity-source',
      'failed',
      'there is no such identity source',
      'identitySourceId is the id of the Custom Identity Source application; else the feature is not enabled for the organization: ask Okta',
    );
  else if (source.outcome.class === 'done')
    say('identity-source', 'good', 'the identity source is there, and its sessions may be read');
  else
    say(
      'identity-source',
      'failed',
      `the identity source does not answer: ${said(source)}`,
      'look into the System Log of the organization',
    );
}

function tellUsers(users: Answer, { settings }: Room, say: Say): void {
  if (users.outcome.class === 'done')
    say('users', 'good', `users may be read: the scope ${SCOPES.read} or ${SCOPES.manage} is held`);
  else if (users.outcome.status === 403) {
    const needed = settings.reads === 'users';
    say(
      'users',
      needed ? 'failed' : 'note',
      `users may not be read: the scope ${SCOPES.read} is not held`,
      'without it nobody can tell whether a leaver can sign in: grant it, or set okta.reads: source and know what that leaves open',
    );
  } else say('users', 'warning', `users cannot be read: ${said(users)}`);
}

function tellScopes(asked: readonly string[] | null, { settings }: Room, say: Say): void {
  if (asked === null) return;
  const missing = scopesNeeded(settings).filter((scope) => !asked.includes(scope));
  if (missing.length === 0) say('scopes', 'good', `every scope that is needed is asked for: ${asked.join(', ')}`);
  else
    say(
      'scopes',
      'warning',
      `these settings need scopes that auth.scope does not ask for: ${missing.join(', ')}`,
      'add them to auth.scope and grant them to the application',
    );
}
