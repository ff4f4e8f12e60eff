// Disabling and deleting one account: what the target itself says afterwards is the only proof.
import type { Outcome } from '../../lifecycle/outcome.ts';
import { type Delivered, NOBODY, type Sendable } from '../target.ts';
import { correlate } from './correlate.ts';
import { DISABLE } from './differences.ts';
import type { Exchange } from './exchange.ts';
import { holderUnproven, isProtected, newsOf, severalMatch, type Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { readById } from './read-account.ts';
import { deleteUser } from './requests.ts';
import { activeOf } from './responses.ts';
import { writeUser } from './write-account.ts';

/** Sends in any case, and is done only when the target's own answer says inactive. */
export async function deliverDisable(operation: Sendable, ways: Ways): Promise<Delivered> {
  const known = operation.account.remoteId;
  if (known === null) return disableFound(operation, ways, null);
  const delivered = await disable(operation, ways, known);
  return delivered.outcome.class === 'gone' ? disableFound(operation, ways, known) : delivered;
}

/** The id is unknown or gone: whoever carries our externalId is the account to disable. */
async function disableFound(operation: Sendable, ways: Ways, gone: string | null): Promise<Delivered> {
  const existed = gone !== null || operation.ambiguous;
  const whose = await correlate(operation, ways.exchange, ways.profile, existed);
  switch (whose.kind) {
    case 'ours': {
      if (whose.id === gone) return { outcome: notApplied(NOTHING_SENT) };
      const delivered = await disable(operation, ways, whose.id);
      if (delivered.outcome.class === 'gone') return { outcome: notApplied(delivered.outcome) };
      return { ...delivered, account: { ...delivered.account, remoteId: whose.id } };
    }
    case 'protected':
      return { outcome: isProtected(NOTHING_SENT) };
    case 'several':
      return { outcome: severalMatch(NOTHING_SENT, whose.count) };
    case 'unknown':
      return { outcome: whose.outcome };
    case 'taken':
      // Made anew by somebody, or a stranger: a person must tell. It is never taken for nobody.
      return existed && !whose.proven ? { outcome: holderUnproven(NOTHING_SENT, GONE) } : { outcome: nobody() };
    default:
      return { outcome: nobody() };
  }
}

async function disable(operation: Sendable, ways: Ways, id: string): Promise<Delivered> {
  const answer = await writeUser(id, DISABLE, ways, NO_BASE, false);
  const { outcome } = answer;
  switch (outcome.class) {
    case 'retry':
    case 'refreshCredentials':
    case 'targetDown':
      return { outcome };
    case 'done':
      if (ways.profile.echoIsTruth && activeOf(answer.body) === false) {
        return { outcome, account: newsOf(operation, answer, id, false) };
      }
  }
  // Applied, accepted, refused, lost, or not there for the write: only what the target now says of the account counts.
  const after = await readById(ways, id);
  if (after.outcome.class === 'gone') return { outcome: after.outcome };
  if (after.outcome.class === 'done' && activeOf(after.body) === false) {
    return {
      outcome: concluded(outcome, {
        class: 'done',
        code: outcome.class === 'done' ? outcome.code : 'already-inactive',
      }),
      account: newsOf(operation, after, id, false),
    };
  }
  const lagged = outcome.class === 'gone';
  if (outcome.class !== 'done' && outcome.class !== 'accepted' && !lagged) return { outcome };
  if (after.outcome.class !== 'done') return { outcome: after.outcome };
  const active = activeOf(after.body);
  return { outcome: notApplied(after.outcome), ...(active === null ? {} : { account: { active } }) };
}

/** Nothing is known of the account as it stands, and no tag may stand in the way of a leave. */
const NO_BASE = { etag: null, resource: null } as const;

const GONE = 'the account is gone, and one of unknown origin has its userName; disable it there, or pair it';

const nobody = (): Outcome => concluded(NOTHING_SENT, { code: NOBODY });

const notApplied = (outcome: Outcome): Outcome =>
  concluded(outcome, {
    class: 'retry',
    code: 'not-applied',
    detail: 'the target took the disable and does not show the account as inactive',
    countsAsAttempt: false,
  });

/** `deleting`: how the request that deletes is sent; it may show other credentials than the look-ups around it. */
export async function deliverDelete(operation: Sendable, ways: Ways, deleting: Exchange): Promise<Delivered> {
  let id = operation.account.remoteId;
  if (id === null) {
    const whose = await correlate(operation, ways.exchange, ways.profile, operation.ambiguous);
    if (whose.kind === 'unknown') return { outcome: whose.outcome };
    if (whose.kind === 'protected') return { outcome: isProtected(NOTHING_SENT) };
    if (whose.kind === 'several') return { outcome: severalMatch(NOTHING_SENT, whose.count) };
    if (whose.kind !== 'ours') return { outcome: nobody() };
    id = whose.id;
  }
  const answer = await deleting(deleteUser(id));
  const { status } = answer.outcome;
  const unclear = status !== null && ways.profile.unknownId.includes(status);
  if (answer.outcome.class !== 'accepted' && !unclear) return { outcome: answer.outcome };
  const after = await readById(ways, id);
  if (after.outcome.class === 'gone') return { outcome: concluded(answer.outcome, { class: 'done' }) };
  return { outcome: unclear ? answer.outcome : concluded(answer.outcome, { class: 'retry' }) };
}
