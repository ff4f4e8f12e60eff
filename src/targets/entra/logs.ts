// The provisioning logs of one job, read page by page behind a watermark: what is newer than the newest line seen, and a while behind
// it, because lines come late and out of order. https://learn.microsoft.com/graph/api/provisioningobjectsummary-list
import { instantOfMs, MINUTE_MS, SECOND_MS } from '../../base/instant.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import { memberOf } from '../../planning/account-changes.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import { type PatienceDeps, patient } from '../scim/patient.ts';
import { type Graph, valuesOf } from './graph.ts';

export interface LogLine {
  readonly id: string;
  /** When Entra did it, in milliseconds since the epoch. */
  readonly atMs: number;
  /** `create`, `update`, `delete`, `stageddelete`, `disable`, `other`, in small letters. */
  readonly action: string;
  /** `success`, `failure`, `skipped`, `warning`; anything else is none of ours to understand. */
  readonly status: string;
  /** The matching value of the record that it is about; null where the line names none. */
  readonly identity: string | null;
  readonly errorCode: string | null;
  /** Microsoft's own words, with what it recommends. */
  readonly reason: string;
  /** Whether it was made inactive by what this line tells; null where it does not say. */
  readonly inactive: boolean | null;
}

export interface LogSettings {
  readonly job: string;
  readonly version: string;
  readonly lookBackMs: number;
  readonly pageSize: number;
  /** `id`, `displayName` or `details.NAME`: the member of sourceIdentity that holds the matching value. */
  readonly identity: string;
}

export interface Logs {
  /**
   * Lines since `fromMs`, or, once those are read, since the newest one seen; `anew` begins at `fromMs` again. Each line once. What a
   * read does not get to is read by the next one. @throws Problem where the logs cannot be read.
   */
  readonly read: (fromMs: number, anew: boolean, signal: AbortSignal) => Promise<readonly LogLine[]>;
  /** Whether the last read got to the end. */
  readonly isCurrent: () => boolean;
}

/** A page takes some seconds by its rate: leavers are asked about again after so many. */
const PAGES_AT_ONCE = 60;
const TRIES = 4;
/** Between two looks further back: what comes in order is read once, however much of it there is. */
const OVERLAP_MS = 5 * SECOND_MS;
/** Microsoft's clock and the one of what an upload was taken in by differ by less. */
const SKEW_MS = MINUTE_MS;

export function logsOf(graph: Graph, settings: LogSettings, deps: PatienceDeps & { readonly now: () => number }): Logs {
  let lookedBackAtMs = deps.now();
  let newestMs: number | null = null;
  /** Where a read stopped on its way. */
  let left: { readonly path: string; readonly newestMs: number } | null = null;

  const ask = async (path: string, signal: AbortSignal) => {
    const answer = await patient(
      (request) => graph.ask(request, { journal: null, urgent: false, signal }),
      { kind: 'search', method: 'GET', path, body: '' },
      deps,
      signal,
      { tries: TRIES, failed: unread, also: ({ outcome }) => outcome.status === 400 },
    );
    const values = answer.outcome.class === 'done' ? valuesOf(answer.body) : null;
    return values === null ? null : { values, next: textOf(answer.body, '@odata.nextLink') };
  };

  return {
    isCurrent: () => left === null,
    read: async (fromMs, anew, signal) => {
      if (anew) left = null;
      let sinceMs = anew || newestMs === null ? fromMs - SKEW_MS : newestMs - OVERLAP_MS;
      if (left === null && Math.abs(deps.now() - lookedBackAtMs) >= settings.lookBackMs) {
        lookedBackAtMs = deps.now();
        if (newestMs !== null && !anew) sinceMs = newestMs - settings.lookBackMs;
      }
      let path: string | null = left?.path ?? firstPath(settings, sinceMs);
      let reached = left?.newestMs ?? newestMs ?? sinceMs;
      const lines = new Map<string, LogLine>();
      for (let pages = 0; path !== null && pages < PAGES_AT_ONCE; pages += 1) {
        const page: Awaited<ReturnType<typeof ask>> = await ask(path, signal);
        if (page === null) {
          // A place in the list that is not known any more: from the beginning.
          if (left === null && pages === 0) throw unread('its answer is no list');
          path = firstPath(settings, sinceMs);
          left = null;
          continue;
        }
        for (const value of page.values) {
          const line = lineOf(value, settings.identity);
          if (line === null) continue;
          lines.set(line.id, line);
          reached = Math.max(reached, line.atMs);
        }
        path = page.next === null ? null : graph.pathOf(page.next);
        if (page.next !== null && path === null) throw unread('its next page is at another host');
        left = path === null ? null : { path, newestMs: reached };
      }
      if (left === null) newestMs = reached;
      return [...lines.values()];
    },
  };
}

/** Filters are case sensitive: https://learn.microsoft.com/graph/api/provisioningobjectsummary-list */
function firstPath({ job, version, pageSize }: LogSettings, sinceMs: number): string {
  const since = instantOfMs(sinceMs).replace(/\.\d+Z$/, 'Z');
  const filter = `jobId eq '${job.replaceAll("'", "''")}' and activityDateTime gt ${since}`;
  return `/${version}/auditLogs/provisioning?$filter=${encodeURIComponent(filter)}&$top=${pageSize}`;
}

/** Null for a line without an id or a time. */
export function lineOf(value: JsonObject, identity: string): LogLine | null {
  const id = textOf(value, 'id');
  const atMs = Date.parse(textOf(value, 'activityDateTime') ?? '');
  if (id === null || Number.isNaN(atMs)) return null;
  const info = objectAt(value, 'provisioningStatusInfo');
  const error = objectAt(info, 'errorInformation');
  const source = objectAt(value, 'sourceIdentity');
  const said = ['reason', 'recommendedAction'].flatMap((name) => textOf(error, name) ?? []);
  return {
    id,
    atMs,
    action: (textOf(value, 'provisioningAction') ?? '').toLowerCase(),
    status: (textOf(info, 'status') ?? '').toLowerCase(),
    identity: identityIn(source, identity),
    errorCode: textOf(error, 'errorCode'),
    reason: said.join(' – ').slice(0, REASON_MAX),
    inactive: inactiveIn(value),
  };
}

const REASON_MAX = 480;

const objectAt = (value: JsonObject | null, name: string): JsonObject | null => {
  const member = value === null ? undefined : memberOf(value, name);
  return isObject(member) ? member : null;
};

function identityIn(source: JsonObject | null, member: string): string | null {
  if (!member.startsWith('details.')) return textOf(source, member);
  return textOf(objectAt(source, 'details'), member.slice('details.'.length));
}

/** The default mapping writes accountEnabled in the directory, and accountDisabled in Active Directory. */
function inactiveIn(value: JsonObject): boolean | null {
  const action = (textOf(value, 'provisioningAction') ?? '').toLowerCase();
  if (action === 'disable' || action === 'delete') return true;
  const properties: JsonValue | undefined = memberOf(value, 'modifiedProperties');
  if (!Array.isArray(properties)) return null;
  for (const property of (properties as readonly JsonValue[]).filter(isObject)) {
    const name = (textOf(property, 'displayName') ?? '').toLowerCase();
    const after = String(memberOf(property, 'newValue') ?? '').toLowerCase();
    if (name === 'accountenabled' && after !== '') return after === 'false';
    if (name === 'accountdisabled' && after !== '') return after === 'true';
  }
  return null;
}

const unread = (why: string): Problem =>
  new Problem({
    code: 'target.entra-logs',
    message: `the provisioning logs cannot be read: ${why}`,
    hint: 'grant the app ProvisioningLog.Read.All; without it nothing that is uploaded can be confirmed',
  });
