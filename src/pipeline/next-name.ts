// A generated userName that turned out to belong to somebody else at the target: the worker gets the next candidate, and the
// name that is taken is remembered by the commit that replaces the operation.
import { complete, prepare } from '../planning/plan-worker.ts';
import { nowOf } from '../runtime/clock.ts';
import { foldName } from '../store/store.ts';
import { acquaintanceOf } from './acquaintance.ts';
import { answersFor, type GivenNames, noClaims } from './answers.ts';
import type { House, LiveConnection } from './house.ts';
import type { Finished } from './outcomes.ts';

const ROUNDS_MAX = 5;

/** True when the operation was replaced by one with another name; false leaves it to fail visibly. */
export async function renamed(house: House, live: LiveConnection, finished: Finished): Promise<boolean> {
  const { operation } = finished;
  const bound = live.connection.bind(null);
  if ('faults' in bound) return false;
  const rules = { mapping: bound.mapping, policy: live.connection.policy, now: nowOf(house.clock), actor: 'target' };
  const unanswered = new Set<string>();
  const given: GivenNames = new Map([[operation.target, new Map([[foldName(operation.account.userName), '']])]]);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const found = await house.store.situations(operation.connection, [operation.workerKey]);
    const situation = found.get(operation.workerKey);
    if (situation === undefined) return false;
    // An account that exists keeps its name until a person decides: a new one would be a second one.
    const own = situation.accounts.find(({ target }) => target === operation.target) ?? operation.account;
    if (own.remoteId !== null) return false;
    // Planned as if this account had never been named; what else is open stays open.
    const unnamed = {
      ...situation,
      accounts: situation.accounts.filter(({ target }) => target !== operation.target),
      operations: situation.operations.filter(({ id }) => id !== operation.id),
    };
    const prepared = prepare(unnamed, [], rules);
    const [answers] = await answersFor(
      house.store,
      operation.connection,
      [prepared],
      given,
      noClaims(),
      acquaintanceOf(house, operation.connection, new AbortController().signal),
      unanswered,
    );
    // Whether the next name is free is not known: the operation fails visibly and can be replayed.
    if (unanswered.size > 0) return false;
    const { change } = complete(prepared, answers ?? new Map(), rules);
    const create = change?.operations.find(({ target, kind }) => target === operation.target && kind === 'create');
    if (change === null || create === undefined || create.refused !== undefined) return false;
    const operations = change.operations.filter(({ target }) => target === operation.target);
    const stored = await house.store.commit({
      connection: operation.connection,
      at: rules.now,
      workers: [
        {
          ...change,
          accounts: change.accounts.filter(({ target }) => target === operation.target),
          operations,
          supersedes: [],
        },
      ],
      results: [
        {
          id: operation.id,
          state: 'superseded',
          notBefore: rules.now,
          attempts: operation.attempts + 1,
          ambiguous: false,
          outcome: finished.delivered.outcome,
        },
      ],
      entries: finished.entries,
    });
    if (stored.kind === 'applied') {
      house.outboxFilled.ring();
      return true;
    }
  }
  return false;
}
