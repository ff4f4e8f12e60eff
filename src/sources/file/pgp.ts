// Decrypts a PGP message as a stream. What comes out counts only once the stream has ended well: then its integrity code, and
// where a signature is demanded the signature, are proven; whoever reads writes it aside until then.
import * as openpgp from 'openpgp';
import { dateOfMs } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';

export interface PgpKeys {
  /** Armored private key. */
  readonly privateKey: () => string;
  readonly passphrase: (() => string) | null;
  /** Armored public keys, one of which must have signed; null demands no signature. */
  readonly signedBy: (() => string) | null;
}

const ARMOR = '-----BEGIN PGP MESSAGE-----';
export const PGP_HEAD_BYTES = ARMOR.length;

/** Whether a file begins as a PGP message does: armored, or with a packet that opens an encrypted message (RFC 9580 section 4.2 and 5). */
export function looksEncrypted(head: Uint8Array): boolean {
  if (Buffer.from(head).toString('latin1').startsWith(ARMOR)) return true;
  const first = head[0] ?? 0;
  if ((first & 0x80) === 0) return false;
  const tag = (first & 0x40) === 0 ? (first >> 2) & 0x0f : first & 0x3f;
  return ENCRYPTED_TAGS.has(tag);
}

/** Encrypted session keys and encrypted data: PKESK, SKESK, SED, SEIPD, and the marker packet some programs begin with. */
const ENCRYPTED_TAGS: ReadonlySet<number> = new Set([1, 3, 9, 10, 18]);

export interface Decrypted {
  readonly plain: AsyncIterable<Uint8Array>;
  /** Once the stream has ended well: who signed, as a sentence, or null where no signature was demanded. */
  readonly signedBy: () => Promise<string | null>;
}

/** @throws Problem when keys cannot be read, the message is not for them, or a demanded signature is not there. */
export async function decrypted(
  encrypted: AsyncIterable<Uint8Array>,
  armored: boolean,
  keys: PgpKeys,
  nowMs: number,
): Promise<Decrypted> {
  const date = dateOfMs(nowMs);
  const decryptionKeys = await privateKeyOf(keys);
  const verificationKeys = keys.signedBy === null ? [] : await publicKeysOf(keys.signedBy());
  const config = {
    // Nothing is held back until the integrity code at the end: the reader does that, in a file instead of in memory.
    allowUnauthenticatedStream: true,
    // Messages without any integrity code are refused.
    allowUnauthenticatedMessages: false,
  };
  try {
    const message = armored
      ? await openpgp.readMessage({ armoredMessage: ReadableStream.from(textOf(encrypted)) as never, config })
      : await openpgp.readMessage({ binaryMessage: ReadableStream.from(encrypted) as never, config });
    const result = await openpgp.decrypt({
      message: message as openpgp.Message<openpgp.WebStream<Uint8Array>>,
      decryptionKeys,
      ...(keys.signedBy === null ? {} : { verificationKeys, expectSigned: true }),
      format: 'binary',
      date,
      config,
    });
    const { signatures } = result;
    return {
      plain: chunksOf(result.data as unknown as AsyncIterable<Uint8Array>),
      signedBy: async () => {
        if (keys.signedBy === null) return null;
        for (const { keyID, verified } of signatures) {
          if (await verified.catch(() => false)) return `signed with PGP key ${keyID.toHex()}`;
        }
        throw unsigned();
      },
    };
  } catch (cause) {
    throw refusal(cause);
  }
}

async function* chunksOf(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of data) yield chunk;
  } catch (cause) {
    throw refusal(cause);
  }
}

async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const chunk of bytes) yield Buffer.from(chunk).toString('latin1');
}

async function privateKeyOf({ privateKey, passphrase }: PgpKeys): Promise<openpgp.PrivateKey> {
  try {
    const key = await openpgp.readPrivateKey({ armoredKey: privateKey() });
    if (key.isDecrypted()) return key;
    if (passphrase === null) throw new Error('encrypted');
    return await openpgp.decryptKey({ privateKey: key, passphrase: passphrase() });
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem({
      code: 'source.pgp-key',
      message: 'The private PGP key cannot be used.',
      hint: 'it is an armored private key; if it is protected, pgp.passphrase refers to its passphrase',
    });
  }
}

async function publicKeysOf(armored: string): Promise<readonly openpgp.PublicKey[] & openpgp.PublicKey[]> {
  try {
    return await openpgp.readKeys({ armoredKeys: armored });
  } catch {
    throw new Problem({
      code: 'source.pgp-key',
      message: 'The public PGP keys of pgp.signedBy cannot be read.',
      hint: 'they are armored public keys, one after the other',
    });
  }
}

/** When each of these keys ends; keys without an end are left out. @throws Problem as reading does. */
export async function pgpKeyEnds(
  keys: PgpKeys,
): Promise<readonly { readonly keyId: string; readonly what: 'private' | 'signing'; readonly endsMs: number }[]> {
  const own = await openpgp.readPrivateKey({ armoredKey: keys.privateKey() }).catch((cause: unknown) => {
    if (cause instanceof Problem) throw cause;
    return null;
  });
  const signers = keys.signedBy === null ? [] : await publicKeysOf(keys.signedBy());
  const ends: { keyId: string; what: 'private' | 'signing'; endsMs: number }[] = [];
  for (const [key, what] of [
    ...(own === null ? [] : [[own, 'private'] as const]),
    ...signers.map((one) => [one, 'signing'] as const),
  ]) {
    const end = await key.getExpirationTime();
    if (end instanceof Date) ends.push({ keyId: key.getKeyID().toHex(), what, endsMs: end.getTime() });
  }
  return ends;
}

const unsigned = (): Problem =>
  new Problem({
    code: 'feed.pgp-signature',
    message: 'The file carries no valid signature of a key in pgp.signedBy.',
    hint: 'ask who writes the file to sign it; if they have a new key, add it to pgp.signedBy after comparing its fingerprint',
  });

/** The library says in words what went wrong; they name no content. */
function refusal(cause: unknown): unknown {
  if (cause instanceof Problem || !(cause instanceof Error)) return cause;
  if (cause.name === 'AbortError') return cause;
  const words = cause.message;
  if (/sign(?:ed|ing|ature)/i.test(words)) return unsigned();
  if (/session key|No decryption key|decryption keys/i.test(words)) {
    return new Problem({
      code: 'feed.pgp',
      message: 'The file was not encrypted for the key in pgp.privateKey.',
      hint: 'give our present public key to whoever writes the file',
    });
  }
  return new Problem({
    code: 'feed.pgp',
    message: 'The file cannot be decrypted: it is damaged, cut, or no PGP message.',
    hint: 'send the file again, whole',
  });
}
