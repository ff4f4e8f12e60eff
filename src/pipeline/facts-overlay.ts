// What further sources have just said, over what is on file: for plans that store nothing.
import type { GivenValues } from '../planning/changeset.ts';
import { Spool } from '../runtime/spool.ts';

export class FactsOverlay implements Disposable {
  readonly #spool: Spool;
  readonly #at = new Map<string, Map<string, number>>();

  constructor(stateDir: string) {
    this.#spool = new Spool(stateDir);
  }

  put(source: string, key: string, attributes: GivenValues): void {
    const keys = this.#at.get(source) ?? new Map<string, number>();
    this.#at.set(source, keys);
    keys.set(key, this.#spool.add(JSON.stringify(attributes)));
  }

  keys(source: string): Iterable<string> {
    return this.#at.get(source)?.keys() ?? [];
  }

  get(source: string, key: string): GivenValues | null {
    const at = this.#at.get(source)?.get(key);
    return at === undefined ? null : (JSON.parse(this.#spool.get(at)) as GivenValues);
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }
}
