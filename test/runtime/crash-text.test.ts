import { expect, test } from 'vitest';
import { crashText } from '../../src/runtime/crash-text.ts';

const thrown = (job: () => unknown): unknown => {
  try {
    return job();
  } catch (error) {
    return error;
  }
};

test('a crash is told with its frames and without the value that JavaScript quotes', () => {
  const text = crashText(thrown(() => JSON.parse('Lovelace, Ada')));
  expect(text).toMatch(/^SyntaxError: Unexpected token .* is not valid JSON\n {4}at /);
  expect(text).not.toContain('Lovelace');
  expect(crashText(new Error('bug: unexpected {"name":"Ada","title":"C\\"ountess"}'))).not.toMatch(/Ada|ountess/);
  expect(crashText(new Error('bug: the store is open'))).toContain('Error: bug: the store is open\n    at ');
});

test('causes, suppressed and gathered errors are told the same way, and what is no error says nothing of itself', () => {
  const cause = new Error('it said "Lovelace"');
  for (const error of [
    new Error('outer', { cause }),
    new AggregateError([cause], 'outer'),
    new SuppressedError(new Error('closing'), cause, 'outer'),
  ]) {
    expect(crashText(error)).toContain('with Error: it said "…"');
    expect(crashText(error)).not.toContain('Lovelace');
  }
  expect(crashText('Lovelace')).not.toContain('Lovelace');
});
