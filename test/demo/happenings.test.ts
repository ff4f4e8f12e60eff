import { expect, test } from 'vitest';
import { instantOf, plusMs } from '../../src/base/instant.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { Happenings } from '../../src/demo/happenings.ts';
import type { Entry } from '../../src/store/store.ts';

const START = instantOf('2026-11-22T09:00:00Z');

let seq = 0;
const entry = (kind: string, body: JsonObject, more: Partial<Entry> = {}): Entry => {
  seq += 1;
  return {
    seq,
    at: plusMs(START, seq * 100),
    kind,
    connection: 'demo',
    workerKey: '00113',
    actor: 'feed',
    body,
    personal: null,
    hash: '',
    previousHash: '',
    ...more,
  };
};
const decision = (transitions: readonly string[], operations: readonly string[], personal: JsonObject | null = null) =>
  entry('decision', { transitions, operations }, { personal });
const answer = (method: string, path: string) => entry('answer', { method, path });
const result = (delivery: string) => entry('result', { delivery });

test('a mover is told once, when the last answer is stored, with its difference and its requests', () => {
  const happenings = new Happenings();
  const changes = [{ target: 'idp', path: 'title', before: 'Engineer', after: 'Lead' }];
  expect(happenings.take([decision(['mover'], ['idp:update', 'idp:addMember'], { changes })])).toEqual([]);
  expect(happenings.take([result('delivering'), answer('PATCH', '/Users/1')])).toEqual([]);
  // The store writes the result of a worker before the answers of the same commit.
  expect(happenings.take([result('settled'), answer('PATCH', '/Groups/7')])).toMatchObject([
    {
      workerKey: '00113',
      transitions: ['mover'],
      changes: [{ path: 'title', before: 'Engineer', after: 'Lead' }],
      requests: ['PATCH Users', 'PATCH Groups'],
      ended: 'settled',
      tookMs: 300,
    },
  ]);
  expect(happenings.take([result('settled')])).toEqual([]);
});

test('an answer that says what it came to ends the happening by itself', () => {
  const last = entry('answer', { method: 'POST', path: '/Users', what: 'create', state: 'done', delivery: 'settled' });
  expect(new Happenings().take([decision(['joiner'], ['idp:create']), last])).toMatchObject([
    { requests: ['POST Users'], ended: 'settled' },
  ]);
});

test('a transition that needs no request is told at once', () => {
  expect(new Happenings().take([decision(['leave'], [])])).toMatchObject([
    { transitions: ['leave'], requests: [], ended: 'nothing to send' },
  ]);
});

test('a second decision before the first is answered belongs to the same happening', () => {
  const told = new Happenings().take([
    decision(['mover'], ['idp:update']),
    decision(['leaver'], ['idp:disable']),
    result('settled'),
    answer('PATCH', '/Users/1'),
  ]);
  expect(told).toMatchObject([{ transitions: ['mover', 'leaver'], requests: ['PATCH Users'], ended: 'settled' }]);
});

test('a refused operation ends as failed, and what nobody decided in our sight is left out', () => {
  const happenings = new Happenings();
  expect(happenings.take([answer('GET', '/Users/1'), result('settled'), decision([], ['idp:update'])])).toEqual([]);
  expect(happenings.take([decision(['joiner'], ['idp:create']), result('failed')])).toMatchObject([
    { ended: 'failed' },
  ]);
});
