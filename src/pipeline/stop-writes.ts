// The global stop: kept in the store, so that it survives a restart, and read before every claim.
import type { JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';

export interface Stop {
  readonly exceptLeavers: boolean;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** By target name; `*` means all. */
export type Stops = Readonly<Record<string, Stop>>;

export const STOPS_KEY = 'stop-writes';
export const ALL_TARGETS = '*';

export async function readStops(store: Store): Promise<Stops> {
  return ((await store.setting(STOPS_KEY)) ?? {}) as unknown as Stops;
}

export function stopsWrite(stops: Stops, target: string, urgent: boolean): boolean {
  return [stops[ALL_TARGETS], stops[target]].some((stop) => stop !== undefined && !(urgent && stop.exceptLeavers));
}

export const withStop = (stops: Stops, target: string, stop: Stop): JsonObject =>
  ({ ...stops, [target]: { ...stop } }) as JsonObject;

export function withoutStop(stops: Stops, target: string): JsonObject {
  const { [target]: _gone, ...rest } = stops;
  return (target === ALL_TARGETS ? {} : rest) as unknown as JsonObject;
}
