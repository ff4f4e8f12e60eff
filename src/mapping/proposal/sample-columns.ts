// A sample of records as columns of text: members of JSON records become columns of their own, by the path to them.
import type { JsonValue } from '../../base/json.ts';
import type { RawRecord } from '../bound-mapping.ts';
import { type DateFinding, dateFinding, type UnreadableDates, unreadableDates } from './date-forms.ts';

export interface SampleColumn {
  /** One step for a column of a CSV, several for a member inside a JSON record. */
  readonly path: readonly string[];
  /** The expression that reads it as text. */
  readonly expression: string;
  /** One for each record, '' where blank. */
  readonly values: readonly string[];
  readonly filled: number;
  /** Different filled values. */
  readonly distinct: ReadonlySet<string>;
  readonly dates: DateFinding | null;
  readonly unreadable: UnreadableDates | null;
}

/** HR answers nest three to six levels. */
const DEPTH_MAX = 6;
/** More columns than this are not looked at; the file source refuses them anyway. */
const COLUMNS_MAX = 1_000;
/** Different values that say enough about a column: beyond them it holds no words but data. */
const DISTINCT_MAX = 100_000;

interface Draft {
  readonly path: readonly string[];
  readonly values: string[];
}

/** Lists inside records are left out: which of their elements counts is a person's to say. `lists` names them. */
export function sampleColumns(
  columns: readonly string[],
  records: readonly RawRecord[],
): { readonly columns: readonly SampleColumn[]; readonly lists: readonly string[] } {
  const drafts = new Map<string, Draft>();
  const lists = new Set<string>();
  const draftAt = (path: readonly string[]): Draft | null => {
    const key = JSON.stringify(path);
    const known = drafts.get(key);
    if (known !== undefined) return known;
    if (drafts.size >= COLUMNS_MAX) return null;
    const draft: Draft = { path, values: [] };
    drafts.set(key, draft);
    return draft;
  };
  const put = (path: readonly string[], value: JsonValue | undefined, record: number): void => {
    if (Array.isArray(value)) {
      lists.add(path.join('.'));
      return;
    }
    if (value !== null && typeof value === 'object') {
      if (path.length >= DEPTH_MAX) return;
      for (const [name, member] of Object.entries(value)) put([...path, name], member, record);
      return;
    }
    const draft = draftAt(path);
    if (draft === null) return;
    while (draft.values.length < record) draft.values.push(ABSENT);
    draft.values[record] = value === null || value === undefined ? '' : String(value);
  };
  for (const [index, record] of records.entries()) {
    for (const column of columns) put([column], record[column], index);
  }
  const paths = [...drafts.values()].map(({ path }) => path);
  const found: SampleColumn[] = [];
  for (const draft of drafts.values()) {
    while (draft.values.length < records.length) draft.values.push(ABSENT);
    if (!isParent(draft.path, paths) && !isLabel(draft.path, paths)) found.push(columnOf(draft));
  }
  return { columns: found, lists: [...lists] };
}

const begins = (path: readonly string[], start: readonly string[]): boolean =>
  path.length >= start.length && start.every((step, at) => path[at] === step);

/** A record that says null where another has an object: the object is a column by its members and no column itself. */
const isParent = (path: readonly string[], all: readonly (readonly string[])[]): boolean =>
  all.some((other) => other.length > path.length && begins(other, path));

/** What stands beside a `value` to describe it is the same in every record. */
const LABELS = new Set(['label', 'type', 'universal_id']);
const isLabel = (path: readonly string[], all: readonly (readonly string[])[]): boolean =>
  path.length > 1 &&
  LABELS.has(path.at(-1) ?? '') &&
  all.some((other) => begins(other, [...path.slice(0, -1), 'value']));

/** Stands for a member that is not there at all; becomes ''. */
const ABSENT = '\0absent';

function columnOf({ path, values: raw }: Draft): SampleColumn {
  const always = !raw.includes(ABSENT);
  const values = always ? raw : raw.map((value) => (value === ABSENT ? '' : value));
  const filledValues = values.filter((value) => value.trim() !== '');
  const distinct = new Set<string>();
  for (const value of filledValues) if (distinct.size < DISTINCT_MAX) distinct.add(value);
  const dates = dateFinding(filledValues);
  return {
    path,
    expression: reading(path, always),
    values,
    filled: filledValues.length,
    distinct,
    dates,
    unreadable: dates === null ? unreadableDates(filledValues) : null,
  };
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** CEL does not take these behind a dot. */
const RESERVED =
  /^(?:as|break|const|continue|else|false|for|function|if|import|in|let|loop|package|namespace|null|return|true|var|void|while)$/;

/**
 * A member that every record has is read so that its loss rejects records instead of blanking them; one that some records lack is
 * read as blank there. The outermost step always has to be there: a feed without it is refused whole.
 */
function reading([first = '', ...rest]: readonly string[], always: boolean): string {
  const plain = (name: string): boolean => PLAIN_NAME.test(name) && !RESERVED.test(name);
  const head = plain(first) ? `record.${first}` : `record[${celText(first)}]`;
  if (rest.length === 0) return head;
  const mark = always ? '' : '?';
  const tail = rest.map((name) => (plain(name) ? `.${mark}${name}` : `[${mark}${celText(name)}]`)).join('');
  return always ? head + tail : `${head}${tail}.orValue("")`;
}

/** A text as a literal of the mapping language. */
export const celText = (text: string): string => JSON.stringify(text);

/** How the column is called for people. */
export const nameOf = ({ path }: Pick<SampleColumn, 'path'>): string => path.join('.');
