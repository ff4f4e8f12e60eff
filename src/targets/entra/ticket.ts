// What is remembered of an upload until it is confirmed: when Microsoft took it in, by its own clock, and what else a log line has to
// be held against.
import { assert } from '../../base/assert.ts';
import { parsedBody, textOf } from '../../runtime/access/json-body.ts';
import { TICKET_MAX } from '../target.ts';

export interface Ticket {
  /** Milliseconds since the epoch, by the `Date` of the 202. */
  readonly atMs: number;
  /** The matching value, where it is neither the externalId nor the userName. */
  readonly matching?: string;
  /** Something of this worker that was uploaded before may still be unprocessed: a log line may be about that. */
  readonly behind?: true;
  /** The direct path has ended the access already. */
  readonly direct?: true;
}

/** Longer ones are refused unsent: nobody could be told by them in a ticket. */
export const MATCHING_MAX = 200;

export function ticketText({ atMs, matching, behind, direct }: Ticket): string {
  const text = JSON.stringify({
    at: atMs,
    ...(matching === undefined ? {} : { m: matching }),
    ...(behind === undefined ? {} : { b: 1 }),
    ...(direct === undefined ? {} : { d: 1 }),
  });
  assert(text.length <= TICKET_MAX, 'a ticket is short');
  return text;
}

/** Null for a text that is no ticket of ours. */
export function ticketIn(text: string): Ticket | null {
  const body = parsedBody(text);
  const atMs = Number(body?.at ?? Number.NaN);
  if (body === null || !Number.isFinite(atMs)) return null;
  const matching = textOf(body, 'm');
  return {
    atMs,
    ...(matching === null ? {} : { matching }),
    ...(body.b === 1 ? { behind: true } : {}),
    ...(body.d === 1 ? { direct: true } : {}),
  };
}
