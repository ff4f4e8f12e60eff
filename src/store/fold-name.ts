/** The form in which a userName is unique at a target: composed (NFC) and lower-cased. */
export const foldName = (name: string): string =>
  ASCII.test(name) ? name.toLowerCase() : name.normalize('NFC').toLowerCase().normalize('NFC');

/** Composed already: most names, and several of each worker are folded in a first load. */
const ASCII = /^[\0-\x7f]*$/;
