// Microsoft Entra API-driven provisioning (bulkUpload) behind the target's contract. It takes complete records in, says 202, and what
// became of them stands in a log minutes later: operations are accepted first and confirmed afterwards.
// https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-concepts
import { MINUTE_MS } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { UploadAddress } from '../../mapping/entra-rules.ts';
import type { EntraSettings } from '../../mapping/entra-schema.ts';
import type { Credentials } from '../../runtime/access/credentials.ts';
import type { Transport } from '../../runtime/access/transport.ts';
import { openClient } from '../scim/client.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import { rateOf } from '../scim/rate.ts';
import { type Delivered, type Journal, NOBODY, type Sendable, type Target, type TargetMemory } from '../target.ts';
import { type Budget, openBudget } from './budget.ts';
import { OPERATIONS_MAX } from './bulk.ts';
import { type Carried, Carrier } from './carrier.ts';
import { confirmUploads, nothingSeen } from './confirm.ts';
import { endAccess, endSessions } from './direct.ts';
import { type Graph, graphOver, SCIM_TYPE } from './graph.ts';
import { jobOf } from './job.ts';
import { logsOf } from './logs.ts';
import { probeEntra } from './probe.ts';
import { matchingOf, uploadRecord } from './record.ts';
import { shown } from './show.ts';
import { MATCHING_MAX, ticketText } from './ticket.ts';
import { SHOWN_PATHS, usersOf } from './users.ts';

export interface EntraTargetSettings {
  readonly name: string;
  readonly baseUrl: string;
  readonly address: UploadAddress;
  readonly entra: EntraSettings;
  /** Requests a second for reading and writing single users; null sets no limit. */
  readonly perSecond: number | null;
  readonly timeoutMs: number;
  /** Whether the sessions of leavers are ended by a call of ours. */
  readonly revokes: boolean;
}

export interface EntraTargetDeps {
  /** Closed with the target. */
  readonly credentials: Credentials;
  readonly transport: Transport;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1); spreads waits, never makes secrets. */
  readonly random: () => number;
  readonly userAgent: string;
  readonly memory: TargetMemory;
}

/** What may be in hand at once: leavers fill a call of their own. */
const PLACES = { everybody: 20, leavers: OPERATIONS_MAX } as const;
/** Connections: one call of uploads at a time for leavers, one for everybody else; the others read. */
const CONNECTIONS = { uploads: 1, uploadsOfLeavers: 1, reading: 3, readingOfLeavers: 2 } as const;

export function entraTarget(settings: EntraTargetSettings, deps: EntraTargetDeps): Target {
  const { entra, address } = settings;
  const { origin, version, servicePrincipal, job: jobId } = address;
  const jobPath = `/${version}/servicePrincipals/${encodeURIComponent(servicePrincipal)}/synchronization/jobs/${encodeURIComponent(jobId)}`;
  const path = `${jobPath}/bulkUpload`;
  const clientOf = (connections: number, reserved: number) =>
    openClient({ baseUrl: origin, connections, reserved, timeoutMs: settings.timeoutMs, transport: deps.transport });
  const uploading = clientOf(CONNECTIONS.uploads, CONNECTIONS.uploadsOfLeavers);
  const reading = clientOf(CONNECTIONS.reading, CONNECTIONS.readingOfLeavers);
  const rates = {
    // Calls are counted by the budget, which also spreads them.
    uploads: rateOf(null, deps),
    people: rateOf(settings.perSecond, deps),
    logs: rateOf(entra.logs.pagesPerMinute / 60, deps),
  };
  const parts = { ...deps, origin };
  const uploads = graphOver(parts, { client: uploading, rate: rates.uploads, contentType: SCIM_TYPE });
  const people = graphOver(parts, { client: reading, rate: rates.people, contentType: 'application/json' });
  const direct: Graph =
    entra.direct === 'scim'
      ? graphOver(parts, { client: reading, rate: rates.people, contentType: SCIM_TYPE })
      : people;
  const logs = (): ReturnType<typeof logsOf> =>
    logsOf(
      graphOver(parts, { client: reading, rate: rates.logs, contentType: 'application/json' }),
      {
        job: jobId,
        version,
        lookBackMs: entra.logs.lookBackMinutes * MINUTE_MS,
        pageSize: entra.logs.pageSize,
        identity: entra.logs.identity,
      },
      deps,
    );
  const job = jobOf(people, jobPath, { now: deps.now, reads: entra.readJob });
  const users = usersOf(
    people,
    { property: entra.property, reads: entra.readUsers, isExternalId: entra.matching === 'externalId' },
    deps,
  );
  let opening: Promise<Budget> | null = null;
  let budget: Budget | null = null;
  const opened = async (): Promise<Budget> => {
    opening ??= openBudget(entra, deps);
    budget = await opening;
    return budget;
  };
  const carrier = new Carrier({
    graph: uploads,
    path,
    job,
    budget: opened,
    callBytesMax: entra.callBytesMax,
    ordinaryCalls: entra.dailyCalls - entra.reservedCalls,
    now: deps.now,
    wait: deps.wait,
  });
  const writing = { graph: direct, users, way: entra.direct };
  const confirming = logs();
  const seen = nothingSeen();

  /** Why nobody but leavers gets a call; null: they do. */
  const spent = (): string | null =>
    budget?.isSpent() === true
      ? `the ${entra.dailyCalls - entra.reservedCalls} upload calls of 24 hours for everybody but leavers are spent; ${carrier.size} change(s) wait in hand`
      : null;

  async function upload(
    operation: Sendable,
    journal: Journal,
    signal: AbortSignal,
    { urgent, accessEnded, note }: { readonly urgent: boolean; readonly accessEnded: boolean; readonly note: string },
  ): Promise<Delivered> {
    const record = uploadRecord(operation, entra);
    const { matching } = record;
    if (matching === null || matching.length > MATCHING_MAX) return { outcome: unmatchable(entra.matching) };
    const carried = await carrier.carry({ operation, record, journal, urgent, accessEnded, signal });
    return deliveredBy(carried, operation, { matching, urgent, accessEnded, note });
  }

  function deliveredBy(
    { outcome, takenAtMs, sharedFault }: Carried,
    operation: Sendable,
    { matching, urgent, accessEnded, note }: { matching: string; urgent: boolean; accessEnded: boolean; note: string },
  ): Delivered {
    if (outcome.class !== 'accepted' || takenAtMs === null)
      return { outcome: noted(outcome, note), ...(sharedFault === undefined ? {} : { sharedFault }) };
    const minutes = urgent ? entra.leaverConfirmWithinMinutes : entra.confirmWithinMinutes;
    const named = entra.matching === 'externalId' || entra.matching === 'userName';
    const ticket = ticketText({
      atMs: takenAtMs,
      ...(named ? {} : { matching }),
      ...(operation.ambiguous ? { behind: true } : {}),
      ...(accessEnded ? { direct: true } : {}),
    });
    return { outcome: noted(outcome, note), accepted: { ticket, withinMs: minutes * MINUTE_MS } };
  }

  async function disable(operation: Sendable, journal: Journal, signal: AbortSignal): Promise<Delivered> {
    const matching = keyOf(operation);
    if (matching === null) return { outcome: unmatchable(entra.matching) };
    const { account, ambiguous } = operation;
    // An upload would make an account for somebody who never had one, only to keep it disabled. One that was confirmed once is
    // uploaded in any case: that it is not found may be a wrong entra.property.
    if (users.reads && account.remoteId === null && !ambiguous && (await isNobody(operation, matching, signal)))
      return { outcome: concluded(NOTHING_SENT, { code: NOBODY }) };
    const { ended, detail } = await endAccess(operation, matching, writing, journal, signal);
    return upload(operation, journal, signal, { urgent: true, accessEnded: ended, note: detail });
  }

  const keyOf = (operation: Sendable): string | null =>
    operation.account.remoteId ??
    matchingOf({ ...operation.account, attributes: operation.account.known }, entra.matching) ??
    uploadRecord(operation, entra).matching;

  async function isNobody({ account }: Sendable, matching: string, signal: AbortSignal): Promise<boolean> {
    try {
      const found = await users.matching(matching, signal, true);
      return (
        found.length === 0 &&
        (account.userName === '' || (await users.named(account.userName, signal, true)).length === 0)
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Who cannot be asked for is uploaded: a disabled account too many does no harm.
      return false;
    }
  }

  async function deliver(operation: Sendable, journal: Journal, signal: AbortSignal): Promise<Delivered> {
    switch (operation.kind) {
      case 'create':
      case 'update':
      case 'enable':
        return upload(operation, journal, signal, { urgent: isUrgent(operation), accessEnded: false, note: '' });
      case 'disable':
        return disable(operation, journal, signal);
      case 'revokeSessions': {
        const matching = keyOf(operation);
        if (!settings.revokes || matching === null)
          return { outcome: concluded(NOTHING_SENT, { code: 'sessions-not-ended-here' }) };
        return { outcome: await endSessions(operation, matching, writing, journal, signal) };
      }
      case 'delete':
        return { outcome: NO_DELETION };
      case 'addMember':
      case 'removeMember':
        return { outcome: NO_GROUPS };
    }
  }

  return {
    name: settings.name,
    baseUrl: settings.baseUrl,
    concurrency: PLACES.everybody + PLACES.leavers,
    reserved: PLACES.leavers,
    endsSessions: settings.revokes,
    visibleAfterMs: 0,
    shows: SHOWN_PATHS,
    deliver,
    deliverMemberships: async (operations) => operations.map(() => ({ outcome: NO_GROUPS })),
    batchMax: () => OPERATIONS_MAX,
    deliverMany: (passengers, signal) =>
      passengers.map(({ operation, journal }) => deliver(operation, journal, signal)),
    find: users.find,
    look: users.look,
    list: users.list,
    time: async (signal) => {
      const request = { kind: 'search', method: 'GET', path: jobPath, body: '' } as const;
      const { outcome, date } = await people.ask(request, { journal: null, urgent: true, signal });
      const ms = (outcome.status ?? 500) >= 500 ? Number.NaN : Date.parse(date ?? '');
      return Number.isNaN(ms) ? null : ms;
    },
    show: (operation) =>
      shown(operation, { path, direct: entra.direct, matching: entra.matching, flowNull: entra.flowNull }),
    reconsider: () => {
      carrier.reconsider();
      for (const rate of Object.values(rates)) rate.reconsider();
      uploading.reconsider();
      reading.reconsider();
    },
    confirmation: {
      everyMs: entra.logs.everyMinutes * MINUTE_MS,
      confirm: (waiting, signal) =>
        confirmUploads(
          waiting,
          { job, logs: confirming, users, matching: entra.matching, spent, now: deps.now },
          seen,
          signal,
        ),
    },
    probe: (signal) =>
      probeEntra(
        {
          credentials: deps.credentials,
          people,
          jobPath,
          logs: logs(),
          users,
          settings: entra,
          revokes: settings.revokes,
          now: deps.now,
        },
        signal,
      ),
    perSecond: rates.people.perSecond,
    close: async () => {
      carrier.close();
      await Promise.all([uploading.close(), reading.close(), deps.credentials.close()]);
    },
  };
}

const isUrgent = ({ kind, lane }: Sendable): boolean => kind === 'disable' || lane === 'emergency' || lane === 'leaver';

const noted = (outcome: Delivered['outcome'], note: string): Delivered['outcome'] =>
  note === ''
    ? outcome
    : concluded(outcome, { detail: [outcome.detail, note].filter((text) => text !== '').join('; ') });

const unmatchable = (matching: string): Delivered['outcome'] =>
  concluded(NOTHING_SENT, {
    class: 'permanent',
    code: 'no-matching-value',
    detail: `the record has no ${matching} of 1 to ${MATCHING_MAX} characters, by which Entra finds the account`,
    countsAsAttempt: true,
  });

/** A file that asks for either is refused; these were ordered before it said otherwise. */
const NO_DELETION = concluded(NOTHING_SENT, {
  class: 'permanent',
  code: 'no-deletion',
  detail: 'bulkUpload knows no deletion; the account stays disabled, delete it in Entra',
  countsAsAttempt: true,
});
const NO_GROUPS = concluded(NOTHING_SENT, {
  class: 'permanent',
  code: 'no-groups',
  detail: 'bulkUpload takes users only; give groups in Entra',
  countsAsAttempt: true,
});
