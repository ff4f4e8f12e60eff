// What several answers are made of: operations, holds, rejected rows, entries of the audit.
import { z } from 'zod';
import { LANES, TRANSITIONS } from '../../lifecycle/operation.ts';
import { OUTCOME_CLASSES } from '../../lifecycle/outcome.ts';
import { DELIVERIES, STAGES } from '../../lifecycle/standing.ts';
import { OPERATION_KINDS, OPERATION_STATES } from '../../planning/changeset.ts';
import { HARM_KINDS } from '../../planning/harm.ts';
import { count, instant, named, open, text } from './shape.ts';

export const stage = z.enum(STAGES);
export const delivery = z.enum(DELIVERIES);
export const lane = z.enum(LANES);

export const outcome = named(
  'Outcome',
  z.strictObject({
    class: z.enum(OUTCOME_CLASSES),
    status: z.int().nullable().describe('HTTP status; null where no answer came.'),
    code: text,
    detail: text.describe('The target’s own words; they may name people.'),
    retryAfterMs: z.number().nullable(),
    countsAsAttempt: z.boolean(),
  }),
);

export const operation = named(
  'Operation',
  z.strictObject({
    id: z.int(),
    connection: text,
    workerKey: text,
    target: text,
    kind: z.enum(OPERATION_KINDS),
    lane,
    state: z.enum(OPERATION_STATES),
    transition: z.enum(TRANSITIONS).nullable(),
    attempts: count,
    notBefore: instant,
    createdAt: instant,
    firstSentAt: instant.nullable(),
    lastOutcome: outcome.nullable(),
  }),
);

const holdMembers = {
  connection: text,
  kind: z.enum([...HARM_KINDS, 'newlyRejected', 'feed']),
  digest: text.describe('What `approve` and `discard` name; an amended hold has another one.'),
  reason: text,
  openedAt: instant,
  amendedAt: instant,
  approvedBy: text.nullable(),
  discardedBy: text.nullable(),
  items: count.describe('All of them, also those that are not shown.'),
};
export const hold = named('Hold', z.strictObject(holdMembers));

export const holdItem = named(
  'HoldItem',
  z.strictObject({
    digest: text,
    kind: z.enum([...HARM_KINDS, 'feed']),
    workerKey: text,
    target: text.nullable(),
    operation: text,
    attribute: text.nullable(),
    before: text.describe('As people are shown it: personal.'),
    after: text.describe('As people are shown it: personal.'),
  }),
);
export const shownHold = named('HoldWithItems', z.strictObject({ ...holdMembers, shown: z.array(holdItem) }));

const rejectionMembers = {
  key: text.nullable().describe('The worker’s id where it could be read.'),
  code: text,
  reason: text,
  column: text.nullable(),
  record: z.int().nullable(),
  line: z.int().nullable(),
};
export const rejection = named('Rejection', z.strictObject(rejectionMembers));
export const placedRejection = named('PlacedRejection', z.strictObject({ connection: text, ...rejectionMembers }));

export const entry = named(
  'Entry',
  z
    .strictObject({
      seq: z.int().min(1),
      at: instant,
      kind: text,
      connection: text.nullable(),
      workerKey: text.nullable(),
      actor: text,
      body: open,
      hash: text,
      previousHash: text,
    })
    .describe('An entry of the audit without its personal values.'),
);

export const cycle = named(
  'Cycle',
  z.strictObject({
    id: z.int(),
    connection: text,
    startedAt: instant,
    finishedAt: instant.nullable(),
    state: z.enum(['running', 'done', 'held', 'refused', 'failed']),
    summary: open,
  }),
);

export const alarm = named(
  'Alarm',
  z.strictObject({
    connection: text,
    code: text,
    subject: text,
    message: text,
    hint: text.nullable(),
    worker: text.nullable(),
    raisedAt: instant,
    saidAt: instant,
  }),
);

export const problem = named(
  'Problem',
  z
    .strictObject({
      type: text,
      title: text,
      status: z.int(),
      code: text.describe('Stable, for scripts; docs/messages.md tells what to do.'),
      detail: text,
      hint: text.optional(),
    })
    .describe('RFC 9457, application/problem+json.'),
);
