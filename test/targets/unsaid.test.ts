// Targets that repeat what they were sent: credentials and passwords never come back as words of theirs.
import { describe, expect, test } from 'vitest';
import { RANDOM_PASSWORD } from '../../src/base/password-marker.ts';
import { outcomeOf } from '../../src/targets/scim/outcome-table.ts';
import { secretsIn, unsaid } from '../../src/targets/scim/unsaid.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { ALICE, openDesk, operation } from '../support/scim-desk.ts';

const NOTHING = { detail: '', retryAfterMs: null };

test('an error that repeats the header and the body keeps its words and loses what they prove', async () => {
  const token = 'the-"token"-of-a-chatty-target';
  const sent: string[] = [];
  await using idp = await startFakeIdp({
    liar: async ({ body, headers }) => {
      const password = /"password":"([^"]+)"/.exec(body)?.[1] ?? '';
      sent.push(password);
      const said = {
        detail: `no account for ${headers.authorization} with ${password}, title too long`,
        scimType: token,
      };
      return { kind: 'answer', status: 400, body: JSON.stringify(said) };
    },
  });
  await using desk = openDesk(idp.url, { token: () => token });
  const { outcome } = await desk.deliver(
    operation('create', { ...ALICE, attributes: { ...ALICE.attributes, password: RANDOM_PASSWORD } }),
  );
  expect(sent[0]?.length).toBeGreaterThan(20);
  expect(outcome).toMatchObject({ class: 'permanent', status: 400, code: 'http-400' });
  expect(outcome.detail).toBe('***: no account for *** with ***, title too long');
});

describe('what credentials prove', () => {
  test('is the token of Bearer, and the password and the pair of Basic', () => {
    expect(secretsIn({ authorization: 'Bearer abcdefgh' })).toContain('abcdefgh');
    const basic = `Basic ${Buffer.from('rollcall:pass:word').toString('base64')}`;
    expect(secretsIn({ authorization: basic })).toEqual(expect.arrayContaining(['pass:word', 'rollcall:pass:word']));
  });

  test('is taken out however often it stands there, and a short one is left alone: it would take ordinary words with it', () => {
    expect(unsaid('abcdefgh, abcdefgh', ['abcdefgh'])).toBe('***, ***');
    expect(unsaid('a "quoted\\"secret" b', ['quoted"secret'])).toBe('a "***" b');
    expect(unsaid('an active user', ['an'])).toBe('an active user');
  });
});

test('a scimType that no standard knows is no code: logs and causes carry codes', () => {
  expect(outcomeOf('create', { status: 400, scimType: 'Ada Lovelace' }, { ...NOTHING, detail: 'no' })).toMatchObject({
    code: 'http-400',
    detail: 'Ada Lovelace: no',
  });
  expect(outcomeOf('create', { status: 400, scimType: 'InvalidValue' }, NOTHING)).toMatchObject({
    code: 'InvalidValue',
    detail: '',
  });
});
