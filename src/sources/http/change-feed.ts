// Changes between two whole lists. What was read is passed over when it is told again within the overlap, but only where the source
// says when it changed, and only once that moment lies well before the reading: a second change in the same second must not be missed.
import { type Instant, MINUTE_MS, msOf } from '../../base/instant.ts';
import type { ChangesSettings } from '../../mapping/source-settings.ts';
import type { Look } from '../source.ts';
import { textAt } from './body-path.ts';
import { type ChangesRead, readChanges } from './changes.ts';
import type { Reader } from './reader.ts';
import { elementsOf } from './records.ts';
import { lookAtSome } from './some-workers.ts';
import type { WholeList } from './whole-list.ts';

/** Clocks of one system differ by less. */
const SETTLED_MS = MINUTE_MS;
/** Most workers whose last change is remembered. */
const TOLD_MAX = 50_000;

export class ChangeFeed {
  readonly #reader: Reader;
  readonly #whole: WholeList;
  readonly #settings: ChangesSettings;
  /** By id: the moment of the change that an accepted delivery held, as the source writes it. */
  #told = new Map<string, string>();
  /** What the last look offered; it counts once its watermark was accepted. */
  #offered: ChangesRead | null = null;
  /** Further than what was accepted, where nothing had changed in between. */
  #quietUntil: string | null = null;

  constructor(reader: Reader, whole: WholeList, settings: ChangesSettings) {
    this.#reader = reader;
    this.#whole = whole;
    this.#settings = settings;
  }

  /** `nothing` where nobody changed; null where a whole list has to be read instead. @throws Problem, Later. */
  async look(now: Instant, signal: AbortSignal): Promise<Look | null> {
    const { options, partsAt } = this.#reader;
    const accepted = options.watermark();
    if (accepted === null) return null;
    if (this.#offered !== null && this.#offered.watermark <= accepted) this.#remember(this.#offered);
    this.#offered = null;
    const since = this.#quietUntil !== null && this.#quietUntil > accepted ? this.#quietUntil : accepted;
    const parts = partsAt(now);
    const settings = this.#settings;
    const read = await readChanges({ changes: settings, limits: options.limits }, since, msOf(now), parts, signal);
    if (read === null) return null;
    const fresh = [...read.elements].filter(([key, element]) => !this.#isTold(key, textOf(element, settings)));
    if (fresh.length === 0) {
      this.#quietUntil = read.watermark;
      return { kind: 'nothing', reason: 'nobody changed since the last look' };
    }
    const of = settings.records
      ? {
          elements: fresh.flatMap(([, element]) =>
            elementsOf(element, { unwrap: settings.unwrap, explode: options.explode, values: options.values }),
          ),
        }
      : { ids: fresh.map(([key]) => key) };
    const watermark = read.watermark > accepted ? read.watermark : accepted;
    const look = await lookAtSome(
      { what: 'changes', of, watermark },
      now,
      parts,
      { reader: this.#reader, whole: this.#whole },
      signal,
    );
    if (look.kind === 'delivery') this.#offered = read;
    else {
      // The source knows none of them: there is nothing to accept.
      this.#remember(read);
      this.#quietUntil = read.watermark;
    }
    return look;
  }

  #isTold(key: string, at: string | null): boolean {
    return at !== null && this.#told.get(key) === at;
  }

  #remember({ elements, watermark }: ChangesRead): void {
    const before = Date.parse(watermark) - SETTLED_MS;
    for (const [key, element] of elements) {
      const at = textOf(element, this.#settings);
      if (at === null || !(Date.parse(at) <= before)) continue;
      this.#told.delete(key);
      this.#told.set(key, at);
    }
    for (const key of this.#told.keys()) {
      if (this.#told.size <= TOLD_MAX) break;
      this.#told.delete(key);
    }
  }
}

const textOf = (element: unknown, { changedAt }: ChangesSettings): string | null =>
  changedAt === undefined ? null : textAt(element, changedAt);
