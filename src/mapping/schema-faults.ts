// The schema's complaints as faults that a person can act upon. Values are never repeated: they may be secrets.
import type { z } from 'zod';
import type { Fault } from '../base/problem.ts';
import { connectionSchema } from './connection-schema.ts';
import { keysOf, kindsOf, metaOf, schemaAt, typeWords } from './schema-shape.ts';
import { suggestion } from './suggestion.ts';
import { dotted, type YamlPath, type YamlTree } from './yaml-tree.ts';

type Issue = z.core.$ZodIssue;

export function schemaFaults(issues: readonly Issue[], tree: YamlTree): readonly Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, issue.path as YamlPath, tree));
}

function faultsOf(issue: Issue, path: YamlPath, tree: YamlTree): readonly Fault[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, tree));
  if (issue.code === 'invalid_key') return [unknownKey(String(path.at(-1)), path.slice(0, -1), tree)];
  if (!tree.has(path)) return [missing(path, tree)];
  const place = tree.place(path);
  const schema = schemaAt(connectionSchema, path);
  if (issue.code === 'invalid_union') {
    const nested = deepest(issue);
    if (nested !== null) return faultsOf(nested, [...path, ...(nested.path as YamlPath)], tree);
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    return [{ code: 'mapping.value', message: `the value is out of bounds: ${boundsOf(issue)}`, place }];
  }
  const wanted = schema === null ? 'something else' : typeWords(schema);
  const hint = schema === null ? '' : metaOf(schema).description;
  return [{ code: 'mapping.value', message: `the value must be: ${wanted}`, place, ...(hint === '' ? {} : { hint }) }];
}

/** In a union, the complaint that came furthest speaks: the others are about forms that were not meant. */
function deepest(issue: Extract<Issue, { code: 'invalid_union' }>): Issue | null {
  let best: Issue | null = null;
  for (const branch of issue.errors) {
    for (const nested of branch) {
      if (nested.code === 'unrecognized_keys' || nested.path.length > (best?.path.length ?? 0)) best = nested;
    }
  }
  return best;
}

function boundsOf(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const what = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
  return issue.code === 'too_small' ? `at least ${issue.minimum}${what}` : `at most ${issue.maximum}${what}`;
}

function unknownKey(key: string, path: YamlPath, tree: YamlTree): Fault {
  const schema = schemaAt(connectionSchema, path);
  const known = schema === null ? null : keysOf(schema);
  const where = path.length === 0 ? '' : ` in ${dotted(path)}`;
  const kinds = schema === null ? null : kindsOf(schema);
  const elsewhere = kinds?.filter(({ keys }) => keys[key] !== undefined).map(({ kind }) => kind) ?? [];
  return {
    code: 'mapping.unknown-key',
    message: `unknown key "${key}"${where}`,
    hint:
      elsewhere.length > 0
        ? `it belongs to kind ${elsewhere.join(' and ')}`
        : suggestion(key, Object.keys(known ?? {})),
    place: tree.keyPlace([...path, key]),
  };
}

function missing(path: YamlPath, tree: YamlTree): Fault {
  const schema = schemaAt(connectionSchema, path);
  const description = schema === null ? '' : metaOf(schema).description;
  const { key: _around, ...place } = tree.keyPlace(path.slice(0, -1));
  return {
    code: 'mapping.missing',
    message: `${dotted(path)} is missing`,
    ...(description === '' ? {} : { hint: description }),
    place: { ...place, key: dotted(path) },
  };
}
