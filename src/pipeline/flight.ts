// Claimed operations on their way to the target under one journal, from the claim until they are answered or come back unsent.
import { assert } from '../base/assert.ts';
import type { Lane } from '../lifecycle/operation.ts';
import type { OutcomeClass } from '../lifecycle/outcome.ts';
import type { EntryDraft } from '../planning/changeset.ts';
import { sha256 } from '../runtime/hash.ts';
import type { ClaimedOperation } from '../store/store.ts';
import type { Journal, ShownRequest } from '../targets/target.ts';
import type { Intents } from './intents.ts';

export const URGENT: readonly Lane[] = ['emergency', 'leaver'];
export const isUrgent = ({ lane }: { readonly lane: Lane }): boolean => URGENT.includes(lane);

const MAY_HAVE_MADE: ReadonlySet<string> = new Set(['done', 'accepted', 'ambiguous'] satisfies OutcomeClass[]);

/** Something that happens once. Few of thousands of flights are waited for: a promise is made for those only. */
class Moment {
  #isReached = false;
  #waiting: PromiseWithResolvers<void> | null = null;

  get isReached(): boolean {
    return this.#isReached;
  }

  get reached(): Promise<void> {
    if (this.#isReached) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  reach(): void {
    this.#isReached = true;
    this.#waiting?.resolve();
  }
}

export class Flight {
  /** One operation, or membership changes of one kind and group. */
  readonly operations: readonly ClaimedOperation[];
  readonly first: ClaimedOperation;
  readonly urgent: boolean;
  /** Answers to the requests that were made, in order. */
  readonly answers: EntryDraft[] = [];
  readonly journal: Journal;
  readonly #intents: Intents;
  readonly #mayLeave: (flight: Flight) => boolean;
  readonly #left = new Moment();
  readonly #withdrawn = new Moment();
  #begun = false;

  /** `mayLeave` is asked until the first request has left: what has begun is finished, half of it would leave more doubt. */
  constructor(operations: readonly ClaimedOperation[], intents: Intents, mayLeave: (flight: Flight) => boolean) {
    const [first] = operations;
    assert(first !== undefined, 'a flight carries something');
    this.operations = operations;
    this.first = first;
    this.urgent = isUrgent(first);
    this.#intents = intents;
    this.#mayLeave = mayLeave;
    this.journal = {
      intent: (request) => this.#intent(request),
      leaves: () => this.#leaves(),
      wanted: () => this.wanted,
      answer: (request, { status, class: answer, code }) => {
        this.answers.push(this.#entry('answer', request, { class: answer, code }, { status }));
      },
    };
  }

  /** Resolves when the first request leaves, or when it is known that none will. */
  get left(): Promise<void> {
    return this.#left.reached;
  }

  /** Resolves when newer work has taken the place of this. */
  get withdrawn(): Promise<void> {
    return this.#withdrawn.reached;
  }

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** Whether a request was sent that was to make something, and no answer says that it did not. */
  get mayHaveMade(): boolean {
    return this.answers.some(({ body }) => body.method === 'POST' && MAY_HAVE_MADE.has(String(body.class)));
  }

  get isWithdrawn(): boolean {
    return this.#withdrawn.isReached;
  }

  /** False: nothing more of it leaves. */
  get wanted(): boolean {
    return !this.#withdrawn.isReached && (this.#begun || this.#mayLeave(this));
  }

  /** Somebody of it leaves the company: nothing more of this is sent, whatever has begun. The disable looks up what it meant. */
  withdraw(): void {
    this.#withdrawn.reach();
    this.#left.reach();
  }

  /** Nobody need wait any more for its first request. */
  ended(): void {
    this.#left.reach();
  }

  #leaves(): boolean {
    if (!this.wanted) return false;
    this.#begun = true;
    this.#left.reach();
    return true;
  }

  async #intent(request: ShownRequest): Promise<void> {
    const draft = this.#entry('intent', request, { bodyHash: request.body === '' ? null : sha256(request.body) });
    await this.#intents.take(this.first.connection, draft);
  }

  /** Members in the order in which the chain wants them: a body that is made so is written several times as fast. */
  #entry(
    kind: string,
    request: ShownRequest,
    first: EntryDraft['body'],
    afterPath: EntryDraft['body'] = {},
  ): EntryDraft {
    const { connection, workerKey, target, id } = this.first;
    const at = request.path.indexOf('?');
    const path = at < 0 ? request.path : request.path.slice(0, at);
    const via = request.via === undefined ? {} : { via: request.via };
    return {
      kind,
      connection,
      workerKey,
      actor: 'daemon',
      body: { ...first, method: request.method, operation: id, path, ...afterPath, target, ...via },
      ...(at < 0 ? {} : { personal: { query: request.path.slice(at + 1) } }),
    };
  }
}
