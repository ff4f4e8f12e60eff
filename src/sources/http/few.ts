// The present records of some workers, asked for by id: for hints and for changes. Whom the source does not know is in no row, and
// nothing follows from that.
import type { JsonValue } from '../../base/json.ts';
import type { HttpSourceSettings, OneSettings } from '../../mapping/source-settings.ts';
import { textAt } from './body-path.ts';
import { join } from './joins.ts';
import { type Element, elementsOf, exploded, Members, trustedLine } from './records.ts';
import type { RowSpool } from './row-spool.ts';
import { elementsAt } from './whole-answer.ts';
import { type LookParts, wholeAnswers } from './whole-answers.ts';
import { asLists } from './xml.ts';

export interface FewRead {
  readonly members: Members;
  readonly rows: number;
}

/** Requests for one worker each in flight at once. */
const AT_ONCE = 8;

/** As a part of an address these would lead elsewhere; nobody is called so. */
const UP: ReadonlySet<string> = new Set(['', '.', '..']);

type RowSettings = Pick<
  HttpSourceSettings,
  'id' | 'joins' | 'explode' | 'values' | 'omit' | 'keep' | 'firstOf' | 'dates' | 'flatten'
>;
type FewSettings = RowSettings & { readonly one: OneSettings };

/**
 * @param always members that every record of the last whole list had: a record without one of them is not believed, because a right
 * that was taken away looks like that. @throws Problem, Later as every request.
 */
export async function readFew(
  ids: readonly string[],
  settings: FewSettings,
  always: readonly string[],
  parts: LookParts & { readonly spool: RowSpool },
  signal: AbortSignal,
): Promise<FewRead> {
  const { one } = settings;
  const batches: (readonly string[])[] = [];
  const keys = ids.filter((key) => !UP.has(key));
  for (let from = 0; from < keys.length; from += one.batch) batches.push(keys.slice(from, from + one.batch));
  const found: Element[][] = batches.map(() => []);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < batches.length) {
      const turn = next++;
      found[turn] = await askFor(batches[turn] as readonly string[], settings, parts, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, batches.length) }, work));
  return writeFew(found.flat(), settings, always, parts, signal);
}

/** Records that came in another way, such as those of a change feed. */
export async function writeFew(
  elements: readonly Element[],
  settings: RowSettings,
  always: readonly string[],
  parts: LookParts & { readonly spool: RowSpool },
  signal: AbortSignal,
): Promise<FewRead> {
  const { id, joins, explode } = settings;
  if (joins.length > 0) await join(elements, joins, id, wholeAnswers(parts), signal);
  const members = new Members();
  // The list may be one that a join brought.
  const rows = explode === undefined ? elements : elements.flatMap((element) => exploded(element, explode));
  for (const element of rows) {
    const { line, complete } = trustedLine(element, settings, always);
    members.take(element, complete);
    await parts.spool.line(line);
  }
  return { members, rows: rows.length };
}

async function askFor(
  ids: readonly string[],
  { one, id, explode, values }: FewSettings,
  parts: LookParts,
  signal: AbortSignal,
): Promise<Element[]> {
  if (one.path === undefined) return ids.map((key) => ({ record: recordOf(id, key), fault: null }));
  const body = await wholeAnswers(parts).ask({ ...one, path: one.path }, { ids }, signal);
  if (body === null) return [];
  const asked = new Set(ids);
  return elementsAt(body, one.recordPath).flatMap((value: JsonValue) => {
    // An answer about somebody else is none: a search that does not know its filter gives everybody.
    const key = textAt(value, keyPath(one, id, values));
    if (key === null || !asked.has(key)) return [];
    const elements = elementsOf(value, { unwrap: one.unwrap, explode, values });
    for (const { record } of elements) asLists(record, one.lists);
    return elements;
  });
}

/** A record that holds its id and nothing else: the joins know the rest. */
function recordOf(id: string, key: string): Record<string, JsonValue> {
  const record: Record<string, JsonValue> = Object.create(null);
  let around = record;
  const parts = id.split('.');
  for (const part of parts.slice(0, -1)) {
    const inner: Record<string, JsonValue> = Object.create(null);
    around[part] = inner;
    around = inner;
  }
  around[parts.at(-1) as string] = key;
  return record;
}

/** Where the id stands in an element of the answer, before it is taken apart. */
function keyPath({ key, unwrap }: OneSettings, id: string, values: string | undefined): string {
  if (key !== undefined) return key;
  return [...(unwrap === undefined ? [] : [unwrap]), id, ...(values === undefined ? [] : [values])].join('.');
}
