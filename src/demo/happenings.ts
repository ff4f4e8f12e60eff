// What the audit says happened to whom, put together from its entries: a decision, the requests it led to, and how it ended.
// Pure: entries in, happenings out.
import { msOf } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Entry } from '../store/store.ts';

export interface Happening {
  readonly workerKey: string;
  readonly transitions: readonly string[];
  /** `feed`, `calendar`, `operator:NAME`. */
  readonly actor: string;
  readonly changes: readonly { readonly path: string; readonly before: JsonValue; readonly after: JsonValue }[];
  /** `METHOD Resource`, as sent. Membership requests that carry several workers count for the first of them. */
  readonly requests: readonly string[];
  readonly ended: 'settled' | 'failed' | 'nothing to send';
  readonly tookMs: number;
}

interface Open {
  readonly decision: Entry;
  readonly transitions: readonly string[];
  readonly changes: Happening['changes'];
  readonly requests: string[];
  /** The entry that ended it. Answers of the same commit may follow it. */
  end: { readonly entry: Entry; readonly ended: Happening['ended'] } | null;
}

export class Happenings {
  readonly #open = new Map<string, Open>();

  /** Entries in the order of the chain, each once; what one commit wrote comes in one go. */
  take(entries: readonly Entry[]): readonly Happening[] {
    const happenings: Happening[] = [];
    for (const entry of entries) {
      const key = entry.workerKey;
      if (key === null) continue;
      if (entry.kind === 'decision') {
        happenings.push(...this.#closed(key));
        this.#decided(entry, key);
      } else if (entry.kind === 'answer') {
        this.#open.get(key)?.requests.push(requestOf(entry.body));
        // The last answer also says what it came to, where it says all of it.
        this.#answered(entry, key);
      } else if (entry.kind === 'result') {
        this.#answered(entry, key);
      }
    }
    for (const key of [...this.#open.keys()]) happenings.push(...this.#closed(key));
    return happenings;
  }

  #decided(entry: Entry, key: string): void {
    const transitions = texts(entry.body.transitions);
    const before = this.#open.get(key);
    if (transitions.length === 0 && before === undefined) return;
    const nothing = texts(entry.body.operations).length === 0 && before === undefined;
    this.#open.set(key, {
      decision: before?.decision ?? entry,
      transitions: [...(before?.transitions ?? []), ...transitions],
      changes: [...(before?.changes ?? []), ...changesOf(entry.personal)],
      requests: before?.requests ?? [],
      end: nothing ? { entry, ended: 'nothing to send' } : null,
    });
  }

  #answered(entry: Entry, key: string): void {
    const open = this.#open.get(key);
    const { delivery } = entry.body;
    if (open !== undefined && (delivery === 'settled' || delivery === 'failed')) open.end = { entry, ended: delivery };
  }

  #closed(key: string): readonly Happening[] {
    const open = this.#open.get(key);
    if (open === undefined || open.end === null) return [];
    this.#open.delete(key);
    const { decision, transitions, changes, requests, end } = open;
    const tookMs = msOf(end.entry.at) - msOf(decision.at);
    return [{ workerKey: key, transitions, actor: decision.actor, changes, requests, ended: end.ended, tookMs }];
  }
}

const texts = (value: JsonValue | undefined): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

function changesOf(personal: JsonObject | null): Happening['changes'] {
  const list = personal?.changes;
  if (!Array.isArray(list)) return [];
  return (list as readonly JsonObject[]).map(({ path, before, after }) => ({
    path: String(path),
    before: before ?? null,
    after: after ?? null,
  }));
}

/** `PATCH Users` of `PATCH /Users/2819c223`. */
const requestOf = (body: JsonObject): string => `${body.method} ${String(body.path).split('/')[1] ?? ''}`;
