/** The form in which a userName is unique at a target: composed (NFC) and lower-cased. */
export const foldName = (name: string): string => name.normalize('NFC').toLowerCase().normalize('NFC');
