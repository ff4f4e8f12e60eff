// A connection file as it is checked and read: where its source is a preset's name, with the preset's keys in place. What the preset
// brings stands nowhere in the file, so a fault in it points at the section.
import type { Fault } from '../../base/problem.ts';
import type { YamlPath, YamlTree } from '../yaml-tree.ts';
import { expanded } from './expand.ts';

export interface PresetTree {
  readonly tree: YamlTree;
  /** What the file says as `source.kind`. */
  readonly kind: string;
  readonly faults: readonly Fault[];
}

export function withPreset(written: YamlTree): PresetTree {
  const content = written.value as Readonly<Record<string, unknown>>;
  const { source, faults } = expanded(content.source);
  const kind = String((content.source as { kind?: unknown } | undefined)?.kind ?? '');
  if (source === content.source) return { tree: written, kind, faults: [] };
  const value = { ...content, source };
  return {
    tree: { ...written, value, has: (path) => written.has(path) || holds(value, path) },
    kind,
    faults: faults.map(({ key, message, hint }) => {
      const path = ['source', key];
      const there = written.has(path);
      const place = there ? written.place(path) : { ...written.keyPlace(['source']), key: `source.${key}` };
      return {
        code: there ? 'mapping.value' : 'mapping.missing',
        message,
        place,
        ...(hint === undefined ? {} : { hint }),
      };
    }),
  };
}

function holds(value: unknown, path: YamlPath): boolean {
  let current = value;
  for (const part of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, part)) return false;
    current = (current as Record<string | number, unknown>)[part];
  }
  return true;
}
