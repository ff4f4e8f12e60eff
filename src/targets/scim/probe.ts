// What `validate --probe` asks an endpoint: reads only, one after the other, and each answer is told in plain words.
import type { Finding, Verdict } from '../../base/finding.ts';
import type { JsonObject } from '../../base/json.ts';
import { NO_CREDENTIALS } from '../../runtime/access/faults.ts';
import { isObject } from '../../runtime/access/json-body.ts';
import { type Capabilities, type Configured, capabilitiesOf } from './capabilities.ts';
import { discoveredFrom } from './discovery.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Profile } from './profiles.ts';
import { listUsers, type ScimRequest, searchUsers } from './requests.ts';
import { listOf } from './responses.ts';

export interface ProbeParts {
  readonly exchange: Exchange;
  readonly profile: Profile;
  readonly configured: Configured;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A clock that is further off makes tokens fail and dates doubtful. */
const CLOCK_OFF_MS_MAX = 5 * 60_000;
/** Nobody is called that: the answer shows whether the endpoint filters at all. */
const NOBODY = 'rollcall-probe-nobody';

const read = (path: string): ScimRequest => ({ kind: 'read', method: 'GET', path, body: '' });

/** Never throws for what the endpoint says. */
export async function probeEndpoint({ exchange, profile, configured, now }: ProbeParts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const say = (code: string, verdict: Verdict, message: string, hint?: string): void => {
    findings.push({ code: `target.${code}`, verdict, message, ...(hint === undefined ? {} : { hint }) });
  };
  const config = await ask(profile.discovery ? read(profile.paths.serviceProviderConfig) : null, exchange);
  const users = await exchange(listUsers({ by: 'index', startIndex: 1, count: 1 }));
  const heard = [config, users].filter((answer) => answer !== null);
  if (lacksSecret(users)) {
    say(
      'credentials',
      'configuration',
      `nothing was sent: ${users.outcome.detail || users.outcome.code}`,
      hintOf(users),
    );
    return findings;
  }
  if (heard.every(({ outcome }) => outcome.status === null)) {
    say('unreachable', 'failed', `the endpoint was not reached: ${said(users)}`, hintOf(users));
    return findings;
  }
  say('reachable', 'good', 'the endpoint answers');
  tellClock(heard, now(), say);
  if (users.outcome.status === 401) {
    say('credentials', 'failed', `the credentials are refused: ${said(users)}`, hintOf(users));
    return findings;
  }
  const capabilities = tellConfig(config, { profile, configured }, say);
  tellUsers(users, profile, say);
  if (isDone(users)) await tellFilter(exchange, profile, say);
  if (profile.account.groups && capabilities.groups) await tellGroups(exchange, say);
  say(
    'write',
    'note',
    'whether these credentials may write cannot be tried without writing',
    'take one person through: rollcall sync --worker ID',
  );
  return findings;
}

type Say = (code: string, verdict: Verdict, message: string, hint?: string) => void;

const ask = async (request: ScimRequest | null, exchange: Exchange): Promise<Answer | null> =>
  request === null ? null : exchange(request);

const isDone = ({ outcome }: Answer): boolean => outcome.class === 'done';

const said = ({ outcome: { status, code, detail } }: Answer): string =>
  [status === null ? code : `it answers ${status}`, detail].filter((text) => text !== '').join(', ');

/** Nothing was sent, because a secret is not there. */
const lacksSecret = ({ outcome }: Answer): boolean => (NO_CREDENTIALS as readonly string[]).includes(outcome.code);
function hintOf(answer: Answer): string {
  const { status, code } = answer.outcome;
  if (status === 401)
    return 'the credentials are not accepted: has the token run out, or does it belong to another tenant?';
  if (status === 403) return 'the credentials are known and may not do this: grant them reading of users and groups';
  if (status === 404) return 'nothing is at this address: baseUrl is what stands in front of /Users';
  if (lacksSecret(answer)) return 'set the variable or the file that auth refers to';
  if (code.startsWith('token-')) return 'the token endpoint gives no token: check tokenUrl, the client and its secret';
  if (status === null) return 'check the address, the proxy and the certificates; ca: trusts one of your own';
  return 'look into the log of the endpoint';
}

function tellClock(answers: readonly Answer[], nowMs: number, say: Say): void {
  const date = answers.map((answer) => Date.parse(answer.date ?? '')).find((ms) => !Number.isNaN(ms));
  if (date === undefined) return;
  const off = Math.round(Math.abs(date - nowMs) / 60_000);
  if (Math.abs(date - nowMs) <= CLOCK_OFF_MS_MAX) return;
  say(
    'clock',
    'warning',
    `its clock and ours differ by ${off} minutes`,
    'set this machine by NTP; who leaves today depends on it',
  );
}

function tellConfig(
  config: Answer | null,
  { profile, configured }: Pick<ProbeParts, 'profile' | 'configured'>,
  say: Say,
): Capabilities {
  const discovered = config !== null && isDone(config) ? discoveredFrom(config.body, null, null) : null;
  const capabilities = capabilitiesOf(profile, discovered, configured);
  if (config === null) return capabilities;
  if (discovered === null) {
    say(
      'describes-itself',
      'note',
      `it does not describe itself (${said(config)}); the profile ${profile.name} is believed`,
    );
    return capabilities;
  }
  const without = capabilitiesOf(profile, null, configured);
  const differences: string[] = [];
  if (discovered.patch === false && capabilities.update === 'patch')
    differences.push('it says that it has no PATCH, and the profile sends it');
  if (discovered.patch === true && capabilities.update === 'put')
    differences.push('it says that it has PATCH, and the profile writes whole accounts (PUT)');
  if (discovered.bulk === false && without.bulk !== null)
    differences.push('it has no bulk requests, and the profile has');
  if (filterIsOff(config.body))
    differences.push('it says that it does not filter: accounts cannot be looked up by name');
  if (discovered.filterMax !== null && discovered.filterMax < without.pageSize)
    differences.push(
      `it answers with ${discovered.filterMax} users at most, the profile asks for ${without.pageSize}: pages are made smaller`,
    );
  if (differences.length === 0) {
    say('profile', 'good', `what it says of itself fits the profile ${profile.name}`);
    return capabilities;
  }
  for (const difference of differences)
    say(
      'profile',
      'warning',
      difference,
      'capabilities: in the connection file says what is right, where the profile is wrong',
    );
  return capabilities;
}

function filterIsOff(body: JsonObject | null): boolean {
  const filter = body?.filter;
  return isObject(filter) && filter.supported === false;
}

function tellUsers(users: Answer, profile: Profile, say: Say): void {
  if (!profile.listing) {
    say(
      'users',
      'note',
      `profile ${profile.name}: it lists nobody without a filter, so people are looked up one by one`,
    );
    return;
  }
  const list = isDone(users) ? listOf(users.body) : null;
  if (list !== null) {
    const count = list.total === null ? '' : `, and says that there are ${list.total}`;
    say('users', 'good', `the credentials may list users${count}`);
  } else if (isDone(users)) {
    say(
      'users',
      'failed',
      'it answers, but not with a list of users',
      'baseUrl is what stands in front of /Users; a sign-in page may answer in its place',
    );
  } else say('users', 'failed', `users cannot be listed: ${said(users)}`, hintOf(users));
}

async function tellFilter(exchange: Exchange, profile: Profile, say: Say): Promise<void> {
  const [attribute] = profile.lookup;
  if (attribute === undefined) return;
  const answer = await exchange(searchUsers(attribute, NOBODY));
  const list = isDone(answer) ? listOf(answer.body) : null;
  if (list === null) {
    say('look-up', 'failed', `users cannot be looked up by ${attribute}: ${said(answer)}`, hintOf(answer));
  } else if (list.resources.length > 0) {
    const message = `a look-up by ${attribute} brings users who are not asked for: the filter is ignored`;
    say(
      'look-up',
      'failed',
      message,
      'nobody could be told apart there; ask the vendor for filters (RFC 7644 section 3.4.2.2)',
    );
  } else say('look-up', 'good', `users can be looked up by ${attribute}`);
}

async function tellGroups(exchange: Exchange, say: Say): Promise<void> {
  const answer = await exchange(read('/Groups?startIndex=1&count=1'));
  if (isDone(answer) && listOf(answer.body) !== null) say('groups', 'good', 'the credentials may list groups');
  else
    say('groups', 'warning', `groups cannot be listed: ${said(answer)}`, 'without them no memberships are kept there');
}
