// Secrets never stand in a connection file: it names where they are, and only the running daemon looks there.

export type SecretReference =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** A setting that is not secret and may be written out or referred to. */
export type TextSetting = { readonly kind: 'literal'; readonly text: string } | SecretReference;

const REFERENCE = /^\$\{(env|file):([^}]*)\}$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Longest path of a secret file. */
const PATH_MAX = 1_024;

/** `${env:NAME}` or `${file:PATH}` as a whole; null for anything else. */
export function secretReference(text: string): SecretReference | null {
  const match = REFERENCE.exec(text.trim());
  const value = (match?.[2] ?? '').trim();
  if (match === null || value === '') return null;
  if (match[1] === 'env') return ENV_NAME.test(value) ? { kind: 'env', name: value } : null;
  return value.length <= PATH_MAX && !value.includes('\0') ? { kind: 'file', path: value } : null;
}

/** A reference, or the text itself; null when a reference is begun but not well formed, or only part of the text. */
export function textSetting(text: string): TextSetting | null {
  const reference = secretReference(text);
  if (reference !== null) return reference;
  return text.includes('${') ? null : { kind: 'literal', text };
}
