// How a worker's status is read: a table of the words that were met, or flags, or nothing but dates.
import { seen } from './choice.ts';
import type { Role } from './column-words.ts';
import type { Entry, Setting } from './file-text.ts';
import { yamlText } from './file-text.ts';
import { celText, type SampleColumn } from './sample-columns.ts';
import { type Meaning, meaningOf, truthOf } from './status-words.ts';

export interface StatusPart {
  readonly setting: Setting;
  /** Lines of `tables.status`; empty without one. */
  readonly table: readonly Entry[];
}

/** `role` says how the column was found: `activeFlag` and `leftFlag` hold yes and no. */
export function statusPart(
  found: { readonly column: SampleColumn; readonly role: Role; readonly bySight: boolean } | null,
  leaveFlag: SampleColumn | null,
): StatusPart {
  if (found === null) {
    const unsure = ['no column says who is employed: everybody in the feed counts as active until the last day'];
    return { setting: { key: 'status', value: `'"active"'`, unsure }, table: [] };
  }
  const { column, role } = found;
  const words = [...column.distinct].map((word) => word.trim());
  const flag =
    role === 'activeFlag' ||
    role === 'leftFlag' ||
    words.every((word) => truthOf(word) !== null && meaningOf(word) === null);
  const meaning = (word: string): Meaning | null => (flag ? flagMeaning(word, role === 'leftFlag') : meaningOf(word));
  const unsure: string[] = [];
  if (found.bySight) unsure.push(seen(column));
  if (flag && role === 'status') unsure.push('yes is taken for active and no for left');
  const blanks = column.values.length - column.filled;
  if (blanks > 0) unsure.push(`${blanks} of ${column.values.length} rows have no status: they are rejected`);
  return {
    setting: { key: 'status', value: yamlText(expressionOf(column, leaveFlag)), unsure },
    table: [...new Set(words)].flatMap((word) => tableLines(word, meaning(word))),
  };
}

function expressionOf(column: SampleColumn, leaveFlag: SampleColumn | null): string {
  const status = `lookup("status", ${column.expression})`;
  const yes = leaveFlag === null ? [] : [...leaveFlag.distinct].filter((word) => truthOf(word) === true);
  if (leaveFlag === null || yes.length === 0) return status;
  const [first = '', ...others] = yes;
  const onLeave =
    others.length === 0
      ? `${leaveFlag.expression} == ${celText(first)}`
      : `${leaveFlag.expression} in [${yes.map(celText).join(', ')}]`;
  return `${onLeave} && ${status} == "active" ? "leave" : ${status}`;
}

function flagMeaning(word: string, left: boolean): Meaning | null {
  const truth = truthOf(word);
  return truth === null ? null : { status: truth !== left ? 'active' : 'terminated', doubt: '' };
}

function tableLines(word: string, meaning: Meaning | null): readonly Entry[] {
  const key = yamlText(word);
  if (meaning === null) {
    const remark = `${celText(word)} is not known: expected, active, leave or terminated? Until then its rows are rejected`;
    return [{ remark, unsureOf: `tables.status.${word}` }, { remark: `${key}: active` }];
  }
  return [{ key, value: meaning.status, ...(meaning.doubt === '' ? {} : { unsure: [meaning.doubt] }) }];
}
