// From what a connection file says of a source to the source itself.
import type { Config } from './config.ts';
import type { SecretReference, TextSetting } from './mapping/secret-reference.ts';
import type { DropSettings, SftpSourceSettings, SourceSettings } from './mapping/source-settings.ts';
import type { Clock } from './runtime/clock.ts';
import { secretReader } from './runtime/secrets.ts';
import { fileSource } from './sources/file/file-source.ts';
import type { PgpKeys } from './sources/file/pgp.ts';
import { httpSource } from './sources/http/http-source.ts';
import type { SftpAccess } from './sources/sftp/line.ts';
import { sftpSource } from './sources/sftp/sftp-source.ts';
import type { Source } from './sources/source.ts';
import { VERSION } from './version.ts';

export interface SourceParts {
  /** Of the connection: its name and the zone of its dates. */
  readonly connection: { readonly name: string; readonly timeZone: string };
  readonly config: Config;
  readonly clock: Clock;
  /** In [0, 1); spreads waits. */
  readonly random: () => number;
  /** The last delivery that was accepted; deltas go on after it. */
  readonly accepted: { readonly name: string | null; readonly watermark: string | null };
}

/** A setting that may refer to the environment, read now. @throws Problem when the reference leads nowhere. */
export function settingText(setting: TextSetting, config: Config): string {
  return setting.kind === 'literal' ? setting.text : secretReader(setting, config.environment)();
}

/** @throws Problem when the settings contradict each other or lead nowhere. */
export function openSource(settings: SourceSettings, parts: SourceParts): Source {
  const { connection, config, clock, random, accepted } = parts;
  switch (settings.kind) {
    case 'file':
      return fileSource(
        {
          ...settings,
          path: settingText(settings.path, config),
          baseDir: config.mappingsDir,
          timeZone: connection.timeZone,
          pgp: pgpOf(settings, config),
          lastDelta: () => accepted.name,
        },
        { now: clock.nowMs, wait: clock.wait, stateDir: config.stateDir },
      );
    case 'sftp':
      return sftpSource(
        {
          ...settings,
          timeZone: connection.timeZone,
          pgp: pgpOf(settings, config),
          lastDelta: () => accepted.name,
          access: sftpAccess(settings, config),
        },
        { now: clock.nowMs, wait: clock.wait, stateDir: config.stateDir },
      );
    case 'http':
      return httpSource(
        {
          ...settings,
          name: connection.name,
          timeZone: connection.timeZone,
          stateDir: config.stateDir,
          watermark: () => accepted.watermark,
        },
        {
          secret: (reference: SecretReference) => secretReader(reference, config.environment),
          now: clock.nowMs,
          wait: clock.wait,
          random,
          userAgent: `rollcall/${VERSION}`,
        },
      );
  }
}

/** Keys are read when they are needed: what was replaced counts from the next delivery on. */
export function pgpOf({ pgp }: DropSettings, { environment }: Config): PgpKeys | null {
  if (pgp === undefined) return null;
  const read = (reference: SecretReference | undefined) =>
    reference === undefined ? null : secretReader(reference, environment);
  return {
    privateKey: secretReader(pgp.privateKey, environment),
    passphrase: read(pgp.passphrase),
    signedBy: read(pgp.signedBy),
  };
}

function sftpAccess({ host, port, auth, hostKeys, timeoutMs }: SftpSourceSettings, config: Config): SftpAccess {
  const secret = (reference: SecretReference) => secretReader(reference, config.environment);
  return {
    host: settingText(host, config),
    port,
    user: settingText(auth.user, config),
    auth:
      auth.kind === 'password'
        ? { kind: 'password', password: secret(auth.password) }
        : {
            kind: 'key',
            privateKey: secret(auth.privateKey),
            passphrase: auth.passphrase === undefined ? null : secret(auth.passphrase),
          },
    hostKeys,
    timeoutMs,
  };
}
