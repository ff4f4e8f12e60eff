// Membership changes of one target. Additions to one group go one after the other: two that both find the group missing would
// make it twice.
import type { MembershipPayload } from '../planning/changeset.ts';
import type { ClaimedOperation } from '../store/store.ts';
import type { Delivered, Sendable, Target } from '../targets/target.ts';
import type { Doubts } from './doubts.ts';
import type { Flight } from './flight.ts';
import { Turn } from './turn.ts';

export class Memberships {
  readonly #target: Target;
  readonly #doubts: Doubts;
  readonly #nowMs: () => number;
  readonly #signal: AbortSignal;
  readonly #turns = new Map<string, Turn>();
  readonly #groupIds = new Map<string, string>();

  /** The signal cuts off what is in flight. */
  constructor(target: Target, doubts: Doubts, nowMs: () => number, signal: AbortSignal) {
    this.#target = target;
    this.#doubts = doubts;
    this.#nowMs = nowMs;
    this.#signal = signal;
  }

  async deliver(flight: Flight): Promise<readonly Delivered[]> {
    const { group } = flight.first.payload as MembershipPayload;
    // Who leaves a group never makes one, and waits for nobody.
    if (flight.first.kind === 'removeMember') return this.#send(flight, group);
    const turn = this.#turns.get(group) ?? new Turn();
    this.#turns.set(group, turn);
    const unsent = (): readonly Delivered[] => flight.operations.map(() => UNSENT);
    const mine = turn.take(async () => (flight.wanted ? this.#send(flight, group) : unsent()));
    return Promise.race([mine, flight.withdrawn.then(() => (flight.hasBegun ? mine : unsent()))]);
  }

  async #send(flight: Flight, group: string): Promise<readonly Delivered[]> {
    const known = this.#groupIds.get(group) ?? null;
    const inDoubt = flight.operations.some(({ ambiguous }) => ambiguous);
    const mayAppear = this.#doubts.mayAppear(groupKey(group), inDoubt, this.#nowMs());
    const sendables = flight.operations.map((claimed) => {
      const one = sendable(claimed);
      return { ...one, groupRemoteId: one.groupRemoteId ?? known, mayAppear };
    });
    const delivered = await this.#target.deliverMemberships(sendables, flight.journal, this.#signal);
    for (const { group: learnt, outcome } of delivered) {
      if (learnt !== undefined) {
        this.#groupIds.set(learnt.name, learnt.remoteId);
        this.#doubts.ended(groupKey(group));
      } else if (outcome.class === 'ambiguous' && flight.mayHaveMade) {
        this.#doubts.arose(groupKey(group), this.#nowMs());
      } else if (outcome.class === 'gone') this.#groupIds.delete(group);
    }
    return delivered;
  }
}

const groupKey = (group: string): string => `group ${group}`;

const UNSENT: Delivered = {
  outcome: { class: 'retry', status: null, code: 'not-sent', detail: '', retryAfterMs: null, countsAsAttempt: false },
};

export function sendable(claimed: ClaimedOperation): Sendable {
  const { id, workerKey, kind, lane, payload, account, managerRemoteId, ambiguous, groupRemoteId } = claimed;
  const { managerStandsRemoteId } = claimed;
  return {
    id,
    workerKey,
    kind,
    lane,
    payload,
    account,
    managerRemoteId,
    ...(managerStandsRemoteId === undefined ? {} : { managerStandsRemoteId }),
    ambiguous,
    groupRemoteId,
  };
}
