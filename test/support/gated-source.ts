// A source that stops in the middle of reading, as an API does that answers page by page and then hangs.
import type { LiveConnection } from '../../src/pipeline/house.ts';
import type { Delivery } from '../../src/sources/source.ts';

export interface Gate {
  /** Resolves when a reading stands at the gate, with its rows already taken. */
  readonly reached: Promise<void>;
  readonly open: () => void;
}

/** From the next look on every reading stops behind its first rows until the gate is opened. */
export function gated(live: LiveConnection): Gate {
  const { source } = live;
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const through = (delivery: Delivery): Delivery => ({
    ...delivery,
    async *read(alsoKnown, signal) {
      yield* delivery.read(alsoKnown, signal);
      reached.resolve();
      await opened.promise;
    },
    [Symbol.asyncDispose]: () => delivery[Symbol.asyncDispose](),
  });
  Object.assign(live, {
    source: {
      ...source,
      look: async (...args: Parameters<typeof source.look>) => {
        const look = await source.look(...args);
        return look.kind === 'delivery' ? { ...look, delivery: through(look.delivery) } : look;
      },
    },
  });
  return { reached: reached.promise, open: () => opened.resolve() };
}
