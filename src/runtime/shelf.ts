// Memory that is lent and given back. Every large buffer that is thrown away instead makes V8 look through the whole heap, which
// cost a first load more than filling them did; and shared memory reaches another thread without being copied.

/** Most that lie here unused; more than this many are never lent at once by one plan. */
const IDLE_MAX = 4;
/** Sizes are rounded up to this, so that nearly every one fits the next. */
const STEP_BYTES = 1024 * 1024;

export class Shelf {
  readonly #idle: SharedArrayBuffer[] = [];

  /** So many bytes of shared memory, with whatever the one before left in it. */
  take(size: number): Uint8Array {
    const index = this.#idle.findIndex(({ byteLength }) => byteLength >= size);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    return new Uint8Array(found ?? new SharedArrayBuffer(Math.ceil(size / STEP_BYTES) * STEP_BYTES), 0, size);
  }

  /** Nobody reads these bytes any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer)) return;
    this.#idle.push(buffer);
    if (this.#idle.length > IDLE_MAX) this.#idle.sort((a, b) => b.byteLength - a.byteLength).pop();
  }
}
