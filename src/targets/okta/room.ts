// What every part of this room works with: the settings, the way to Okta, and what time it is.
import type { OktaSettings } from '../../mapping/okta-schema.ts';
import type { Exchange } from '../scim/exchange.ts';
import type { Journal, TargetMemory } from '../target.ts';
import type { SourcePaths } from './paths.ts';

export interface Room {
  readonly name: string;
  readonly settings: OktaSettings;
  readonly paths: SourcePaths;
  readonly memory: TargetMemory;
  /** False: writes are stopped. Asked before each one that belongs to no operation; an operation's journal knows for itself. */
  readonly mayWrite: () => Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** `journal` null: it belongs to no operation, and changes nobody's account. */
  readonly exchange: (journal: Journal | null, urgent: boolean, signal: AbortSignal) => Exchange;
}
