// Compiles expressions where they stand in the file and gathers every fault with its line and column.
import type { Fault } from '../base/problem.ts';
import type { ExpressionFault } from './examination.ts';
import { compiled, type Dialect, type Expression, type ValueType } from './expression.ts';
import type { YamlPath, YamlTree } from './yaml-tree.ts';

export class Binder {
  readonly faults: Fault[] = [];
  readonly tree: YamlTree;

  constructor(tree: YamlTree) {
    this.tree = tree;
  }

  /** The plain value at a path; undefined where there is none. */
  at(path: YamlPath): unknown {
    let value = this.tree.value;
    for (const part of path) {
      if (value === null || typeof value !== 'object') return undefined;
      value = (value as Record<string | number, unknown>)[part];
    }
    return value;
  }

  /** Names under a section, in the order of the file. */
  names(path: YamlPath): readonly string[] {
    const section = this.at(path);
    return section === null || typeof section !== 'object' || Array.isArray(section) ? [] : Object.keys(section);
  }

  /** Elements of a list. */
  count(path: YamlPath): number {
    const list = this.at(path);
    return Array.isArray(list) ? list.length : 0;
  }

  /** The text of an expression: plain YAML `true` and `5` are the literals they look like. Null where there is none. */
  textAt(path: YamlPath): string | null {
    const value = this.at(path);
    return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? String(value) : null;
  }

  /** Null where nothing stands, or where a fault was noted. What is missing or of a wrong kind is the schema's to say. */
  expression(path: YamlPath, dialect: Dialect, wanted: readonly ValueType[]): Expression | null {
    const text = this.textAt(path);
    if (text === null) return null;
    const result = compiled(text, dialect, wanted);
    if ('expression' in result) return result.expression;
    for (const fault of result.faults) this.within(path, fault);
    return null;
  }

  /** A fault inside the expression at a path. */
  within(path: YamlPath, { code, message, hint, offset }: ExpressionFault): void {
    this.faults.push({ code, message, place: this.tree.place(path, offset), ...(hint === undefined ? {} : { hint }) });
  }

  fault(path: YamlPath, code: string, message: string, hint?: string): void {
    this.faults.push({ code, message, place: this.tree.place(path), ...(hint === undefined ? {} : { hint }) });
  }

  faultAtKey(path: YamlPath, code: string, message: string, hint?: string): void {
    this.faults.push({ code, message, place: this.tree.keyPlace(path), ...(hint === undefined ? {} : { hint }) });
  }
}
