// Operations of different workers in one bulk request (RFC 7644 section 3.7). Each is delivered by the very code that delivers it
// alone; only its first write is gathered with those of the others, and its result comes back to it as an answer of its own.
// So nothing about outcomes is decided here: a lost bulk request is a lost answer for each, looked up one by one.
import { assert } from '../../base/assert.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import type { Delivered, Journal, Passenger, Sendable, ShownRequest } from '../target.ts';
import { type BulkItem, type BulkMessage, bulkBatches, bulkMessage } from './bulk-message.ts';
import { type BulkResult, bulkResults } from './bulk-results.ts';
import type { BulkRoom } from './bulk-room.ts';
import type { Answer, Exchange } from './exchange.ts';
import { type BatchVerdict, inHalves, isOfTheTarget, isRefusal, unsentBecause } from './halving.ts';
import type { Ways } from './news.ts';
import { concluded, outcomeOf } from './outcome-table.ts';
import { BULK_PATH, createUser, placed, type ScimRequest, shownRequest } from './requests.ts';

export interface BulkParts {
  readonly room: BulkRoom;
  readonly ways: (journal: Journal) => Ways;
  readonly deliver: (operation: Sendable, ways: Ways) => Promise<Delivered>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Sent extends BulkMessage {
  readonly shown: (item: BulkItem) => ShownRequest;
}

/** An operation that waits for its place in the request. */
interface Parked {
  readonly item: BulkItem;
  readonly passenger: Passenger;
  /** Sends a request of this operation alone. */
  readonly alone: Exchange;
  readonly answer: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/** One promise for each passenger, in order: whoever needs more requests than the shared one keeps nobody waiting. */
export function deliverMany(passengers: readonly Passenger[], parts: BulkParts): readonly Promise<Delivered>[] {
  const journey = new Journey(passengers, parts);
  return passengers.map((passenger) => journey.deliver(passenger));
}

class Journey {
  readonly #parts: BulkParts;
  /** bulkIds of those who are created here, by worker. */
  readonly #created: ReadonlyMap<string, string>;
  readonly #parked: Parked[] = [];
  /** Manager's key, once a reference to an account of the same request stands at the target. */
  readonly #led = new Map<Passenger, string>();
  /** Name of the request that was lost with them. */
  readonly #lost = new Map<Passenger, string>();
  #undecided: number;
  /** The answer after which nothing more was sent. */
  #stoppedBy: Outcome | null = null;

  constructor(passengers: readonly Passenger[], parts: BulkParts) {
    this.#parts = parts;
    this.#undecided = passengers.length;
    const creates = passengers.filter(
      ({ operation: { kind, account } }) => kind === 'create' && account.remoteId === null,
    );
    this.#created = new Map(creates.map(({ operation }) => [operation.workerKey, bulkIdOf(operation)]));
  }

  async deliver(passenger: Passenger): Promise<Delivered> {
    const own = this.#parts.ways(passenger.journal);
    let decided = false;
    const decide = (): void => {
      if (decided) return;
      decided = true;
      this.#undecided -= 1;
      if (this.#undecided === 0) void this.#leave();
    };
    // Only what begins with a write travels: whoever has to ask first goes alone, and does not keep the others waiting.
    const exchange: Exchange = (request) => {
      if (decided || !travels(request)) {
        decide();
        return own.exchange(request);
      }
      return new Promise<Answer>((answer, failed) => {
        const item = this.#itemOf(passenger.operation, request, own);
        this.#parked.push({ item, passenger, alone: own.exchange, answer, failed });
        decide();
      });
    };
    try {
      const delivered = await this.#parts.deliver(passenger.operation, { ...own, exchange });
      const managerKey = this.#led.get(passenger);
      const sharedFault = this.#lost.get(passenger);
      return {
        ...delivered,
        ...(sharedFault === undefined ? {} : { sharedFault }),
        ...(managerKey === undefined || delivered.outcome.class !== 'done'
          ? {}
          : { account: { ...delivered.account, managerKey } }),
      };
    } finally {
      decide();
    }
  }

  /** A manager who is owed and created in the same request can be referred to before there is an id (RFC 7644 section 3.7.2). */
  #itemOf(operation: Sendable, asked: ScimRequest, { profile }: Ways): BulkItem {
    const request = placed(asked, profile);
    const bulkId = bulkIdOf(operation);
    const payload = operation.payload as AccountPayload;
    const by = this.#created.get(operation.account.managerOwed);
    const owed = request.kind === 'create' && payload.managerKey === null && by !== undefined && by !== bulkId;
    if (!owed || this.#parts.room.limits()?.references !== true) return { bulkId, request };
    const led: Sendable = {
      ...operation,
      payload: { ...payload, managerKey: operation.account.managerOwed },
      managerRemoteId: `bulkId:${by}`,
    };
    return { bulkId, request, led: { by, request: placed(createUser(led, profile), profile) } };
  }

  async #leave(): Promise<void> {
    const parked = new Map(this.#parked.map((one) => [one.item, one]));
    const of = (items: readonly BulkItem[]): readonly Parked[] =>
      items.map((item) => {
        const one = parked.get(item);
        assert(one !== undefined, 'whoever travels was parked before');
        return one;
      });
    try {
      const { room } = this.#parts;
      const limits = room.limits();
      const items = [...parked.keys()];
      const batches = limits === null ? items.map((item) => [item]) : bulkBatches(items, limits);
      const unsent = await inHalves(batches, async (batch) => {
        const travellers = of(batch);
        // Nothing is gained by a bulk request of one, and its own answer says more.
        if (batch.length === 1 || room.limits() === null) return eachAlone(travellers);
        return this.#send(batch, travellers);
      });
      for (const one of of(unsent)) {
        assert(this.#stoppedBy !== null, 'only an answer leaves others unsent');
        one.answer(bare(unsentBecause(this.#stoppedBy)));
      }
    } catch (error) {
      for (const { failed } of parked.values()) failed(error);
    }
  }

  async #send(batch: readonly BulkItem[], travellers: readonly Parked[]): Promise<BatchVerdict> {
    const { room, ways, now } = this.#parts;
    const message = bulkMessage(batch);
    const shown = shownItems(message);
    const request: ScimRequest = { kind: 'create', method: 'POST', path: BULK_PATH, body: message.body };
    const sentAt = now();
    const answer = await ways(sharedJournal(shown, travellers)).exchange(request);
    const { outcome } = answer;
    const told = (): void => {
      for (const { item, passenger } of travellers) passenger.journal.answer(shown(item), outcome);
    };
    const wanted = travellers.filter(({ passenger }) => passenger.journal.wanted?.() ?? true);
    if (outcome.code === 'not-sent' && wanted.length < travellers.length) {
      // Newer work took the place of some: the others travel without them.
      told();
      for (const one of travellers) if (!wanted.includes(one)) one.answer(bare(outcome));
      if (wanted.length <= 1) return eachAlone(wanted);
      return this.#send(
        wanted.map(({ item }) => item),
        wanted,
      );
    }
    if (outcome.status !== null && NO_BULK.includes(outcome.status)) {
      told();
      room.close(now());
      return eachAlone(travellers);
    }
    if (isTooMuch(outcome)) room.tooMuch(batch.length, now());
    if (isTooMuch(outcome) || isRefusal(outcome)) {
      told();
      return 'refused';
    }
    if (outcome.class !== 'done' && outcome.class !== 'accepted') {
      if (outcome.class === 'ambiguous') room.lost();
      told();
      for (const one of travellers) {
        this.#lost.set(one.passenger, `bulk ${batch[0]?.bulkId}`);
        one.answer(bare(outcome));
      }
      this.#stoppedBy = outcome;
      return isOfTheTarget(outcome) ? 'stop' : 'taken';
    }
    room.answered(batch.length, now() - sentAt);
    this.#share({ ...message, shown }, travellers, answer);
    return 'taken';
  }

  /** To each its own result, or the doubt whether there is one. */
  #share(message: Sent, travellers: readonly Parked[], answer: Answer): void {
    const results = bulkResults(answer.body, message.items);
    const made = new Set([...results].filter(([, { status }]) => isSuccess(status)).map(([{ bulkId }]) => bulkId));
    for (const one of travellers) {
      const { item, passenger } = one;
      const result = results.get(item);
      const own =
        result === undefined ? bare(unmatched(answer.outcome)) : answerOf(item.request, result, answer.outcome);
      passenger.journal.answer(message.shown(item), own.outcome);
      const referred = item.led !== undefined && message.referring.has(item);
      if (referred && own.outcome.class === 'done' && made.has(item.led.by)) {
        this.#led.set(passenger, passenger.operation.account.managerOwed);
      }
      // The reference may be what was refused: the manager stays a debt, and the worker is created without.
      if ((referred && isRefusal(own.outcome)) || own.outcome.status === WANTS_TAG)
        one.alone(item.request).then(one.answer, one.failed);
      else one.answer(own);
    }
  }
}

const bulkIdOf = ({ id }: Sendable): string => `op-${id}`;

const travels = ({ kind, method }: ScimRequest): boolean =>
  (kind === 'create' && method === 'POST') || (kind === 'write' && (method === 'PATCH' || method === 'PUT'));

/** RFC 6585 section 3: alone it is read first, and sent again with its tag. */
const WANTS_TAG = 428;

/** Statuses of the envelope that say nothing of what is in it: there is no /Bulk, or it is not for us. */
const NO_BULK: readonly number[] = [403, 404, 405, 501];

const isTooMuch = ({ status, code }: Outcome): boolean =>
  status === 413 || (status === 400 && code.toLowerCase() === 'toomany');

const isSuccess = (status: number): boolean => status >= 200 && status < 300 && status !== 202;

function eachAlone(travellers: readonly Parked[]): BatchVerdict {
  for (const { item, alone, answer, failed } of travellers) alone(item.request).then(answer, failed);
  return 'taken';
}

const bare = (outcome: Outcome): Answer => ({ outcome, body: null, etag: null, location: null });

/** The request was answered and this operation was not: it may have taken effect. */
const unmatched = (outcome: Outcome): Outcome =>
  concluded(outcome, { class: 'ambiguous', code: 'no-result', countsAsAttempt: false });

function answerOf(request: ScimRequest, result: BulkResult, envelope: Outcome): Answer {
  const { status, scimType, detail, body, etag, location } = result;
  const { retryAfterMs } = envelope;
  return {
    outcome: outcomeOf(
      request.kind,
      { status, scimType },
      { detail, retryAfterMs: isSuccess(status) ? null : retryAfterMs },
    ),
    body,
    etag,
    location,
  };
}

/** Each operation's own request as it stands in the message; the audit says how it went. */
function shownItems({ items, referring }: BulkMessage): (item: BulkItem) => ShownRequest {
  const shown = new Map(
    items.map((item) => {
      const written = item.led !== undefined && referring.has(item) ? item.led.request : item.request;
      return [item, { ...shownRequest(written), via: BULK_PATH }];
    }),
  );
  return (item) => {
    const request = shown.get(item);
    assert(request !== undefined, 'whoever travels stands in the message');
    return request;
  };
}

/** Every operation's own intent is durable before the request leaves, and each has its own answer afterwards. */
function sharedJournal(shown: (item: BulkItem) => ShownRequest, travellers: readonly Parked[]): Journal {
  const wanted = (): boolean => travellers.every(({ passenger }) => passenger.journal.wanted?.() ?? true);
  return {
    intent: async () => {
      await Promise.all(travellers.map(({ item, passenger }) => passenger.journal.intent(shown(item))));
    },
    // What one of them may no longer send none of them sends, and none of them has begun then.
    leaves: () => wanted() && travellers.map(({ passenger }) => passenger.journal.leaves?.() ?? true).every(Boolean),
    wanted,
    answer: () => {},
  };
}
