import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { feed, mappingText, type Person } from '../support/house.ts';
import {
  houseAt,
  INDEPENDENT_SERVERS,
  installed,
  started,
  startedBetterAuth,
  userOf,
  usersOf,
} from '../support/independent-servers.ts';
import { DEVIATIONS } from '../support/scim-deviations.ts';

const [SCIMMY, BETTER_AUTH] = INDEPENDENT_SERVERS;
if (SCIMMY === undefined || BETTER_AUTH === undefined) throw new Error('a server is missing');

const ANNA: Person = { id: '1', first: 'Anna', last: 'Berg' };
const BEN: Person = { id: '2', first: 'Ben', last: 'Cole' };

describe.each(INDEPENDENT_SERVERS.map((server) => ({ name: server.name, server })))(
  'what $name does in its own way',
  ({ name, server }) => {
    it.each(DEVIATIONS.filter((one) => one.server === name).map((one) => [one.asked, one] as const))(
      '%s',
      async (_, deviation) => {
        expect(await deviation.observe(await started(server))).toBe(deviation.answer);
      },
    );
  },
);

describe('what Better Auth refuses', () => {
  it('a joiner without a mail address fails visibly in its words, and the others go on', async () => {
    const mapping = mappingText({ '"@example.com")': '"")' });
    const { server, test } = await houseAt(BETTER_AUTH, mapping);
    await test.sync(feed([ANNA]));
    expect(await usersOf(server)).toEqual([]);
    expect(await test.stage('1')).toBe('active/failed');
    const [failed] = await test.house.store.operations({ connection: 'acme', states: ['failed'], limit: 5 });
    expect(failed).toMatchObject({
      workerKey: '1',
      kind: 'create',
      lastOutcome: { class: 'permanent', status: 400, detail: expect.stringContaining('emails must contain an email') },
    });
  });

  it('a joiner whose mail address is somebody else’s fails visibly and takes no other name', async () => {
    const mapping = mappingText({
      '      title: worker.title\n': `      title: worker.title\n      emails: [{ value: '"office@example.com"', type: '"work"', primary: 'true' }]\n`,
    });
    const { server, tap, test } = await houseAt(BETTER_AUTH, mapping);
    await test.sync(feed([ANNA]));
    await test.sync(feed([ANNA, BEN]));
    expect((await usersOf(server)).map(({ externalId }) => externalId)).toEqual(['1']);
    expect(await test.stage('2')).toBe('active/failed');
    const names = tap.log
      .filter(({ method, path }) => method === 'POST' && path === '/Users')
      .map(({ body }) => (JSON.parse(body) as { userName: string }).userName);
    expect(new Set(names)).toEqual(new Set(['anna.berg@example.com', 'ben.cole@example.com']));
    const [failed] = await test.house.store.operations({ connection: 'acme', states: ['failed'], limit: 5 });
    expect(failed).toMatchObject({ workerKey: '2', lastOutcome: { status: 409 } });
  });
});

describe('the disable at Better Auth', () => {
  it('ends the sessions of the account by itself: `revokeSessions: { kind: implicit }` is the truth there', async () => {
    const server = await startedBetterAuth();
    const mapping = `${mappingText()}    revokeSessions: { kind: implicit }\n`;
    const { test } = await houseAt({ ...BETTER_AUTH, start: async () => server }, mapping);
    await test.sync(feed([ANNA, BEN]));
    for (const userName of ['anna.berg@example.com', 'anna.berg@example.com', 'ben.cole@example.com'])
      server.signIn(userName);
    expect(server.sessions('anna.berg@example.com')).toBe(2);
    await test.sync(feed([{ ...ANNA, status: 'T', end: '2026-11-22' }, BEN]));
    expect((await userOf(server, '1')).active).toBe(false);
    expect(server.sessions('anna.berg@example.com')).toBe(0);
    expect(server.sessions('ben.cole@example.com')).toBe(1);
    expect(test.live.targets.get('idp')?.endsSessions).toBe(false);
  });
});

const DOCUMENT = new URL('../../docs/scim-servers.md', import.meta.url);

function document(): string {
  const rows = (name: string): string =>
    DEVIATIONS.filter(({ server }) => server === name)
      .map(
        ({ asked, answer, rule, ours }) =>
          `| ${[asked, `\`${answer}\``, rule, ours].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
      )
      .join('\n');
  const lacking = (unsupported: Readonly<Partial<Record<string, string>>>): string => {
    const reasons = Object.entries(unsupported).map(([ability, reason]) => `${ability} (${reason})`);
    return reasons.length === 0
      ? 'Every story ends as it should.'
      : `Unsupported: ${reasons.join('; ')}. The stories that need them end in a failure that is shown or in a limit below.`;
  };
  const sections = INDEPENDENT_SERVERS.map(
    ({ name, packages, unsupported }) =>
      `## ${name}\n\nDriven: ${packages.map(installed).join(', ')}. ${lacking(unsupported)}\n\n| asked | observed answer | rule | what Rollcall does |\n|---|---|---|---|\n${rows(name)}\n`,
  );
  return `# SCIM servers of others

Two SCIM 2.0 servers that share no code with each other, and whose reading of the protocol is not ours, are driven through the same
stories (\`test/stories/independent-servers.test.ts\`), over real HTTP with a tap on the wire: joiners with groups, nothing on a second look,
one PATCH for a mover, a blanked value, managers in any order, disable with read-back, emergency leave, rehire, lost answers to a
create, a change, a disable and a membership, a stranger's userName, an account that somebody deleted, and first contact over several
pages. Both are driven with profile \`generic\`. The routes, schemas, filters and patches of the first are the library's; what it stores is
kept by some lines of ours (\`src/demo/endpoint.ts\`), uniqueness included. Of the second everything is its own.

Where they leave RFC 7643 and RFC 7644, or decide what those leave open, is listed here. Every line is asked again by
\`test/stories/scim-deviations.test.ts\` and fails there when the answer changes, for the better too; this page is made of that list
(\`UPDATE_GOLDEN=1 npx vitest run test/stories/scim-deviations.test.ts\`). What is not listed was not tried.

${sections.join('\n')}`;
}

describe('docs/scim-servers.md', () => {
  it('says what was seen', () => {
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(DOCUMENT, document());
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(document());
  });
});
