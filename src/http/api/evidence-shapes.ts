// Answers for auditors, and acts.
import { z } from 'zod';
import { LEDGER_ENDS } from '../../pipeline/ledger.ts';
import { entry } from './basic-shapes.ts';
import { count, instant, named, next, open, text } from './shape.ts';

export const audit = named('AuditPage', z.strictObject({ entries: z.array(entry), next }));

const reportLine = named(
  'ReportLine',
  z.strictObject({
    connection: text,
    worker: text,
    entry: z.int(),
    by: text,
    effectiveAt: instant.nullable(),
    saidAt: instant.nullable(),
    seenAt: instant,
    decidedAt: instant.nullable(),
    targets: z.array(
      z.strictObject({
        target: text,
        sentAt: instant.nullable(),
        confirmedAt: instant.nullable(),
        sessionsEndedAt: instant.nullable(),
      }),
    ),
    confirmedAt: instant.nullable(),
    end: z.enum(LEDGER_ENDS),
    carried: z.boolean(),
    latenessMs: z.number().nullable(),
    late: z.enum(['nobody', 'HR', 'us', 'both']),
    breach: z.boolean(),
  }),
);

export const report = named(
  'Report',
  z.strictObject({
    about: z.enum(['leavers', 'joiners']),
    period: z.strictObject({ from: instant, to: instant }),
    objectiveMs: z.number(),
    lines: z.array(reportLine),
    totals: z.strictObject({
      people: count,
      decided: count,
      undecided: count,
      carried: count,
      ends: z.record(z.enum(LEDGER_ENDS), count),
      breaches: count,
      lateByHr: count,
      rejectedRows: count,
    }),
    lateness: z.strictObject({ p50Ms: z.number(), p95Ms: z.number(), worstMs: z.number() }).nullable(),
    exceptions: z.array(
      z.strictObject({
        kind: z.enum(['approval', 'discard', 'skip', 'stop-writes', 'lift']),
        at: instant,
        by: text,
        reason: text,
        what: text,
      }),
    ),
    reading: z.array(
      z.strictObject({
        connection: text,
        cycles: count,
        refused: count,
        held: count,
        rejectedRows: count,
        firstAt: instant.nullable(),
        lastAt: instant.nullable(),
        gaps: z.array(z.strictObject({ from: instant, to: instant })),
      }),
    ),
    mappings: z.array(z.strictObject({ digest: text, entry: z.int(), at: instant, approvedBy: text.nullable() })),
    head: z.strictObject({ seq: z.int(), hash: text }).nullable(),
    isOver: z.boolean(),
    next: z.int().nullable().describe('Give it as `after` for the next lines; null at the end.'),
  }),
);

export const ordered = named(
  'Ordered',
  z
    .strictObject({ act: z.int(), kind: text, href: text })
    .describe('The act is durable and is carried out within a second; ask `href` what came of it.'),
);

export const act = named(
  'Act',
  z.strictObject({
    id: z.int(),
    kind: text,
    args: open,
    reason: text,
    by: text,
    osUser: text,
    channel: text,
    createdAt: instant,
    takenAt: instant.nullable(),
    finishedAt: instant.nullable(),
    result: z
      .strictObject({
        ok: z.boolean(),
        message: text,
        exitCode: z.int(),
        faults: z
          .array(z.strictObject({ code: text, message: text, hint: text.optional(), place: open.optional() }))
          .optional(),
        details: open.optional(),
      })
      .nullable(),
  }),
);
