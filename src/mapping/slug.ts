import anyAscii from 'any-ascii';

const PLAIN = /^[\x20-\x7e]*$/;
/** Most names: nothing is to be replaced. */
const LETTERS = /^[A-Za-z0-9]*$/;

/** ASCII spelling of a text in any script; Han names are read as Chinese. */
export const transliterated = (text: string): string => (PLAIN.test(text) ? text : anyAscii(text.normalize('NFC')));

/**
 * Lower-case letters, digits, dots and hyphens only: blanks, `_` and `/` become a hyphen, everything else that has no
 * ASCII letter disappears. No dot or hyphen begins, ends or follows another; of several in a row a dot wins.
 */
export function slug(text: string): string {
  if (LETTERS.test(text)) return text.toLowerCase();
  return transliterated(text)
    .toLowerCase()
    .replace(/[\s_/]+/g, '-')
    .replace(/[^a-z0-9.-]/g, '')
    .replace(/[.-]{2,}/g, (joints) => (joints.includes('.') ? '.' : '-'))
    .replace(/^[.-]|[.-]$/g, '');
}
