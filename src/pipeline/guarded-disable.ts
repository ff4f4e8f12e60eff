// A disable of an account that a rule protects: it gets no write from us, so whether somebody has ended the access by hand is all that
// can be found out. Reads only, whatever kind of target it is.

import { Problem } from '../base/problem.ts';
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { ClaimedOperation } from '../store/store.ts';
import { type Delivered, NOBODY, type Target } from '../targets/target.ts';
import { checkAccount } from './account-check.ts';
import type { House, LiveConnection } from './house.ts';

/** Whether nothing but a look may be had. `live` is absent for work of a connection whose file is gone. */
export function isGuarded(live: LiveConnection | undefined, { kind, target, account }: ClaimedOperation): boolean {
  if (kind !== 'disable' || live === undefined) return false;
  const bound = live.connection.bind(null);
  // What cannot be decided keeps nobody's access: the rule was read when the disable was planned.
  if ('faults' in bound) return false;
  const rules = bound.mapping.targets.find(({ name }) => name === target);
  return rules?.isProtected(asListed(account)) === true;
}

const asListed = ({ remoteId, externalId, userName, active, known }: ClaimedOperation['account']): ListedAccount => ({
  remoteId: remoteId ?? '',
  externalId,
  userName,
  active: active === true,
  resource: known,
});

export async function lookInstead(
  house: House,
  live: LiveConnection,
  target: Target,
  { workerKey, account }: ClaimedOperation,
  signal: AbortSignal,
): Promise<Delivered> {
  const ended = (code: string): Delivered => ({
    outcome: { ...UNASKED, class: 'done', code },
    account: { active: false },
  });
  try {
    const { kind } = await checkAccount(house, live, target, workerKey, account, signal);
    if (kind === 'inactive') return ended('already-inactive');
    if (kind === 'gone') return ended(NOBODY);
    return { outcome: { ...UNASKED, class: 'permanent', code: 'protected-account', detail: BY_HAND } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { outcome: { ...UNASKED, class: 'retry', code: error.faults[0]?.code ?? 'target.look' } };
  }
}

const BY_HAND = 'the account is protected: what it needs is to be done by hand';

const UNASKED = { status: null, detail: '', retryAfterMs: null, countsAsAttempt: false } as const;
