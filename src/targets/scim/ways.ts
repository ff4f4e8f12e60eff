// What every delivery goes by: the way to the endpoint, what is known of it beforehand, and what it can do.
import type { Capabilities } from './capabilities.ts';
import type { Exchange } from './exchange.ts';
import type { GroupTurns } from './group-turns.ts';
import type { Profile } from './profiles.ts';

export interface Ways {
  readonly exchange: Exchange;
  readonly profile: Profile;
  /** The best present knowledge; asks nobody. */
  readonly capabilities: () => Capabilities;
  /** PATCH was answered as something that the endpoint does not have. */
  readonly cannotPatch: () => void;
  /** PUT of a user was, and PATCH was not. */
  readonly cannotPut: () => void;
  /** Whose turn it is to write a group whole. */
  readonly groupTurns: GroupTurns;
}
