const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** Trimmed, in Unicode's composed form (NFC), with every run of blanks as one blank. */
export function tidied(text: string): string {
  return text === '' || PLAIN.test(text) ? text : text.normalize('NFC').trim().replace(/\s+/gu, ' ');
}
