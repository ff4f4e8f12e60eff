// What is kept with an upload that was only taken in: its session, its time, and enough of its values to know them again. Sixteen
// bits of a hash of a value tell a change from what stood there before, and tell nobody what the value is.
import { assert } from '../../base/assert.ts';
import { sha256 } from '../../runtime/hash.ts';
import { TICKET_MAX } from '../target.ts';

export interface Ticket {
  /** '' for a call of a single entity. */
  readonly session: string;
  /** When it left, in milliseconds since the epoch. */
  readonly atMs: number;
  /** By hash of the name: hash of the value. */
  readonly values: ReadonlyMap<string, string>;
}

/** Beyond so many values the session is believed for the rest. */
const VALUES_MAX = 40;

const nameHash = (name: string): string => sha256(`name ${name}`).slice(0, 6);
const valueHash = (name: string, value: string): string => sha256(`value ${name} ${value}`).slice(0, 4);

export function ticketText(session: string, atMs: number, profile: Readonly<Record<string, string>> = {}): string {
  const names = Object.keys(profile).slice(0, VALUES_MAX);
  const hashes = names.map(nameHash);
  const values = names
    // Two names of one hash could not be told apart.
    .filter((_, index) => hashes.indexOf(hashes[index] as string) === hashes.lastIndexOf(hashes[index] as string))
    .map((name) => `${nameHash(name)}${valueHash(name, profile[name] as string)}`)
    .join('');
  const text = `1 ${session} ${atMs} ${values}`;
  assert(text.length <= TICKET_MAX, 'a ticket has room for its values');
  return text;
}

/** Null for a text that is none of ours. */
export function ticketOf(text: string): Ticket | null {
  const match = /^1 (\S*) (\d+) ([0-9a-f]*)$/.exec(text);
  if (match === null) return null;
  const values = new Map<string, string>();
  for (const [, name, value] of (match[3] as string).matchAll(/([0-9a-f]{6})([0-9a-f]{4})/g))
    values.set(name as string, value as string);
  return { session: match[1] as string, atMs: Number(match[2]), values };
}

/** Whether what stands there is what was sent. What the reader does not show says nothing; a value that was cleared is not shown. */
export function agrees({ values }: Ticket, shown: Readonly<Record<string, string>>): boolean {
  return Object.entries(shown).every(([name, value]) => {
    const sent = values.get(nameHash(name));
    return sent === undefined || sent === valueHash(name, value);
  });
}
