// What an act came to, as the one who asked reads it, in this process or in another.
import type { JsonObject } from '../base/json.ts';
import type { ExitCode, Fault } from '../base/problem.ts';

export interface ActResult {
  readonly ok: boolean;
  /** For people, a sentence. */
  readonly message: string;
  readonly exitCode: ExitCode;
  readonly faults?: readonly Fault[];
  readonly details?: JsonObject;
}
