// Secrets are references until the moment they are used. A file is read again when it changes, so that a rotated secret needs no restart.
import { readFileSync, statSync } from 'node:fs';
import { Problem } from '../base/problem.ts';
import type { SecretReference } from '../mapping/secret-reference.ts';

/** Longer than any bundle of certificates, shorter than a mistake: somebody pointed at a log file. */
const SECRET_BYTES_MAX = 1024 * 1024;

/**
 * The secret as it is now. `fresh` reads the file even where it looks unchanged: a clock of the file system may hide a change
 * that came right after the last reading. @throws Problem naming the reference, never its value.
 */
export type SecretReader = (fresh?: boolean) => string;

export function secretReader(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): SecretReader {
  if (reference.kind === 'env') {
    return () => {
      const value = environment[reference.name];
      if (value === undefined || value === '') {
        throw new Problem({
          code: 'secret.missing',
          message: `environment variable ${reference.name} is not set`,
          hint: 'set it for the process, or refer to a file with ${file:PATH}',
        });
      }
      return value;
    };
  }
  let known: { readonly stamp: string; readonly value: string } | null = null;
  return (fresh = false) => {
    try {
      const { mtimeMs, ctimeMs, ino, size } = statSync(reference.path);
      const stamp = `${mtimeMs}/${ctimeMs}/${ino}/${size}`;
      if (known?.stamp === stamp && !fresh) return known.value;
      if (size > SECRET_BYTES_MAX) throw new Error('too large');
      const value = readFileSync(reference.path, 'utf8').trim();
      if (value === '') throw new Error('empty');
      // The same text stays the same object: whoever compares does so at no cost.
      known = { stamp, value: known?.value === value ? known.value : value };
      return known.value;
    } catch {
      // A file that is being replaced is gone or empty for a moment: what it held goes on.
      if (known !== null) return known.value;
      throw new Problem({
        code: 'secret.missing',
        message: `secret file ${reference.path} cannot be read or is empty`,
        hint: 'check the path, its permissions and that it holds the secret alone',
      });
    }
  };
}
