// The pinned key of an SFTP server, as a connection file writes it.

/** One pin; several stand beside each other while a server changes its key. */
export type HostKeyPin =
  /** Base64 of the SHA-256, without padding. */
  | { readonly fingerprint: string }
  /** Type and blob (base64) of a public key. */
  | { readonly type: string; readonly blob: string };

const FINGERPRINT = /^SHA256:([A-Za-z0-9+/]{43})=?$/;
const KEY_LINE = /(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+)\s+(AAAA[A-Za-z0-9+/]+={0,2})(?:\s|$)/;

/** `SHA256:…` or a line that holds a public key (of a .pub or known_hosts file, or of ssh-keyscan); null for anything else. */
export function hostKeyPin(text: string): HostKeyPin | null {
  const fingerprint = FINGERPRINT.exec(text.trim())?.[1];
  if (fingerprint !== undefined) return { fingerprint };
  const [, type, blob] = KEY_LINE.exec(text) ?? [];
  return type === undefined || blob === undefined ? null : { type, blob };
}
