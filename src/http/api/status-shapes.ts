// Answers about the state of everything.
import { z } from 'zod';
import { DRIFT_KINDS } from '../../pipeline/reconcile.ts';
import { OPERATION_STATES } from '../../planning/changeset.ts';
import {
  alarm,
  cycle,
  delivery,
  hold,
  lane,
  operation,
  placedRejection,
  rejection,
  shownHold,
  stage,
} from './basic-shapes.ts';
import { count, instant, named, next, text } from './shape.ts';

const checkpoint = named(
  'Checkpoint',
  z.strictObject({
    deliveryId: text,
    name: text,
    contentDigest: text,
    contextDigest: text,
    asOf: instant,
    readAt: instant,
    rows: count,
    complete: z.boolean(),
    columns: z.array(text),
  }),
);

const connection = named(
  'Connection',
  z.strictObject({
    connection: text,
    workers: count,
    stages: z.partialRecord(stage, count),
    deliveries: z.partialRecord(delivery, count),
    suspected: count,
    rejections: count,
    openHolds: count,
    lastCycle: cycle.nullable(),
    checkpoint: checkpoint.nullable(),
    nextDue: instant.nullable(),
  }),
);
export const connections = named('Connections', z.strictObject({ connections: z.array(connection) }));

const depth = named(
  'QueueDepth',
  z.strictObject({ target: text, lane, state: z.enum(OPERATION_STATES), operations: count }),
);
export const queue = named(
  'Queue',
  z.strictObject({
    queue: z.array(depth),
    oldest: z.array(z.strictObject({ target: text, lane, oldestAt: instant, seconds: z.number() })),
  }),
);

const stop = named(
  'Stop',
  z.strictObject({ exceptLeavers: z.boolean(), by: text, reason: text, at: instant }).describe('Writes are stopped.'),
);
const dispatch = named(
  'Dispatch',
  z.strictObject({
    state: z.enum(['closed', 'paused', 'open', 'halfOpen']).describe('`open`: the target counts as down.'),
    since: instant,
    why: text,
    nextTryAt: instant.nullable(),
    perSecond: z.number().nullable(),
  }),
);
const unmet = named('UnmetTarget', z.strictObject({ target: text, reason: text }));

const delivered = named(
  'Delivered',
  z.strictObject({ id: text, name: text, asOf: instant, at: instant, writtenAt: instant.nullable() }),
);
const further = named(
  'FurtherSource',
  z.strictObject({
    connection: text,
    source: text,
    deliveryId: text,
    name: text,
    contentDigest: text,
    context: text,
    asOf: instant,
    readAt: instant,
    rows: count,
    rejected: count,
    rejections: z.array(rejection),
  }),
);
export const feeds = named(
  'Feeds',
  z.strictObject({
    at: instant,
    feeds: z.array(
      z.strictObject({
        connection: text,
        since: instant.nullable().describe('Since when the feed says what it says.'),
        ageSeconds: z.number().nullable(),
        readAt: instant.nullable(),
        readAgeSeconds: z.number().nullable(),
        delivered: delivered.nullable().describe('The last delivery that was new.'),
      }),
    ),
    furtherSources: z.array(further),
  }),
);

const webhook = named(
  'Webhook',
  z.strictObject({
    connection: text,
    hook: text,
    kind: z.enum(['hint', 'record', 'emergency']),
    lastAt: instant,
    waiting: count,
    waitingSince: instant.nullable(),
    waitingFor: text.nullable(),
    rejected: count,
    rejectedAt: instant.nullable(),
    rejectedFor: text.nullable(),
  }),
);

export const status = named(
  'Status',
  z.strictObject({
    at: instant,
    daemon: z.strictObject({ pid: z.int(), host: text, command: text, since: instant }).nullable(),
    connections: z.array(connection),
    queue: z.array(depth),
    auditEntries: count,
    suspected: z.array(z.strictObject({ connection: text, worker: text, since: instant })),
    feedSince: z.record(z.string(), instant),
    delivered: z.record(z.string(), delivered),
    alarms: z.array(alarm),
    furtherSources: z.array(further),
    unconfirmedLeavers: z.array(operation),
    openSessions: z.array(operation),
    failed: z.array(operation),
    holds: z.array(hold),
    stops: z.record(z.string(), stop),
    dispatch: z.record(z.string(), dispatch),
    unmetTargets: z.array(unmet),
    clockDoubt: z
      .strictObject({
        lastSeen: instant,
        now: instant,
        witnesses: z.array(z.strictObject({ target: text, says: instant.nullable() })),
      })
      .nullable(),
    webhooks: z.array(webhook),
    openActs: z.strictObject({ count, since: instant.nullable() }).describe('Asked for and not done yet.'),
    oldestUnconfirmedLeaver: instant.nullable(),
  }),
);

const reconciliation = named(
  'Reconciliation',
  z.strictObject({
    target: text,
    at: instant,
    listed: count,
    ours: count,
    protected: count,
    counts: z.record(z.enum(DRIFT_KINDS), count),
    samples: z.array(
      z.strictObject({
        kind: z.enum(DRIFT_KINDS),
        remoteId: text,
        connection: text.nullable(),
        worker: text.nullable(),
        paths: z.array(text),
      }),
    ),
    repaired: z.partialRecord(z.enum(DRIFT_KINDS), count),
    withheld: z.array(text),
  }),
);
export const targets = named(
  'Targets',
  z.strictObject({
    targets: z.array(
      z.strictObject({
        target: text,
        connections: z.array(text),
        dispatch: dispatch.nullable().describe('Null where nothing was ever wrong.'),
        stop: stop.nullable(),
        metAt: instant.nullable().describe('When its accounts were listed first; null before.'),
        waiting: count,
        failed: count,
        reconciliation: reconciliation.nullable().describe('The last one.'),
      }),
    ),
    stop: stop.nullable().describe('Of every target.'),
  }),
);

export const holds = named('Holds', z.strictObject({ holds: z.array(shownHold) }));
export const holdPage = named(
  'HoldPage',
  z.strictObject({ hold: shownHold, next: text.nullable().describe('Give it as `after` for the next items.') }),
);
export const rejections = named(
  'Rejections',
  z.strictObject({ total: count, rejections: z.array(placedRejection), next }),
);
export const alarms = named('Alarms', z.strictObject({ alarms: z.array(alarm) }));
export const cycles = named('Cycles', z.strictObject({ cycles: z.array(cycle), next }));
export const version = named('Version', z.strictObject({ version: text, node: text }));
