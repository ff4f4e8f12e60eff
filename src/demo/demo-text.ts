// What the demo says, as lines. Names may stand here: the people are fictional and the screen is theirs.
import { span } from '../cli/ago.ts';
import type { Paper } from '../cli/desk.ts';
import { harmless } from '../cli/display-width.ts';
import { type Cell, type Column, table } from '../cli/table.ts';
import { toned } from '../cli/tone.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import type { DemoHouse } from './demo-house.ts';
import type { Happening } from './happenings.ts';
import type { RosterAccount, RosterEntry } from './roster.ts';

type Tinted = Pick<Paper, 'colour' | 'width'>;

/** How this checkout's own command is called from its folder. */
const ROLLCALL = 'npx rollcall';

export function openingLines(paper: Tinted, demo: DemoHouse, health: string): readonly string[] {
  return [
    `${toned(paper, 'bold', 'Rollcall demo')}: a fictional company of sixty, its HR export, and a SCIM endpoint in this process`,
    '',
    `  HR export   ${demo.feedPath}`,
    `  endpoint    ${demo.endpoint.url}`,
    `  health      ${health}/healthz`,
    '',
  ];
}

export function feedLines(paper: Tinted, report: CycleReport): readonly string[] {
  const rejected = report.rejections.length;
  const lines = [
    `${toned(paper, 'bold', 'HR feed read')}: ${counted(report.rows, 'row')}, ${rejected} rejected, proof that it is whole: ${report.reason}`,
  ];
  for (const { place, key, reason } of report.rejections) {
    lines.push(toned(paper, 'warning', `  line ${place.line ?? '?'}, worker ${key ?? 'unknown'}: ${harmless(reason)}`));
  }
  return lines;
}

/** After the first reading has been delivered. */
export function arrivalLines(paper: Tinted, roster: readonly RosterEntry[], tookMs: number): readonly string[] {
  const accounts = roster.flatMap(({ account }) => (account === null ? [] : [account]));
  const inactive = accounts.filter(({ active }) => !active).length;
  const managers = accounts.filter(({ manager }) => manager !== '').length;
  const groups = new Set(accounts.flatMap((account) => account.groups));
  const memberships = accounts.reduce((sum, account) => sum + account.groups.length, 0);
  return [
    toned(paper, 'good', `${counted(accounts.length, 'account')} made in ${seconds(tookMs)}`) +
      `: ${accounts.length - inactive} active, ${inactive} inactive until the first day; ${managers} with a manager; ` +
      `${counted(memberships, 'membership')} in ${counted(groups.size, 'group')}`,
    '',
  ];
}

const ACCOUNT_COLUMNS: readonly Column[] = [
  { title: 'worker' },
  { title: 'name', flexible: true },
  { title: 'userName', flexible: true },
  { title: 'account' },
  { title: 'why it is worth a look', flexible: true },
];

type Arrived = RosterEntry & { readonly account: RosterAccount };

/** A few accounts as they stand at the endpoint, one or two of each kind that is worth a look. */
export function accountLines(paper: Tinted, roster: readonly RosterEntry[]): readonly string[] {
  const arrived = roster.filter((entry): entry is Arrived => entry.account !== null);
  const shown = new Map<string, string>();
  const show = (note: (entry: Arrived) => string, max: number, wanted: (entry: Arrived) => boolean): void => {
    for (const entry of arrived.filter((one) => !shown.has(one.key) && wanted(one)).slice(0, max)) {
      shown.set(entry.key, note(entry));
    }
  };
  const sharesName = (one: Arrived): boolean =>
    arrived.some((other) => other.key !== one.key && other.name === one.name);
  show(() => 'two people of one name: the second takes the next free userName', 2, sharesName);
  show(
    ({ startDate }) => `starts on ${startDate}: made ahead, inactive, in no group`,
    1,
    ({ stage }) => stage === 'preboarding',
  );
  show(
    () => 'starts today',
    1,
    ({ startDate, today }) => startDate === today,
  );
  show(
    ({ managerId }) => `manager ${managerId} is hired later: the reference follows then`,
    1,
    ({ account, managerId }) => account.manager === '' && managerId !== '',
  );
  show(
    () => 'on leave: keeps the account',
    1,
    ({ stage }) => stage === 'onLeave',
  );
  show(
    () => 'last day today: disabled at midnight',
    1,
    ({ endDate, today }) => endDate === today,
  );
  show(
    ({ endDate }) => `last day ${endDate}: disabled at the end of it`,
    1,
    ({ endDate, today }) => endDate !== null && endDate > today,
  );
  show(
    () => "HR's own Latin spelling makes the userName",
    1,
    ({ name }) => /\p{Script=Han}/u.test(name),
  );
  show(
    () => 'letters are spelled out in the userName only',
    1,
    ({ name }) => /[øłđþß]/iu.test(name),
  );
  const rows = arrived
    .filter(({ key }) => shown.has(key))
    .map(({ key, name, account }): readonly Cell[] => [
      key,
      name,
      account.userName,
      account.active ? { text: 'active', tone: 'good' } : { text: 'inactive', tone: 'warning' },
      shown.get(key) ?? '',
    ]);
  return [toned(paper, 'bold', 'As they stand at the endpoint'), ...table(paper, ACCOUNT_COLUMNS, rows), ''];
}

/** Those whom HR names and who have no account, with the reason. */
export function absentLines(paper: Tinted, roster: readonly RosterEntry[]): readonly string[] {
  const absent = roster.filter(({ account }) => account === null);
  const row = ({ key, name, stage, startDate, endDate }: RosterEntry): readonly Cell[] => [
    key,
    name,
    stage,
    stage === 'left'
      ? `last day ${endDate}, before the first reading`
      : `starts on ${startDate}; the account comes a week before`,
  ];
  const columns: readonly Column[] = [
    { title: 'worker' },
    { title: 'name', flexible: true },
    { title: 'stage' },
    { title: 'why', flexible: true },
  ];
  return [toned(paper, 'bold', 'No account, and why'), ...table(paper, columns, absent.map(row)), ''];
}

/** What to do next, to be copied line by line. `$ROLLCALL_FEED` is set by the file that the first line reads. */
export function tryLines(paper: Tinted, demo: DemoHouse): readonly string[] {
  const edit = (script: string): string => `sed -i.bak '${script}' "$ROLLCALL_FEED"`;
  const commands = (list: readonly (readonly [command: string, note: string])[]): readonly string[] => {
    const width = Math.max(...list.map(([command, note]) => (note === '' ? 0 : command.length)));
    return list.map(([command, note]) =>
      note === '' ? `    ${command}` : `    ${command.padEnd(width)}  ${toned(paper, 'dim', `# ${note}`)}`,
    );
  };
  return [
    `${toned(paper, 'bold', 'Try next')}, in a second terminal in the same folder as here:`,
    ...commands([[`. ${shellWord(demo.environmentPath)}`, 'points all of the following at this demo']]),
    '  edit the HR export and watch this screen (two seconds later, when the file stands still)',
    ...commands([
      [edit('/^00113,/s/,Engineering,/,Sales,/'), 'a mover'],
      [edit('/^00113,/s/,A,/,T,/'), 'a leaver'],
      [edit('/^00113,/s/,T,/,A,/'), 'HR takes it back'],
      [edit('s/,A,/,T,/'), 'a bad export: everybody is terminated'],
      ['mv "$ROLLCALL_FEED.bak" "$ROLLCALL_FEED"', 'and the repaired one'],
    ]),
    '  ask, act, prove',
    ...commands([
      [`${ROLLCALL} status`, ''],
      [`${ROLLCALL} worker 00108`, 'standing, account, timeline'],
      [`${ROLLCALL} holds`, 'what a guard stopped, while the bad export is there'],
      [`${ROLLCALL} leave 00122 --reason 'lost laptop'`, 'an emergency leave; lift 00122 takes it back'],
      [`${ROLLCALL} audit verify`, ''],
      [`curl -s -H "Authorization: Bearer $ROLLCALL_DEMO_TOKEN" "$ROLLCALL_DEMO_URL/Users?count=2"`, ''],
    ]),
    '',
    'Ctrl-C stops the demo and removes its folder. What happens from here on:',
    '',
  ];
}

/** A hold of which nothing is left. */
export const closedHoldLine = (paper: Tinted, kind: string): string =>
  `the hold of ${kind} is closed: ${toned(paper, 'good', 'nothing of it is left')}`;

/** One line: who, what, the difference, the requests. */
export function happeningLine(paper: Tinted, happening: Happening, name: string): string {
  const { workerKey, transitions, actor, changes, requests, ended, tookMs } = happening;
  const what = transitions.length === 0 ? 'correction' : [...new Set(transitions)].join(', ');
  const by = actor === 'feed' ? '' : ` by ${actor}`;
  const differences = changes.map(({ path, before, after }) => `${shortPath(path)} ${shown(before)} → ${shown(after)}`);
  const tone = ended === 'failed' ? 'bad' : 'good';
  return [
    `${toned(paper, ended === 'failed' ? 'bad' : 'bold', what)} ${workerKey} ${harmless(name)}${by}`,
    differences.length === 0 ? '' : `: ${harmless(differences.join(', '))}`,
    ` (${[requestsText(requests), toned(paper, tone, ended), seconds(tookMs)].join(', ')})`,
  ].join('');
}

/** A later cycle; nothing is said of one that changed nothing. */
export function cycleLines(paper: Tinted, report: CycleReport): readonly string[] {
  if (report.kind === 'unchanged' || report.kind === 'nothing' || report.kind === 'notYet') return [];
  if (report.kind === 'refused') {
    return [toned(paper, 'bad', `HR feed refused, nobody is changed: ${harmless(report.reason)}`)];
  }
  const lines = [
    `HR feed read: ${counted(report.rows, 'row')}, ${report.recognised} recognised unchanged, ${report.rejections.length} rejected` +
      (report.suspected > 0 ? `, ${report.suspected} absent: suspected, nothing done` : ''),
  ];
  for (const hold of report.holds) {
    lines.push(
      toned(
        paper,
        'warning',
        `held by a guard, ${counted(hold.items, 'item')} of ${hold.kind}: ${hold.reason} (${ROLLCALL} holds)`,
      ),
    );
  }
  return lines;
}

const shortPath = (path: string): string => (path.startsWith('urn:') ? (path.split(':').at(-1) ?? path) : path);

const shown = (value: unknown): string =>
  value === null || value === undefined ? '(nothing)' : typeof value === 'string' ? value : JSON.stringify(value);

function requestsText(requests: readonly string[]): string {
  if (requests.length === 0) return 'no request';
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(request, (counts.get(request) ?? 0) + 1);
  return [...counts].map(([request, count]) => (count === 1 ? request : `${count} × ${request}`)).join(', ');
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms));

const shellWord = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
