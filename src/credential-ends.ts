// When the credentials of a connection end: certificates and PGP keys say so themselves, of other secrets the file may say it.
import { X509Certificate } from 'node:crypto';
import { Problem } from './base/problem.ts';
import type { Config } from './config.ts';
import type { Connection } from './mapping/connection-file.ts';
import type { SecretReference } from './mapping/secret-reference.ts';
import type { SourceSettings } from './mapping/source-settings.ts';
import { pgpOf } from './open-source.ts';
import { endOfDayMs } from './pipeline/feed-watch.ts';
import type { CredentialEnd } from './pipeline/house.ts';
import { secretReader } from './runtime/secrets.ts';
import { pgpKeyEnds } from './sources/file/pgp.ts';

/** Reads what can be read; what cannot is told by whoever needs it. */
export async function credentialEnds(connection: Connection, config: Config): Promise<readonly CredentialEnd[]> {
  const ends: CredentialEnd[] = connection.expiries.map(({ where, day }) => ({
    subject: where,
    what: 'the secret',
    endsMs: endOfDayMs(day),
  }));
  for (const { subject, reference } of certificatesOf(connection)) {
    const endsMs = certificateEnd(reference, config);
    if (endsMs !== null) ends.push({ subject, what: 'the certificate', endsMs });
  }
  const sources = [
    { where: 'source', settings: connection.source },
    ...connection.also.map(({ source }, index) => ({ where: `also[${index}].source`, settings: source })),
  ];
  for (const { where, settings } of sources) {
    const keys = 'pgp' in settings ? pgpOf(settings, config) : null;
    if (keys === null) continue;
    try {
      for (const { keyId, what, endsMs } of await pgpKeyEnds(keys))
        ends.push({ subject: `${where}.pgp`, what: `the ${what} PGP key ${keyId}`, endsMs });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return ends;
}

interface Certificate {
  readonly subject: string;
  readonly reference: SecretReference;
}

function certificatesOf({ targets, source, also }: Connection): readonly Certificate[] {
  const found: Certificate[] = [];
  const add = (subject: string, reference: SecretReference | undefined): void => {
    if (reference !== undefined) found.push({ subject, reference });
  };
  for (const [index, { auth }] of targets.entries()) {
    if (auth.kind === 'mtls') add(`targets[${index}].auth`, auth.certificate);
    if (auth.kind === 'oauth2' && auth.proof.method === 'private_key_jwt')
      add(`targets[${index}].auth`, auth.proof.certificate);
  }
  const ofSource = (where: string, settings: SourceSettings): void => {
    if (settings.kind !== 'http') return;
    if (settings.auth.kind === 'mtls') add(`${where}.auth`, settings.auth.certificate);
    if (settings.auth.kind === 'oauth2') add(`${where}.auth.tls`, settings.auth.tls?.certificate);
  };
  ofSource('source', source);
  for (const [index, one] of also.entries()) ofSource(`also[${index}].source`, one.source);
  return found;
}

/** Of the first certificate, which is ours; null where none can be read. */
function certificateEnd(reference: SecretReference, { environment }: Config): number | null {
  try {
    return Date.parse(new X509Certificate(secretReader(reference, environment)()).validTo);
  } catch {
    return null;
  }
}
