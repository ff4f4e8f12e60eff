// Whether a server shows the pinned key: whoever shows another one is asked for nothing, and gets no password.
import { createHash } from 'node:crypto';
import type { HostKeyPin } from '../../mapping/host-key.ts';

/** SHA-256 of the key in the words of OpenSSH. */
export const fingerprintOf = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** @param key the public key as it came over the wire (RFC 4253 section 6.6). */
export function isPinned(key: Uint8Array, pins: readonly HostKeyPin[]): boolean {
  return pins.some((pin) =>
    'fingerprint' in pin
      ? fingerprintOf(key) === `SHA256:${pin.fingerprint}`
      : Buffer.from(pin.blob, 'base64').equals(Buffer.from(key)),
  );
}

/** The algorithms to ask the server for, so that it shows the very key that is pinned; null where pins do not tell. */
export function wantedAlgorithms(pins: readonly HostKeyPin[]): readonly string[] | null {
  const wanted = new Set<string>();
  for (const pin of pins) {
    if ('fingerprint' in pin) return null;
    if (pin.type === 'ssh-rsa') for (const name of ['rsa-sha2-512', 'rsa-sha2-256']) wanted.add(name);
    else wanted.add(pin.type);
  }
  return [...wanted];
}
