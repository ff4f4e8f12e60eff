// What the stories do and look at again and again.
import { expect } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import type { ListedAccount } from '../../../src/mapping/bound-mapping.ts';
import type { AccountPayload, AccountState } from '../../../src/planning/changeset.ts';
import { noAccount } from '../../support/scim-desk.ts';
import type { Resource } from './quirk.ts';
import { changed, type Scene } from './scene.ts';
import { ENTERPRISE } from './vendors/person.ts';

export const enterpriseOf = (user: Resource | undefined) => (user?.[ENTERPRISE] ?? {}) as Resource;

export const withDepartment = (payload: AccountPayload, department: string): AccountPayload =>
  changed(payload, { [ENTERPRISE]: { ...(payload.attributes[ENTERPRISE] as object), department } });

export async function update(scene: Scene, payload: AccountPayload, account: AccountState): Promise<AccountState> {
  const delivered = await scene.send('update', payload, account);
  expect(delivered.outcome).toMatchObject({ class: 'done' });
  return scene.after(payload, delivered, account);
}

/** Everything that the payload says stands there; passwords are never shown. */
export function stands(scene: Scene, payload: AccountPayload): void {
  const { password: _, ...attributes } = payload.attributes;
  const { userName, externalId, active } = payload;
  expect(scene.user(payload)).toMatchObject({ userName, externalId, active, ...attributes });
}

/** A create that may be in doubt, tried as the pipeline would: one account at the end, and the right one. */
export async function settles(scene: Scene, payload: AccountPayload): Promise<void> {
  let delivered = await scene.send('create', payload);
  for (let tries = 0; tries < 3 && delivered.outcome.class !== 'done'; tries += 1) {
    expect(['ambiguous', 'retry']).toContain(delivered.outcome.class);
    delivered = await scene.send('create', payload, noAccount(payload), { ambiguous: true });
  }
  expect(delivered.outcome.class).toBe('done');
  expect([...scene.fake.idp.users.keys()]).toEqual([delivered.account?.remoteId]);
  stands(scene, payload);
}

export const writesOf = (scene: Scene) => scene.asked().filter(({ method }) => method !== 'GET');

export async function listing(scene: Scene): Promise<readonly ListedAccount[] | Problem> {
  const found: ListedAccount[] = [];
  try {
    for await (const page of scene.desk.target.list(new AbortController().signal)) found.push(...page);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  return found;
}

export const faultOf = (found: readonly ListedAccount[] | Problem): string =>
  found instanceof Problem ? (found.faults[0]?.code ?? '') : 'a list';
