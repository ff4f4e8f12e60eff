import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mappingHelp } from '../../src/mapping/help.ts';
import { fixture } from '../support/mappings.ts';

const help = mappingHelp();
const entry = (key: string) => help.find((one) => one.key === key);

describe('help mapping', () => {
  it('knows every key of the documentation’s file', () => {
    const known = new Set(help.map((one) => one.key));
    const open = ['worker.attributes', 'tables', 'targets[].user'];
    const visit = (value: unknown, path: string): void => {
      if (Array.isArray(value)) for (const element of value) visit(element, `${path}[]`);
      else if (value !== null && typeof value === 'object') {
        for (const [name, inner] of Object.entries(value)) {
          const key = path === '' ? name : `${path}.${name}`;
          expect(known.has(key), key).toBe(true);
          if (!open.includes(key)) visit(inner, key);
        }
      }
    };
    visit(parse(fixture('acme.yaml')), '');
  });

  it('says type, default and whether it is an expression', () => {
    expect(entry('lifecycle.preboardDays')).toMatchObject({ type: 'number', default: '7', expression: false });
    expect(entry('lifecycle.onLeave')).toMatchObject({ type: 'keep | suspend', default: '"keep"' });
    expect(entry('lifecycle.retention.deleteAfterDays')).toMatchObject({ type: 'never | number', default: '"never"' });
    expect(entry('worker.id')).toMatchObject({ type: 'expression', default: 'required', expression: true });
    expect(entry('worker.endDate')).toMatchObject({ default: '', expression: true });
    expect(entry('targets[].groups[].when')).toMatchObject({ expression: true, default: '' });
    expect(entry('targets[].user.*.apply')).toMatchObject({ type: 'always | onCreate', default: '"always"' });
    expect(entry('source.encoding')).toMatchObject({ type: 'text | null', default: 'null' });
    expect(entry('protected')).toMatchObject({ type: 'list of expression', expression: true });
  });

  it('has a sentence for every key, once', () => {
    expect(new Set(help.map((one) => one.key)).size).toBe(help.length);
    for (const one of help) expect(one.description, one.key).toMatch(/^.{5,}$/);
  });
});
