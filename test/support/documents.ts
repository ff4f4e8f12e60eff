// Documents that are made from code, so that they cannot be out of date.
import { openApiDocument } from '../../src/http/api/document.ts';
import { API_ROUTES } from '../../src/http/api/routes.ts';
import type { OutcomeClass } from '../../src/lifecycle/outcome.ts';
import { mappingHelp } from '../../src/mapping/help.ts';
import type { Preset } from '../../src/mapping/presets/preset.ts';
import { PRESETS } from '../../src/mapping/presets/presets.ts';
import { OUTCOME_TABLE, type OutcomeRow } from '../../src/targets/scim/outcome-table.ts';
import { PROFILES } from '../../src/targets/scim/profiles.ts';
import { messagesOf } from './messages.ts';
import { PROFILE_SOURCES, sourceKeysOf } from './profile-sources.ts';

const MADE =
  '<!-- Made from the code: change it there, then run `UPDATE_GOLDEN=1 npx vitest run test/docs.test.ts`. -->';

/** What follows from each class; a class without a sentence does not compile. */
const CLASSES: Readonly<Record<OutcomeClass, string>> = {
  done: 'The effect stands; the operation is over. A disable is done only when the account has been read back inactive.',
  accepted: 'Taken in, not applied yet. The target is asked afterwards what stands there; its answer decides.',
  retry: 'Tried again with full jitter: within 2 s first, then up to 5 minutes apart, leavers at most 60 s.',
  ambiguous: 'As `retry`, and looked up by externalId, then userName, before anything is written again.',
  refreshCredentials:
    'Secrets are read again and a new token is fetched; where that gives other credentials, the request is repeated once. Else the target as a whole pauses.',
  conflict:
    'The holder is looked up: our own lost write counts as done, a proven stranger leads to the next userName, else failed.',
  gone: 'A disable settles when a look-up finds nobody; any other operation has failed.',
  permanent: 'Failed at once, with the target’s own words. A leaver stays failed *and* is tried every 15 minutes.',
  targetDown: 'The target as a whole pauses; no operation loses an attempt.',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function answerOf({ status, scimType, faults }: OutcomeRow): string {
  if (faults === '*') return 'any other transport fault';
  if (faults !== undefined) return faults.map((code) => `\`${code}\``).join(', ');
  const statuses = status === undefined ? '' : typeof status === 'number' ? `${status}` : statusRange(status);
  return scimType === undefined ? statuses : `${statuses} with scimType \`${scimType}\``;
}

const statusRange = ([low, high]: readonly [number, number]): string => (low === high ? `${low}` : `${low} to ${high}`);

export function outcomesDocument(): string {
  return `# What a target's answer means

${MADE}

Each answer to a SCIM request has one class. The first row that fits decides; the last rows fit everything. \`read\` asks for one
resource, \`search\` for a list, \`create\` is a POST, \`write\` a PATCH or PUT. An answer that *counts* is about the operation itself:
after 8 of them, or 24 hours of nothing else, it has failed, is shown by \`rollcall status\`, and blocks nobody else. Answers that do not
count are about the target: see [delivery.md](delivery.md).

${[row(['answer', 'to', 'class', 'counts', 'why']), row(['---', '---', '---', '---', '---'])].join('\n')}
${OUTCOME_TABLE.map((one) => row([answerOf(one), one.on?.join(', ') ?? 'everything', one.class, one.counts ? 'yes' : 'no', one.why])).join('\n')}

## What follows from a class

${[row(['class', 'then']), row(['---', '---'])].join('\n')}
${Object.entries(CLASSES)
  .map(([name, sentence]) => row([name, sentence]))
  .join('\n')}
`;
}

export function mappingDocument(): string {
  const keys = mappingHelp();
  return `# Every key of a connection file

${MADE}

\`rollcall help mapping\` prints the same. A key marked *expression* holds CEL; everything else is a literal. Unknown keys are errors.
In keys, \`[]\` stands for each element of a list and \`*\` for a name of your own.

${[row(['key', 'type', 'default', 'meaning']), row(['---', '---', '---', '---'])].join('\n')}
${keys
  .map(({ key, type, default: byDefault, expression, description }) =>
    row([
      `\`${key}\``,
      expression && !type.includes('expression') ? `${type} (expression)` : type.replace('expression', '*expression*'),
      byDefault === '' || byDefault === 'required' ? byDefault : `\`${byDefault}\``,
      description,
    ]),
  )
  .join('\n')}
`;
}

export function profilesDocument(): string {
  const profiles = Object.values(PROFILES);
  const keys = [
    ...new Set(profiles.flatMap(({ quirks }) => quirks.flatMap((quirk) => sourceKeysOf(JSON.stringify(quirk))))),
  ];
  const sections = profiles.map(({ name, quirks }) =>
    quirks.length === 0
      ? `## ${name}\n\nRFC 7643 and RFC 7644 as written, and what the endpoint says of itself.`
      : `## ${name}

${[row(['what it does', 'what Rollcall does', 'source']), row(['---', '---', '---'])].join('\n')}
${quirks.map(({ they, we, source }) => row([they, we, source])).join('\n')}`,
  );
  return `# Profiles: what is known of each endpoint

${MADE}

\`profile:\` of a target names one of these. A profile is data, one file each in \`src/targets/scim/profiles/\` (and, for what it demands of
a connection file, in \`src/mapping/account-rules.ts\`). What it does not mention is as in \`generic\`.

- Where the profile leaves something open, the endpoint is asked: \`/ServiceProviderConfig\`, \`/ResourceTypes\` and \`/Schemas\`, in the
  background at the first use, once a day, and after an unexpected 400, 405 or 501 (at most every 10 minutes). Nobody waits for the answer, and
  what is absurd in it is ignored. Used are PATCH or PUT, ETags, bulk limits, paging, page sizes, whether there are groups, and read-only attributes.
- \`capabilities:\` of a target counts more than both: \`update\`, \`patchForm\`, \`etag\`, \`paging\`, \`pageSize\`, \`bulk\`, \`confirmCreates\`, \`needs\`.
  Of two limits that profile and endpoint name, the smaller one counts.
- Where users cannot be listed as a whole (\`google\` always, \`pingone\` and \`aws\` beyond one answer), each worker who has no account yet is looked
  up before the plan decides: by externalId where that can be asked for, and by the names that the worker could get. Found are accounts
  under those names only. Who could not be looked up waits for the next plan; leavers do not wait.
- PUT is GET, overlay, PUT with \`If-Match\`; without tags the account is read back, and written once more when the change is not there.
- Every leaver is \`active: false\`, read back; a DELETE follows only after \`lifecycle.retention\`. \`active\` always stands in a create and in a PUT,
  and never in the PATCH of an update.

(obs): seen by a community, not said by the vendor. (GK): general knowledge, not verified. The conformance suite in \`test/targets/conformance/\`
runs each profile against a strict fake of its endpoint, not against the endpoint itself.

${sections.join('\n\n')}

## Sources

${keys
  .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .map((key) => `- **${key}** ${PROFILE_SOURCES[key] ?? ''}`)
  .join('\n')}
`;
}

export function sourcesDocument(): string {
  return `# HR systems that are asked over HTTP

${MADE}

A source of \`kind: http\` says which requests bring the records; [mapping.md](mapping.md) lists its keys under \`source\`. The name of a vendor as
\`kind\` is such a source with what is known of the vendor filled in: **data, no code**. Any key that you write yourself goes over the preset's, section
by section; \`null\` takes a section away. Start from the template in \`mappings/templates/\`.

What all of them have in common:

- A look reads the whole list into a file without a name in the state folder; nothing of it is believed before its end was reached. Where the
  source tells a total, fewer records refuse the look as a whole; so does a page that comes twice, an error inside a good answer, a web page instead
  of records, a mapped member that no record has any more. Whether somebody who is missing may be taken for gone depends on the proof: *strong* needs a
  matching total or the documented end of the list.
- \`changes\` are asked for in between. They say *who*; what a worker is now is read by \`one\`, unless the vendor sends whole records there. A
  worker whom the source does not know is not taken for gone by that. The moment up to which changes were read is stored together with what they
  led to.
- A mapped member that every record of the last list had and one record lacks looks like a right that was taken away: whatever reads it is
  refused (\`hidden\`), so its row is set aside and its worker stays as before, unless the rest of the row says that they leave. Watched are the
  members of \`columns\`; what is read as \`record.?name\` may be absent.
- A status word that the table of the template does not know sets its row aside, too: it is never taken for *left* or for *active*.
- 429 and 503 with \`Retry-After\` pause the whole source. 401 fetches a new token once; then the look ends and says which reference is at fault.
- Redirects are not followed, certificates are always verified, credentials are shown to \`baseUrl\` alone.
- A refresh token that the vendor exchanges at each use is kept in \`tokens/\` of the state folder, sealed under the first one. Another first
  token in the reference takes its place.

*Proof* says what shows that a list was whole; where it is weak, nobody is taken for gone because a list misses them. *One worker* says whether a
webhook or a change leads to a request for that worker alone; else it has the whole list read.

| kind | whole list | proof | changes | one worker |
|---|---|---|---|---|
${Object.entries<Preset>(PRESETS).map(presetRow).join('\n')}

${Object.entries<Preset>(PRESETS).map(presetSection).join('\n')}`;
}

function presetRow([name, { source, title }]: readonly [string, Preset]): string {
  const { paging } = source.list as { readonly paging: Readonly<Record<string, unknown>> };
  const changes = source.changes as { readonly schedule: string } | undefined;
  const documented = paging.endIsDocumented === true || paging.wholeAnswer === true;
  const proof = typeof paging.total === 'string' ? `\`${paging.total}\`` : documented ? 'documented end' : 'weak';
  const asked = [`\`${String(source.schedule)}\``, proof, changes === undefined ? '' : `\`${changes.schedule}\``];
  // As GitHub names the heading of the section.
  const anchor = `${title}-kind-${name}`
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/\s/g, '-');
  return `| [\`${name}\`](#${anchor}) | ${asked.join(' | ')} | ${source.one === undefined ? '' : 'yes'} |`;
}

function presetSection([name, preset]: readonly [string, Preset]): string {
  const { title, parameters, source, template, verified, unverified } = preset;
  const list = source.list as { readonly method?: string; readonly path: string };
  const changes = source.changes as { readonly path: string } | undefined;
  const bullets = (sentences: readonly string[]): string => sentences.map((one) => `- ${one}`).join('\n');
  const keys = Object.entries(parameters).map(
    ([key, { description, example }]) => `- \`${key}\`: ${description}, such as \`${example}\`.`,
  );
  return `## ${title}: \`kind: ${name}\`

Asks \`${list.method ?? 'GET'} ${list.path}\`${changes === undefined ? '' : `, and \`${changes.path}\` for changes`}. Template: [${template}.yaml](../mappings/templates/${template}.yaml).
${keys.length === 0 ? '' : `\n${keys.join('\n')}\n`}
Taken from:

${bullets(verified)}

Not verified:

${bullets(unverified)}
`;
}

const AREAS: Readonly<Record<string, string>> = {
  account: 'Accounts',
  api: 'The JSON API',
  act: 'Acts of operators',
  alerts: 'Alerts',
  audit: 'The audit',
  backup: 'Backups',
  clock: 'The clock',
  config: 'The environment',
  connection: 'Connections',
  demo: 'The demo',
  endpoint: 'The embedded endpoint',
  erase: 'Erasure',
  feed: 'Deliveries, refused as a whole',
  further: 'Further sources',
  hold: 'Holds',
  http: 'The HTTP server',
  init: 'A first connection file',
  leaver: 'Leavers',
  log: 'The log',
  mapping: 'Connection files',
  name: 'Names',
  reconcile: 'Reconciliation',
  pair: 'Pairing',
  rehearse: 'Rehearsals',
  rekey: 'Changed keys',
  restore: 'Restores',
  row: 'Rejected rows',
  secret: 'Secrets',
  source: 'Sources',
  state: 'The state folder',
  target: 'Targets',
  unpair: 'Unpairing',
  usage: 'The command line',
  webhook: 'Webhooks',
  worker: 'Workers',
};

/** @throws Error where an area has no heading. */
export function messagesDocument(): string {
  const areas = Map.groupBy(messagesOf(), ({ code }) => code.slice(0, code.indexOf('.')));
  const pages = [...areas].map(([area, messages]) => {
    const heading = AREAS[area];
    if (heading === undefined) throw new Error(`messages of ${area} have no heading`);
    const rows = messages.map(({ code, says, todo }) => row([`\`${code}\``, says, todo]));
    return `## ${heading}\n\n${[row(['code', 'it says', 'what to do']), row(['---', '---', '---']), ...rows].join('\n')}\n`;
  });
  return `# Messages

${MADE}

Every message that names a code, with what to do about it; \`…\` stands for what is filled in. What a target's answers mean stands in
[outcomes.md](outcomes.md), why nothing happens to a worker in [why-nothing-happened.md](why-nothing-happened.md), what to do about an
alert in [runbook.md](runbook.md).

${pages.join('\n')}`;
}

interface DocumentedParameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
}

export function apiDocument(): string {
  const { paths } = openApiDocument(API_ROUTES, '');
  const lines = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const query = ((operation.parameters ?? []) as readonly DocumentedParameter[]).filter(
        (one) => one.in === 'query',
      );
      const body = operation.requestBody as
        | { content: { 'application/json': { schema: { properties: object; required?: readonly string[] } } } }
        | undefined;
      const schema = body?.content['application/json'].schema;
      const members =
        schema === undefined
          ? query.map(({ name, required }) => (required ? `**${name}**` : name))
          : Object.keys(schema.properties).map((name) => (schema.required?.includes(name) ? `**${name}**` : name));
      const takes = members.join(', ');
      return { method, cells: [`\`${method.toUpperCase()} /api${path}\``, operation.summary, takes] };
    }),
  );
  const table = (method: string): string =>
    lines
      .filter((one) => one.method === method)
      .map(({ cells }) => row(cells))
      .join('\n');
  return `# The JSON API

${MADE}

What the commands say with \`--json\`, over HTTP, from the running daemon. \`GET /api/openapi.json\` is the OpenAPI 3.1 document; it is made
from the same shapes that the tests hold every answer against.

It is closed until it has a token, also for this machine: answers hold what the commands show, names and dates of people included. Two tokens,
24 characters or more, as text, \`\${env:NAME}\` or \`\${file:PATH}\` (a file is read again when it changes):

| variable | who bears it may |
| --- | --- |
| \`ROLLCALL_API_TOKEN\` | read |
| \`ROLLCALL_API_ACT_TOKEN\` | read and act. A dashboard gets the other one: it cannot release a hold |

\`\`\`sh
curl -H "Authorization: Bearer $ROLLCALL_API_TOKEN" http://127.0.0.1:8080/api/status
curl -H "Authorization: Bearer $ROLLCALL_API_ACT_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"worker":"01007","by":"ada","reason":"stolen laptop"}' http://127.0.0.1:8080/api/acts/leave
\`\`\`

## Reading

Members of a query; bold ones are needed. A member that is not listed is refused, so that a misspelt filter never answers with everybody.

${row(['route', 'answers', 'query'])}
${row(['---', '---', '---'])}
${table('get')}

Lists come page by page: give \`next\` of one answer as \`after\` of the following one until it is null. A page with few items, or none, may still
go on: each look is bounded, so that a leaver never waits for a dashboard.

## Acting

Members of the JSON body; bold ones are needed. \`by\` and \`reason\` stand in the audit, with the channel \`api\` and a mark of the token. The answer
is 202 once the act is durable; the daemon carries it out within a second, and \`GET /api/acts/{id}\` says what came of it.

${row(['route', 'does', 'body'])}
${row(['---', '---', '---'])}
${table('post')}

## Refusals

Everything that goes wrong is \`application/problem+json\` (RFC 9457) with a stable \`code\` of [messages.md](messages.md). 401: no token or a wrong
one. 403: the API is closed, or the token may only read. 429 and 503 come with \`Retry-After\`: 50 requests and 10 acts a second, one report at a
time. No answer may be kept by a cache, and no other site's script may read one.
`;
}
