// Whether the provisioning job works. An upload to a paused job is taken in and comes to nothing, and one in quarantine runs once a
// day at most: nothing is sent to either. Shape: https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjob
import { MINUTE_MS } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import type { Graph } from './graph.ts';

export type JobState =
  | { readonly kind: 'works' }
  /** `reason`: Microsoft's own word. */
  | { readonly kind: 'paused' | 'quarantined'; readonly reason: string; readonly detail: string }
  /** Nobody may ask, or nobody answered: uploads go on, and what comes of them is seen in the logs. */
  | { readonly kind: 'unknown'; readonly status: number | null; readonly reason: string };

export interface Job {
  /** As it was read within the last minute, else read now. Never throws. */
  readonly state: (signal: AbortSignal) => Promise<JobState>;
  /** Read now. Never throws. */
  readonly stateNow: (signal: AbortSignal) => Promise<JobState>;
}

const FRESH_MS = MINUTE_MS;
const DETAIL_MAX = 400;

export function jobOf(
  graph: Graph,
  path: string,
  { now, reads }: { readonly now: () => number; readonly reads: boolean },
): Job {
  let known: { readonly state: JobState; readonly atMs: number } | null = null;
  const stateNow = async (signal: AbortSignal): Promise<JobState> => {
    if (!reads) return WORKS;
    const state = await readJob(graph, path, signal);
    // What could not be read says nothing against what was read before.
    if (state.kind === 'unknown' && state.status === null && known !== null) return known.state;
    known = { state, atMs: now() };
    return state;
  };
  return {
    stateNow,
    state: (signal) =>
      known !== null && Math.abs(now() - known.atMs) < FRESH_MS ? Promise.resolve(known.state) : stateNow(signal),
  };
}

const WORKS: JobState = { kind: 'works' };

export async function readJob(graph: Graph, path: string, signal: AbortSignal): Promise<JobState> {
  const request = { kind: 'search', method: 'GET', path, body: '' } as const;
  const { outcome, body } = await graph.ask(request, { journal: null, urgent: true, signal });
  if (outcome.class !== 'done' || body === null)
    return { kind: 'unknown', status: outcome.status, reason: outcome.code };
  return stateIn(body);
}

/** `status.code` is NotConfigured, NotRun, Active, Paused or Quarantine; `schedule.state` is Active, Disabled or Paused. */
export function stateIn(job: JsonObject): JobState {
  const status = isObject(job.status) ? job.status : {};
  const schedule = isObject(job.schedule) ? job.schedule : {};
  const quarantine = isObject(status.quarantine) ? status.quarantine : null;
  const code = (textOf(status, 'code') ?? '').toLowerCase();
  if (quarantine !== null || code === 'quarantine') {
    const reason = textOf(quarantine, 'reason') ?? 'Quarantine';
    const error = isObject(quarantine?.error) ? quarantine.error : null;
    const said = [reason, textOf(error, 'code'), textOf(error, 'message')].filter((text) => text !== null);
    return { kind: 'quarantined', reason, detail: [...new Set(said)].join(': ').slice(0, DETAIL_MAX) };
  }
  const scheduled = (textOf(schedule, 'state') ?? '').toLowerCase();
  if (code === 'paused' || scheduled === 'paused' || scheduled === 'disabled') {
    const reason = code === 'paused' ? 'Paused' : (textOf(schedule, 'state') ?? 'Paused');
    return { kind: 'paused', reason, detail: `the provisioning job is ${reason}` };
  }
  return WORKS;
}
