// What surrounds the array of records in a JSON document: names, literals, and which array is the one.

/** An object or array of the envelope that is open; `name` is the member being read. */
export interface EnvelopeFrame {
  readonly array: boolean;
  name: string | null;
}

/** Longer names are cut and then simply match no path. */
export const NAME_BYTES_MAX = 1_024;
/** No number of an envelope is longer; a longer literal is refused. */
export const LITERAL_BYTES_MAX = 1_024;

const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

export function isLiteral(bytes: readonly number[]): boolean {
  return bytes.length < LITERAL_BYTES_MAX && LITERAL.test(String.fromCharCode(...bytes));
}

/** The name between the quotes, or null when it is no JSON string. */
export function memberName(bytes: readonly number[]): string | null {
  if (bytes.length >= NAME_BYTES_MAX) return '';
  try {
    return JSON.parse(`"${Buffer.from(bytes).toString('utf8')}"`) as string;
  } catch {
    return null;
  }
}

/** True when an array that begins here is the array of records. */
export function targetOf(frames: readonly EnvelopeFrame[], path: readonly string[] | null): boolean {
  if (path === null) return frames.length === 0 || (frames.length === 1 && frames[0]?.array === false);
  return frames.length === path.length && frames.every((frame, depth) => !frame.array && frame.name === path[depth]);
}
