// What every part of this room works with: the settings, the way to Okta, and what time it is.
import type { JsonValue } from '../../base/json.ts';
import type { OktaSettings } from '../../mapping/okta-schema.ts';
import type { Exchange } from '../scim/exchange.ts';
import type { Journal } from '../target.ts';
import type { SourcePaths } from './paths.ts';

/** What is remembered over restarts: the session under way, and when the last one was. */
export interface OktaMemory {
  readonly read: () => Promise<JsonValue | null>;
  /** Durable when it resolves. */
  readonly write: (value: JsonValue) => Promise<void>;
}

export interface Room {
  readonly name: string;
  readonly settings: OktaSettings;
  readonly paths: SourcePaths;
  readonly memory: OktaMemory;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** `journal` null: it belongs to no operation, and changes nobody's account. */
  readonly exchange: (journal: Journal | null, urgent: boolean, signal: AbortSignal) => Exchange;
}
