// Where the independent servers leave RFC 7643 and RFC 7644, or decide what those leave open: what they are asked, what they were
// seen to answer, and what Rollcall does about it. Each is asked again in every run; docs/scim-servers.md is made of this list.
import type { JsonObject } from '../../src/base/json.ts';
import { ask, ENTERPRISE, type RunningServer, SCIM, type ServersAnswer } from './independent-servers.ts';

export interface Deviation {
  readonly server: 'scimmy' | 'better-auth';
  /** What is done, in a few words. */
  readonly asked: string;
  /** What was seen. */
  readonly answer: string;
  /** The rule that it leaves, or `open` where there is none. */
  readonly rule: string;
  /** What follows for Rollcall. */
  readonly ours: string;
  /** Does it and says what is seen now, in the words of `answer`. */
  readonly observe: (server: RunningServer) => Promise<string>;
}

const USER = SCIM.user({ userName: 'ada@example.com', externalId: '1', [ENTERPRISE]: { department: 'Sales' } });

const said = ({ status, body }: ServersAnswer): string =>
  [status, body.scimType, body.detail].filter((part) => part !== undefined).join(' ');
const filtered = (server: RunningServer, filter: string, of = 'Users'): Promise<ServersAnswer> =>
  ask(server, 'GET', `/${of}?filter=${encodeURIComponent(filter)}`);
const found = ({ status, body }: ServersAnswer): string =>
  status === 200 ? `200, ${Number(body.totalResults)} found` : said({ status, body, headers: new Headers() });

async function made(server: RunningServer, user: JsonObject = USER): Promise<string> {
  const { status, body } = await ask(server, 'POST', '/Users', user);
  if (status !== 201) throw new Error(`the user was not made: ${status}`);
  return String(body.id);
}
const patched = (server: RunningServer, id: string, ...operations: readonly JsonObject[]): Promise<ServersAnswer> =>
  ask(server, 'PATCH', `/Users/${id}`, SCIM.patch(...operations));

const MEMBER = { op: 'add', path: 'members', value: [{ value: 'nobody-has-this-id' }] };
async function groupWith(server: RunningServer, operation: JsonObject): Promise<ServersAnswer> {
  const { body } = await ask(server, 'POST', '/Groups', SCIM.group('Crew'));
  return ask(server, 'PATCH', `/Groups/${String(body.id)}`, SCIM.patch(operation));
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    server: 'scimmy',
    asked: 'a search for a userName in other case',
    answer: '200, 0 found',
    rule: 'RFC 7643 section 4.1.1: userName is not case sensitive',
    ours: 'limit: a name that a stranger took in other case after first contact answers 409 and is found by no search; the joiner fails visibly after its attempts, the stranger is left alone, no other name is guessed',
    observe: async (server) => {
      await made(server);
      return found(await filtered(server, 'userName eq "ADA@example.com"'));
    },
  },
  {
    server: 'scimmy',
    asked: 'a search for a value with a quote in it, escaped as JSON has it',
    answer: `400 invalidFilter Unexpected token 'h"' in filter`,
    rule: 'RFC 7644 section 3.4.2.2: values are written as in JSON',
    ours: 'limit: whoever has a quote in an externalId cannot be looked up there; when the answer to the create is lost the worker fails visibly, and nothing is made twice',
    observe: async (server) => said(await filtered(server, 'userName eq "o\\"h"')),
  },
  {
    server: 'scimmy',
    asked: 'a PATCH that changes nothing',
    answer: '204 without a body',
    rule: 'open: RFC 7644 section 3.5.2 allows 200 and 204',
    ours: 'tolerated: both are done; a disable is read back in any case',
    observe: async (server) => {
      const id = await made(server);
      const { status, body } = await patched(server, id, { op: 'replace', path: 'active', value: true });
      return `${status} ${Object.keys(body).length === 0 ? 'without a body' : 'with the resource'}`;
    },
  },
  {
    server: 'scimmy',
    asked: '`replace` of a part whose parent does not exist: `…:User:manager.value`',
    answer: '400 noTarget',
    rule: 'RFC 7644 section 3.5.2.3: a replace of what does not exist is an add',
    ours: 'avoided: the manager is written as `{ "value": … }` to `…:User:manager`',
    observe: async (server) => {
      const id = await made(server);
      const { status, body } = await patched(server, id, {
        op: 'replace',
        path: `${ENTERPRISE}:manager.value`,
        value: 'x',
      });
      return `${status} ${String(body.scimType)}`;
    },
  },
  {
    server: 'scimmy',
    asked: 'the page behind the last one',
    answer: '200, the first page again',
    rule: 'RFC 7644 section 3.4.2.4: startIndex is the first result',
    ours: 'tolerated: a listing ends at totalResults and counts nobody twice',
    observe: async (server) => {
      const id = await made(server);
      const { status, body } = await ask(server, 'GET', '/Users?startIndex=9&count=1');
      const [first] = (body.Resources ?? []) as unknown as readonly JsonObject[];
      return `${status}, ${first?.id === id ? 'the first page again' : 'nothing'}`;
    },
  },
  {
    server: 'scimmy',
    asked: 'an externalId that another user has',
    answer: '201',
    rule: 'as RFC 7643 section 3.1 has it: the server does not enforce its uniqueness',
    ours: 'tolerated: a create whose answer was lost is looked up before anything is written again',
    observe: async (server) => {
      await made(server);
      return said(await ask(server, 'POST', '/Users', SCIM.user({ userName: 'bea@example.com', externalId: '1' })));
    },
  },
  {
    server: 'scimmy',
    asked: 'a member that does not exist',
    answer: '200',
    rule: 'open',
    ours: 'limit: a membership waits for the id of its account, but that of an account which somebody else has deleted counts as done',
    observe: async (server) => said(await groupWith(server, MEMBER)),
  },
  {
    server: 'scimmy',
    asked: 'a change with an `If-Match` that fits nothing',
    answer: '200',
    rule: 'open: it advertises no ETags, although it sends some',
    ours: 'tolerated: no tag is sent where none is advertised',
    observe: async (server) => {
      const id = await made(server);
      const change = SCIM.patch({ op: 'replace', path: 'title', value: 'Chief' });
      return said(await ask(server, 'PATCH', `/Users/${id}`, change, { 'if-match': 'W/"nothing"' }));
    },
  },
  {
    server: 'better-auth',
    asked: 'a user without `emails` whose userName is no mail address',
    answer: '400 invalidValue [body.emails] emails must contain an email when userName is not an email address',
    rule: 'RFC 7643 section 4.1.2: emails is optional',
    ours: 'limit: map `emails`, or userNames that are mail addresses; such a joiner fails visibly with these words',
    observe: async (server) =>
      said(await ask(server, 'POST', '/Users', SCIM.user({ userName: 'ada', externalId: '1' }))),
  },
  {
    server: 'better-auth',
    asked: 'a mail address that another user has, under a userName and externalId that are free',
    answer: '409 uniqueness A Better Auth User already uses this email',
    rule: 'open: the 409 does not say which attribute',
    ours: 'limit: nobody of that userName or externalId is found, so the joiner fails visibly instead of taking another name for ever',
    observe: async (server) => {
      await made(server);
      const twin = SCIM.user({
        userName: 'bea@example.com',
        externalId: '2',
        emails: [{ value: 'ada@example.com', primary: true }],
      });
      return said(await ask(server, 'POST', '/Users', twin));
    },
  },
  {
    server: 'better-auth',
    asked: 'an externalId that another user has',
    answer: '409 uniqueness SCIM User externalId already exists',
    rule: 'RFC 7643 section 3.1: the server does not enforce its uniqueness',
    ours: 'welcome: not even a lost answer can lead to two accounts',
    observe: async (server) => {
      await made(server);
      return said(await ask(server, 'POST', '/Users', SCIM.user({ userName: 'bea@example.com', externalId: '1' })));
    },
  },
  {
    server: 'better-auth',
    asked: 'a search by employeeNumber',
    answer: `400 invalidFilter filter attribute ${ENTERPRISE}:employeeNumber is not supported for User`,
    rule: 'open: RFC 7644 section 3.4.2.2 lets a server refuse a filter',
    ours: 'tolerated: searches use externalId and userName; whatever else `correlate` names is compared in the listing of first contact',
    observe: async (server) => said(await filtered(server, `${ENTERPRISE}:employeeNumber eq "1"`)),
  },
  {
    server: 'better-auth',
    asked: 'a search with `sw`',
    answer: '400 invalidFilter filter operator sw is not supported',
    rule: 'open',
    ours: 'tolerated: nothing but `eq` is asked',
    observe: async (server) => said(await filtered(server, 'displayName sw "A"')),
  },
  {
    server: 'better-auth',
    asked: 'a page of 500',
    answer: '200, 100 of 101',
    rule: 'open: RFC 7644 section 3.4.2.4 lets a server give fewer',
    ours: 'tolerated: pages go on after what was returned',
    observe: async (server) => {
      for (let index = 0; index < 101; index += 1)
        await made(server, SCIM.user({ userName: `user.${index}@example.com`, externalId: `${index}` }));
      const { status, body } = await ask(server, 'GET', '/Users?startIndex=1&count=500');
      return `${status}, ${(body.Resources as unknown as readonly unknown[]).length} of ${Number(body.totalResults)}`;
    },
  },
  {
    server: 'better-auth',
    asked: '`/Bulk`, which it does not advertise',
    answer: '404 without a SCIM error',
    rule: 'open: RFC 7644 section 3.12 has 501 for it',
    ours: 'tolerated: single requests, as its ServiceProviderConfig says',
    observe: async (server) => {
      const { status, body } = await ask(server, 'POST', '/Bulk', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [],
      });
      return `${status} ${body.schemas === undefined ? 'without' : 'with'} a SCIM error`;
    },
  },
  {
    server: 'better-auth',
    asked: 'a new family name',
    answer: 'displayName stays "Some Body", name.formatted stays "Some Body"',
    rule: 'open: it made both up from the first name it was given',
    ours: 'limit: map `displayName` and `name.formatted` where anybody reads them there',
    observe: async (server) => {
      const { body } = await patched(server, await made(server), {
        op: 'replace',
        path: 'name.familyName',
        value: 'Else',
      });
      const { formatted } = body.name as unknown as { formatted: string };
      return `displayName stays "${String(body.displayName)}", name.formatted stays "${formatted}"`;
    },
  },
  {
    server: 'better-auth',
    asked: 'a manager whose id nobody has',
    answer: '200',
    rule: 'open',
    ours: 'avoided: a manager is sent once the manager’s account exists',
    observe: async (server) => {
      const id = await made(server);
      return said(
        await patched(server, id, { op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: 'nobody' } }),
      );
    },
  },
  {
    server: 'better-auth',
    asked: 'a member that does not exist',
    answer: '400 invalidValue One or more Group members are invalid',
    rule: 'open',
    ours: 'tolerated: a refused batch is halved until the member that is refused stands alone',
    observe: async (server) => said(await groupWith(server, MEMBER)),
  },
  {
    server: 'better-auth',
    asked: 'a change with an `If-Match` that fits nothing',
    answer: '200',
    rule: 'open: it advertises no ETags and sends none',
    ours: 'tolerated: no tag is sent where none is advertised',
    observe: async (server) => {
      const id = await made(server);
      const change = SCIM.patch({ op: 'replace', path: 'title', value: 'Chief' });
      return said(await ask(server, 'PATCH', `/Users/${id}`, change, { 'if-match': 'W/"nothing"' }));
    },
  },
];
