// What the schema cannot say of `also`: names, and keys of a source that mean nothing there.

import { FIRST_SOURCE } from './also-schema.ts';
import type { Binder } from './binder.ts';
import { checkSource } from './source-rules.ts';

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** @param checkName says what is wrong with the name of an attribute at this path. */
export function checkAlso(binder: Binder, checkName: (path: readonly (string | number)[], name: string) => void): void {
  const names = new Set<string>();
  for (let index = 0; index < binder.count(['also']); index++) {
    const path = ['also', index];
    checkSource(binder, [...path, 'source']);
    for (const key of ['asOf', 'effective']) {
      if (!binder.tree.has([...path, 'source', key])) continue;
      const hint = 'a record of it counts as of its delivery';
      binder.faultAtKey([...path, 'source', key], 'mapping.value', `${key} means nothing in a further source`, hint);
    }
    for (const name of binder.names([...path, 'attributes'])) checkName([...path, 'attributes', name], name);
    const name = binder.at([...path, 'name']);
    if (typeof name !== 'string') continue;
    if (!NAME.test(name) || name === FIRST_SOURCE) {
      const hint = `such as phones; "${FIRST_SOURCE}" is the first source`;
      binder.fault(
        [...path, 'name'],
        'mapping.name',
        'the name of a source has small letters, digits and hyphens only',
        hint,
      );
    } else if (names.has(name)) binder.fault([...path, 'name'], 'mapping.name', `two sources are called "${name}"`);
    names.add(name);
  }
}
