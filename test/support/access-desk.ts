// Access as production opens it, on files in a folder of the test, and a target that uses it.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SecretReference } from '../../src/mapping/secret-reference.ts';
import { type Access, type AccessSettings, openAccess } from '../../src/runtime/access/access.ts';
import { secretReader } from '../../src/runtime/secrets.ts';
import type { FakeIdpOptions } from './fake-idp.ts';

export interface SecretFolder {
  /** Writes the file as tools that rotate secrets do: beside it, then in its place. */
  readonly put: (name: string, text: string) => SecretReference;
  /** Writes into the file that is there. */
  readonly overwrite: (name: string, text: string) => void;
  readonly path: (name: string) => string;
}

export function secretFolder(): SecretFolder {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-secrets-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = (name: string): string => join(dir, name);
  return {
    path,
    put: (name, text) => {
      writeFileSync(path(`${name}.new`), text);
      renameSync(path(`${name}.new`), path(name));
      return { kind: 'file', path: path(name) };
    },
    overwrite: (name, text) => writeFileSync(path(name), text),
  };
}

export const literal = (text: string) => ({ kind: 'literal', text }) as const;

/** Closed at the end of the test. */
export function accessTo(
  settings: Omit<AccessSettings, 'timeoutMs'> & { readonly timeoutMs?: number },
  now: () => number = Date.now,
): Access {
  const access = openAccess(
    { timeoutMs: 5_000, ...settings },
    { secret: (reference) => secretReader(reference, {}), now, userAgent: 'Rollcall/test' },
  );
  onTestFinished(() => access.credentials.close());
  return access;
}

/** A provider that takes whom `takes` takes. */
export const guardedBy = (
  takes: (authorization: string | undefined) => boolean,
): Required<Pick<FakeIdpOptions, 'doorman'>> => ({
  doorman: (asked, ask) => (takes(asked.headers.authorization) ? ask(asked) : { status: 401 }),
});

export const ALWAYS = new AbortController().signal;
