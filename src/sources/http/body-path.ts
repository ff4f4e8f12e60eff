// Values of an answer by dotted path, and whether they are what was expected.

/** A member by dotted path (`data.items`, `0.id`); undefined where there is none. Never looks into a prototype. */
export function valueAt(value: unknown, path: string): unknown {
  let current = value;
  for (const part of path === '' ? [] : path.split('.')) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string, unknown>)[part];
  }
  return current;
}

/** Text of a scalar; null for anything else, blank texts among them. */
export function textAt(value: unknown, path: string): string | null {
  const found = valueAt(value, path);
  if (typeof found === 'number' || typeof found === 'boolean') return String(found);
  return typeof found === 'string' && found !== '' ? found : null;
}

/** The first path at which something else stands than expected; null when all is as it should be. */
export function unmet(value: unknown, expected: Readonly<Record<string, string>>): string | null {
  return Object.entries(expected).find(([path, wanted]) => (textAt(value, path) ?? '') !== wanted)?.[0] ?? null;
}

/** A count: a whole number from 0, written as number or text; null for anything else. */
export function countIn(text: string | null): number | null {
  const count = text === null || !/^\d{1,12}$/.test(text) ? Number.NaN : Number(text);
  return Number.isInteger(count) ? count : null;
}

/** What an answer says beside its records. */
export interface Envelope {
  readonly body: unknown;
  readonly header: (name: string) => string | null;
}

/** A text that stands at a path of the body, or in a header where the place is `header:NAME`. */
export const saidAt = ({ body, header }: Envelope, place: string): string | null =>
  place.startsWith('header:') ? header(place.slice('header:'.length).trim().toLowerCase()) : textAt(body, place);

/** The same object without these members; paths lead through objects only. Changes the value in place. */
export function omit(value: unknown, paths: readonly string[]): void {
  for (const path of paths) {
    const at = path.lastIndexOf('.');
    const around = at < 0 ? value : valueAt(value, path.slice(0, at));
    if (around !== null && typeof around === 'object' && !Array.isArray(around))
      delete (around as Record<string, unknown>)[path.slice(at + 1)];
  }
}
