// The `targets:` section: an account made of what the feed has and what the kind of endpoint demands.
import { ACCOUNT_RULES, type AccountRules, type ProfileName } from '../account-rules.ts';
import { type Entry, type Setting, yamlText } from './file-text.ts';
import { celText, type SampleColumn } from './sample-columns.ts';
import type { WorkerPart } from './worker-part.ts';

export interface TargetChoice {
  readonly profile: ProfileName;
  /** As it shall stand in the file: an address, or a reference to one. */
  readonly baseUrl: string;
  /** The reference to the token. */
  readonly token: string;
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
/** Addresses there belong to people and not to a company. */
const PUBLIC_MAIL =
  /^(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|me|aol|gmx|web|t-online|orange|free|wanadoo|proton|protonmail)\./;
const DOMAIN = /^[a-z0-9][a-z0-9.-]{1,36}\.[a-z]{2,}$/;

export function targetPart(worker: WorkerPart, { profile, baseUrl, token }: TargetChoice): readonly Entry[] {
  const rules: AccountRules = ACCOUNT_RULES[profile];
  const has = (attribute: string): boolean => worker.attributes.includes(attribute);
  const userName = userNameOf(worker);
  const user: Entry[] = [userName.setting];
  const put = (key: string, value: string): void => {
    if (!rules.refuses.some((refused) => refused.toLowerCase() === key.toLowerCase())) user.push({ key, value });
  };
  const { names } = worker;
  if (names.given && names.family) put('displayName', yamlText('worker.givenName + " " + worker.familyName'));
  else if (names.full || names.family || names.given)
    put('displayName', `worker.${names.full ? 'fullName' : names.family ? 'familyName' : 'givenName'}`);
  else if (rules.needs.includes('displayName')) put('displayName', 'worker.id');
  const name = nameOfUser(worker, rules);
  if (name !== '') put('name', `{ ${name} }`);
  // Where HR knows no address, the name that is made is one.
  put('emails', `[{ value: ${has('mail') ? 'worker.mail' : 'userName'}, type: '"work"', primary: 'true' }]`);
  if (has('title')) put('title', 'worker.title');
  if (has('type')) put('userType', 'worker.type');
  const phones = ['phone', 'mobile'].filter(has);
  const kept = rules.oneValue.some((list) => list === '*' || list === 'phoneNumbers') ? phones.slice(0, 1) : phones;
  if (kept.length > 0) {
    put(
      'phoneNumbers',
      `[${kept.map((kind) => `{ value: worker.${kind}, type: '"${kind === 'phone' ? 'work' : 'mobile'}"' }`).join(', ')}]`,
    );
  }
  if (rules.needs.includes('password')) put('password', '{ value: randomPassword(), apply: onCreate }');
  user.push({
    key: `"${ENTERPRISE}"`,
    value: [
      { key: 'employeeNumber', value: 'worker.id' },
      ...[
        ['department', 'department'],
        ['division', 'division'],
        ['costCenter', 'costCenter'],
        ['organization', 'company'],
      ].flatMap(([key = '', attribute = '']) => (has(attribute) ? [{ key, value: `worker.${attribute}` }] : [])),
    ],
  });
  return [
    { key: 'name', value: 'idp' },
    { key: 'kind', value: 'scim' },
    { key: 'profile', value: profile },
    { key: 'baseUrl', value: quoted(baseUrl), comment: 'the address in front of /Users' },
    { key: 'auth', value: `{ kind: bearer, token: ${quoted(token)} }` },
    {
      key: 'correlate',
      value: `[externalId, '${ENTERPRISE}:employeeNumber'${userName.isMapped ? ', userName' : ''}]`,
      comment: 'how existing accounts are found',
    },
    { key: 'user', value: user },
  ];
}

const quoted = (text: string): string => JSON.stringify(text);

/** What the endpoint demands of a name is there, whatever the feed has. */
function nameOfUser({ names }: WorkerPart, { needs }: AccountRules): string {
  const instead = names.full ? 'worker.fullName' : 'worker.id';
  const part = (member: string, has: boolean): string =>
    has ? `${member}: worker.${member}` : needs.includes(`name.${member}`) ? `${member}: ${instead}` : '';
  return [part('givenName', names.given), part('familyName', names.family)].filter((text) => text !== '').join(', ');
}

function userNameOf(worker: WorkerPart): { readonly setting: Setting; readonly isMapped: boolean } {
  const { mail, names } = worker;
  const domain = mail === null ? null : domainOf(mail);
  const isComplete = mail !== null && domain !== null && mail.filled === mail.values.length && sameCaseUnique(mail);
  if (isComplete) {
    const comment = 'a joiner without a mail address gets no account before HR enters one';
    return { setting: { key: 'userName', value: 'worker.mail', comment }, isMapped: true };
  }
  const stem = [names.given ? 'slug(worker.givenName)' : '', names.family ? 'slug(worker.familyName)' : '']
    .filter((text) => text !== '')
    .join(' + "." + ');
  const made = stem === '' ? (names.full ? 'worker.fullName' : 'worker.id') : stem;
  const unsure =
    domain === null ? ['the feed names no mail domain of the company: write yours in place of example.com'] : [];
  const value = yamlText(`unique([${made}], ${celText(`@${domain ?? 'example.com'}`)})`);
  return { setting: { key: 'userName', value, unsure }, isMapped: false };
}

const sameCaseUnique = (mail: SampleColumn): boolean =>
  new Set(mail.values.map((value) => value.trim().toLowerCase())).size === mail.values.length;

/** The domain of most addresses; a company's name is nobody's personal value. */
function domainOf(mail: SampleColumn): string | null {
  const counts = new Map<string, number>();
  for (const value of mail.values) {
    const domain = value.trim().toLowerCase().split('@')[1] ?? '';
    if (DOMAIN.test(domain) && !PUBLIC_MAIL.test(domain)) counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  const [best] = [...counts].toSorted((a, b) => b[1] - a[1]);
  // One address in a domain of its own would tell whose it is.
  return best !== undefined && best[1] >= DOMAIN_PEOPLE_MIN ? best[0] : null;
}
const DOMAIN_PEOPLE_MIN = 2;
