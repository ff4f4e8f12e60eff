// A refresh token that the vendor may exchange at each use (RFC 6749 section 6): the newest one is kept in the state folder, sealed
// under the first one, which only the connection's reference knows, and written before the access token that came with it is used.
// Another first token in the reference makes what was kept unreadable, and so takes its place.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Grant } from '../../runtime/access/token-endpoint.ts';
import type { SecretReader } from '../../runtime/secrets.ts';

export interface RefreshTokenSettings {
  readonly stateDir: string;
  /** Of the connection. */
  readonly name: string;
  /** The token that the connection file refers to. */
  readonly first: SecretReader;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function keptRefreshToken(settings: RefreshTokenSettings): Grant {
  const file = join(settings.stateDir, 'tokens', `${settings.name}.sealed`);
  return {
    fields: () => {
      const first = settings.first(true);
      return { grant_type: 'refresh_token', refresh_token: kept(file, first) ?? first };
    },
    renewed: (token) => keep(file, settings.first(), token),
  };
}

const keyOf = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'rollcall', 'refresh token', KEY_BYTES));

/** Null where nothing is kept that this first token opens. */
function kept(file: string, first: string): string | null {
  try {
    const sealed = readFileSync(file);
    const iv = sealed.subarray(0, IV_BYTES);
    const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const opened = createDecipheriv(ALGORITHM, keyOf(first), iv, { authTagLength: TAG_BYTES });
    opened.setAuthTag(tag);
    return Buffer.concat([opened.update(sealed.subarray(IV_BYTES + TAG_BYTES)), opened.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/** Whole or not at all, and on the disk when this returns. */
function keep(file: string, first: string, token: string): void {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, keyOf(first), iv, { authTagLength: TAG_BYTES });
  const body = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
  const folder = join(file, '..');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const next = `${file}.next`;
  const fd = openSync(next, 'w', 0o600);
  try {
    writeSync(fd, Buffer.concat([iv, cipher.getAuthTag(), body]));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(next, file);
  const folderFd = openSync(folder, 'r');
  try {
    fsyncSync(folderFd);
  } finally {
    closeSync(folderFd);
  }
}
