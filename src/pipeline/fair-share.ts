// Which lanes the next claim is for. Strictly by urgency nearly always; but under a load of joiners that never ends movers, replays
// and backfill would never be sent. Leavers are never asked to share.
import { LANES, type Lane } from '../lifecycle/operation.ts';

/** One claim in so many is for one of the lower lanes, each in its turn. */
const SHARED_EVERY = 8;
const LOWER: readonly Lane[] = ['mover', 'replay', 'backfill'];

export class FairShare {
  #claims = 0;
  #shared = 0;
  #metLeavers = false;

  /** `leaversWait`: some are claimed and not sent yet. */
  lanes(leaversWait: boolean): readonly Lane[] {
    this.#claims += 1;
    if (leaversWait || this.#metLeavers || this.#claims % SHARED_EVERY !== 0) return LANES;
    this.#shared += 1;
    return LOWER.slice(this.#shared % LOWER.length).slice(0, 1);
  }

  /** Whether the last claim met leavers: while there are any, the next is for them. */
  claimed(leavers: boolean): void {
    this.#metLeavers = leavers;
  }
}
