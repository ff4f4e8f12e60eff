// Acts: what a command would ask of the daemon, as the same row in the same table, taken up by the same loop.
import { z } from 'zod';
import type { JsonObject } from '../../base/json.ts';
import { EXIT, Problem } from '../../base/problem.ts';
import { TRANSITIONS } from '../../lifecycle/operation.ts';
import { readFailures, SKIP_HOURS, SKIP_HOURS_MAX } from '../../pipeline/failures.ts';
import { type ActKind, APPROVAL_HOURS_MAX } from '../../pipeline/operator.ts';
import { REPLAYED_TOGETHER_MAX } from '../../pipeline/replay.ts';
import { nowOf } from '../../runtime/clock.ts';
import { act, ordered } from './evidence-shapes.ts';
import { name } from './look-routes.ts';
import { type ApiHouse, type Route, reading } from './route.ts';

const NO_CONTROLS = /^[^\p{Cc}]*$/u;
const signed = {
  by: z.string().trim().min(1).max(200).regex(NO_CONTROLS).describe('Who asks; kept in the audit.'),
  reason: z.string().trim().min(1).max(2_000).regex(NO_CONTROLS).describe('Why; kept in the audit.'),
};
const connection = name.default('').describe('Where several connections know the worker.');
const digest = z
  .string()
  .regex(/^(?:[0-9a-f]{8,64}|clock)$/)
  .describe('The hold’s digest, or its first eight digits or more.');
const target = z.string().max(256).default('').describe('Only this target.');
const hours = (most: number) => z.number().positive().max(most);

/** Which failures; at least one member, so that everything is never asked for by an oversight. */
const which = {
  operations: z.array(z.int().positive()).min(1).max(REPLAYED_TOGETHER_MAX).optional(),
  cause: z
    .string()
    .regex(/^[0-9a-f]{4,8}$/)
    .optional(),
  connection: name.optional(),
  target: name.optional(),
  worker: name.optional(),
  transition: z.enum(TRANSITIONS).optional(),
};

const order = <B extends z.ZodObject>(
  kind: ActKind,
  about: string,
  body: B,
  argsOf: (body: z.output<B>, api: ApiHouse) => Promise<JsonObject> | JsonObject,
): Route => ({
  method: 'POST',
  path: `/acts/${kind}`,
  name: kind.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
  about,
  pathMembers: {},
  query: {},
  body,
  answer: ordered,
  heavy: false,
  handle: async (api, asked) => {
    const given = asked.body as z.output<B> & { readonly by: string; readonly reason: string };
    const args = await argsOf(given, api);
    const { by, reason } = given;
    const id = await api.house.store.addAct({ kind, args, reason, by, osUser: asked.osUser, channel: 'api' });
    return { act: id, kind, href: `/api/acts/${id}` };
  },
});

const worker = name.describe('The worker’s key, as HR writes it.');
const oneWorker = z.strictObject({ worker, connection, ...signed });

export const ACT_ROUTES: readonly Route[] = [
  reading('/acts/{id}', {
    name: 'act',
    about: 'An act and what came of it; `result` is null until it was carried out.',
    path: { id: z.coerce.number().int().min(1) },
    answer: act,
    handle: async ({ house }, { path }) => {
      const found = await house.store.act(path.id);
      if (found === null) throw new Problem({ code: 'api.act-unknown', message: `there is no act ${path.id}` });
      return found;
    },
  }),
  order('leave', 'End a worker’s access now, until somebody lifts it.', oneWorker, argsOfWorker),
  order('lift', 'Lift an emergency leave: HR’s facts decide again.', oneWorker, argsOfWorker),
  order(
    'pair',
    'Say which existing account is a worker’s.',
    z.strictObject({ worker, account: name, target, connection, ...signed }),
    (asked) => ({ worker: asked.worker, account: asked.account, target: asked.target, connection: asked.connection }),
  ),
  order(
    'unpair',
    'Take an account from a worker, without a write to it.',
    z.strictObject({ worker, target, connection, ...signed }),
    (asked) => ({ worker: asked.worker, target: asked.target, connection: asked.connection }),
  ),
  order(
    'approve',
    'Release the items of a hold, as far as they are still what HR says.',
    z.strictObject({ digest, hours: hours(APPROVAL_HOURS_MAX).optional(), ...signed }),
    (asked) => ({ digest: asked.digest, ...(asked.hours === undefined ? {} : { hours: asked.hours }) }),
  ),
  order(
    'discard',
    'Set the items of a hold aside for 30 days; a leaver stays unsettled.',
    z.strictObject({ digest, ...signed }),
    (asked) => ({ digest: asked.digest }),
  ),
  order(
    'replay',
    `Deliver failed transitions again, as the facts are now, at most ${REPLAYED_TOGETHER_MAX} at once.`,
    z.strictObject({ ...which, ...signed }),
    async (asked, api) => ({ operations: await chosen(asked, api) }),
  ),
  order(
    'skip',
    'Set failed transitions aside for a while, or until the record or the mapping changes.',
    z.strictObject({ ...which, hours: hours(SKIP_HOURS_MAX).default(SKIP_HOURS), ...signed }),
    async (asked, api) => ({ operations: await chosen(asked, api), hours: asked.hours }),
  ),
  order(
    'stop-writes',
    'Stop outgoing writes until they are resumed; leavers too unless excepted.',
    z.strictObject({ target, exceptLeavers: z.boolean().default(false), ...signed }),
    (asked) => ({ target: asked.target, exceptLeavers: asked.exceptLeavers }),
  ),
  order('resume-writes', 'Let outgoing writes go on.', z.strictObject({ target, ...signed }), (asked) => ({
    target: asked.target,
  })),
];

function argsOfWorker(asked: { readonly worker: string; readonly connection: string }): JsonObject {
  return { worker: asked.worker, connection: asked.connection };
}

type Which = { readonly [K in keyof typeof which]?: z.output<(typeof which)[K]> | undefined };

/** Leavers first: what they keep is open now. @throws Problem where it does not say which, or nothing or too much fits. */
async function chosen(asked: Which, { house }: ApiHouse): Promise<readonly number[]> {
  const members = Object.keys(which) as (keyof Which)[];
  const said = members.flatMap((member) => (asked[member] === undefined ? [] : [[member, asked[member]] as const]));
  if (said.length === 0) {
    throw new Problem({
      code: 'usage.which',
      message: 'it does not say which failures',
      hint: 'name operations, or a cause: GET /api/failed',
    });
  }
  const failures = await readFailures(house.store, Object.fromEntries(said), nowOf(house.clock));
  if (failures.length === 0)
    throw new Problem({ code: 'act.not-failed', message: 'nothing has failed that fits' }, EXIT.failed);
  if (failures.length > REPLAYED_TOGETHER_MAX) {
    throw new Problem({
      code: 'usage.too-many',
      message: `${failures.length} failures fit; one act takes ${REPLAYED_TOGETHER_MAX}`,
      hint: 'name operations, a worker or a target as well',
    });
  }
  return failures.toSorted((a, b) => Number(b.leaver) - Number(a.leaver)).map(({ operation }) => operation.id);
}
