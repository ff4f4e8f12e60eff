// Secrets are references until the moment they are used. A file is read again when it changes, so that a rotated secret needs no restart.
import { readFileSync, statSync } from 'node:fs';
import { Problem } from '../base/problem.ts';
import type { SecretReference } from '../mapping/secret-reference.ts';

/** Longer than any token, shorter than a mistake: somebody pointed at a log file. */
const SECRET_BYTES_MAX = 64 * 1024;

/** Reads the secret now. @throws Problem naming the reference, never its value. */
export function secretReader(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): () => string {
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
  return () => {
    try {
      const { mtimeMs, size } = statSync(reference.path);
      const stamp = `${mtimeMs}/${size}`;
      if (known?.stamp === stamp) return known.value;
      if (size > SECRET_BYTES_MAX) throw new Error('too large');
      known = { stamp, value: readFileSync(reference.path, 'utf8').trim() };
      if (known.value === '') throw new Error('empty');
      return known.value;
    } catch {
      if (known !== null && known.value !== '') return known.value;
      throw new Problem({
        code: 'secret.missing',
        message: `secret file ${reference.path} cannot be read or is empty`,
        hint: 'check the path, its permissions and that it holds the secret alone',
      });
    }
  };
}
