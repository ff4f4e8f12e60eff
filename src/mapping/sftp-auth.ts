// How we show who we are to an SFTP server.
import { z } from 'zod';
import { text } from './schema-words.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';

const KINDS = ['password', 'key'] as const;
const kind = <K extends (typeof KINDS)[number]>(name: K) =>
  z.literal(name).meta({ description: 'How we show who we are.', words: KINDS.join(' | ') });
const user = text('The name of the user; ${env:NAME} is allowed.');

export const sftpAuthSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: kind('password'),
    user,
    password: text('The password, by reference: ${env:NAME} or ${file:PATH}.'),
    expires: text('The day on which the password ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
  }),
  z.strictObject({
    kind: kind('key'),
    user,
    privateKey: text('The private key as ssh-keygen writes it, by reference: ${file:PATH} or ${env:NAME}.'),
    passphrase: text('What the key is protected with, by reference.').optional(),
  }),
]);

export type SftpAuthSettings = { readonly user: TextSetting } & (
  | { readonly kind: 'password'; readonly password: SecretReference }
  | { readonly kind: 'key'; readonly privateKey: SecretReference; readonly passphrase?: SecretReference }
);

/** The rules have refused every file in which a reference is none. */
const reference = (written: string): SecretReference => secretReference(written) ?? { kind: 'env', name: '' };

export function sftpAuthSettings(auth: z.output<typeof sftpAuthSchema>): SftpAuthSettings {
  const name = textSetting(auth.user.trim()) ?? { kind: 'literal' as const, text: auth.user };
  if (auth.kind === 'password') return { kind: 'password', user: name, password: reference(auth.password) };
  const { privateKey, passphrase } = auth;
  return {
    kind: 'key',
    user: name,
    privateKey: reference(privateKey),
    ...(passphrase === undefined ? {} : { passphrase: reference(passphrase) }),
  };
}
