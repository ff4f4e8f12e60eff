// Answers about one worker, or about many.
import { z } from 'zod';
import { TRANSITIONS } from '../../lifecycle/operation.ts';
import { OPERATION_KINDS } from '../../planning/changeset.ts';
import { delivery, entry, operation, outcome, stage } from './basic-shapes.ts';
import { count, instant, named, next, open, tally, text } from './shape.ts';

export const workers = named(
  'Workers',
  z.strictObject({
    workers: z.array(
      z.strictObject({
        connection: text,
        worker: text,
        stage,
        delivery,
        suspectedSince: instant.nullable(),
        dueAt: instant.nullable(),
      }),
    ),
    next,
  }),
);

const day = z.iso.date();
const attributeValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
const attributes = z.record(z.string(), attributeValue);
const rowMembers = {
  status: z.enum(['expected', 'active', 'leave', 'terminated']),
  startDate: day.nullable(),
  endDate: day.nullable(),
  endsNow: z.boolean(),
  timeZone: text,
  managerId: text,
  inScope: z.boolean(),
  attributes,
};
const employment = named(
  'Employment',
  z.strictObject({
    id: text,
    personId: text,
    ...rowMembers,
    asOf: instant,
    given: z.record(z.string(), attributes).optional(),
    later: z.array(z.strictObject({ from: day, facts: z.strictObject(rowMembers) })).optional(),
    absent: z.strictObject({ since: instant, asOf: instant, strong: z.boolean() }).optional(),
    seenAgain: instant.optional(),
  }),
);
const account = named(
  'Account',
  z.strictObject({
    target: text,
    remoteId: text.nullable(),
    etag: text.nullable(),
    userName: text,
    externalId: text,
    active: z.boolean().nullable(),
    origin: z.enum(['created', 'adopted']),
    managerKnown: text,
    managerOwed: text,
    groups: z.array(text),
  }),
);
const facts = named(
  'Facts',
  z.strictObject({
    leaveSeenAt: instant.nullable(),
    leaveKind: z.enum(['explicit', 'inferred']).nullable(),
    leaveBy: z.enum(['feed', 'endsNow', 'webhook', 'operator']).nullable(),
    sticky: z.boolean(),
    endedEmployment: text.nullable(),
    endedStart: day.nullable(),
    endedEnd: day.nullable(),
    guardedEnd: day.nullable(),
  }),
);

export const worker = named(
  'Worker',
  z.strictObject({
    connection: text,
    worker: text,
    stage,
    delivery,
    facts,
    suspectedSince: instant.nullable(),
    dueAt: instant.nullable(),
    timeZone: text,
    alerts: z.array(text),
    employments: z.array(employment),
    accounts: z.array(account),
    operations: z.array(operation),
    timeline: z.array(z.strictObject({ seq: z.int(), at: instant, local: text, kind: text, actor: text, body: open })),
    coming: z.array(z.strictObject({ at: instant, what: text, from: stage, to: stage, local: text })),
  }),
);

const because = z.array(z.strictObject({ code: text, sentence: text, command: text }));
export const explanation = named(
  'Explanation',
  z.union([
    z.strictObject({
      worker: text,
      connection: text,
      stage,
      delivery,
      because,
      mapping: text.describe('Digest of the archived mapping; empty before one was accepted.'),
      story: z.array(entry),
      groups: z.array(
        z.strictObject({
          target: text,
          rules: z.array(
            z.strictObject({
              name: text,
              when: text.nullable(),
              applies: z.boolean(),
              group: text,
              because: text,
            }),
          ),
        }),
      ),
      facts: z.array(z.strictObject({ name: text, expression: text, value: text })).optional(),
      values: z
        .array(
          z.strictObject({
            target: text,
            values: z.array(z.strictObject({ path: text, expression: text, value: text.nullable(), because: text })),
          }),
        )
        .optional(),
    }),
    z.strictObject({ worker: text, because }).describe('Nobody of that id is on file, and why.'),
  ]),
);

const skip = z.strictObject({
  operation: z.int(),
  by: text,
  reason: text,
  at: instant,
  until: instant,
  facts: text,
  mapping: text,
});
const failure = named(
  'Failure',
  z.strictObject({
    operation: z.int(),
    cause: text,
    connection: text,
    worker: text,
    target: text,
    kind: z.enum(OPERATION_KINDS),
    transition: z.enum(TRANSITIONS).nullable(),
    leaver: z.boolean().describe('Somebody who left, or is to leave, keeps what they had until this is done.'),
    at: instant,
    attempts: count,
    outcome: outcome.nullable(),
    skip: skip.nullable(),
  }),
);
export const failed = named(
  'Failed',
  z.strictObject({
    failures: count,
    leavers: count,
    causes: z.array(
      z.strictObject({
        cause: text,
        connection: text,
        target: text,
        status: z.int().nullable(),
        code: text,
        words: text,
        leaver: z.boolean(),
        skipped: z.boolean(),
        failures: count,
        workers: count,
        firstAt: instant,
        lastAt: instant,
        what: tally,
        sample: failure,
        replay: text,
      }),
    ),
    list: z.array(failure).optional(),
  }),
);
