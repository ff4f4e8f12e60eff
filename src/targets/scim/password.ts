import { randomInt } from 'node:crypto';
import { RANDOM_PASSWORD } from '../../base/password-marker.ts';

const LETTERS = 'abcdefghijkmnopqrstuvwxyz';
const CAPITALS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const DIGITS = '23456789';
const SIGNS = '!#$%*+-.:=?@_';
/** Long enough for every policy we know of, short enough for the ones that cap at 32. */
const LENGTH = 28;

/** A password that nobody needs to know, with every class of character a policy may demand. */
export function newPassword(): string {
  const all = LETTERS + CAPITALS + DIGITS + SIGNS;
  const pick = (from: string) => from.charAt(randomInt(from.length));
  const characters = [pick(LETTERS), pick(CAPITALS), pick(DIGITS), pick(SIGNS)];
  while (characters.length < LENGTH) characters.push(pick(all));
  for (let index = characters.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1);
    [characters[index], characters[other]] = [characters[other] as string, characters[index] as string];
  }
  return characters.join('');
}

const MARKER_TEXT = JSON.stringify(RANDOM_PASSWORD);

/** JSON text with every marker replaced. A marker inside a longer text is none. */
export function withPasswords(json: string, make: () => string): string {
  return json.includes(MARKER_TEXT) ? json.replaceAll(MARKER_TEXT, () => JSON.stringify(make())) : json;
}
