// What a second request knows of each record. An answer that is missing for somebody is a fault of that record alone: it counts as
// present, and nothing is read from what is not there.
import type { JsonValue } from '../../base/json.ts';
import type { Fault } from '../../base/problem.ts';
import type { JoinSettings } from '../../mapping/source-settings.ts';
import { textAt, unmet, valueAt } from './body-path.ts';
import { type Element, idOf } from './records.ts';
import { elementsAt } from './whole-answer.ts';
import type { WholeAnswers } from './whole-answers.ts';
import { asLists } from './xml.ts';

/** Requests of one join in flight at once. */
const AT_ONCE = 8;

/** Adds to each record what the joins know; changes the elements in place. @throws Problem, Later as every request. */
export async function join(
  elements: readonly Element[],
  joins: readonly JoinSettings[],
  id: string,
  asked: WholeAnswers,
  signal: AbortSignal,
): Promise<void> {
  for (const settings of joins) {
    const wanted = elements.filter(({ record, fault }) => fault === null && unmet(record, settings.when) === null);
    const batches: Element[][] = [];
    for (let from = 0; from < wanted.length; from += settings.batch)
      batches.push(wanted.slice(from, from + settings.batch));
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < batches.length) await joinBatch(batches[next++] as Element[], settings, id, asked, signal);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, batches.length) }, work));
  }
}

async function joinBatch(
  batch: readonly Element[],
  settings: JoinSettings,
  id: string,
  asked: WholeAnswers,
  signal: AbortSignal,
): Promise<void> {
  const by = settings.by ?? id;
  const byId = new Map<string, Element[]>();
  for (const element of batch) {
    const key = idOf(element, by);
    if (key === '') element.fault = missing(settings.as, `the record has nothing at ${by}`);
    else byId.set(key, [...(byId.get(key) ?? []), element]);
  }
  if (byId.size === 0) return;
  const body = await asked.ask(settings, { ids: [...byId.keys()] }, signal);
  const found = new Map<string, JsonValue[]>();
  const wrong = new Set<string>();
  for (const value of body === null ? [] : elementsAt(body, settings.recordPath)) {
    const key = settings.key === undefined ? [...byId.keys()][0] : textAt(value, settings.key);
    if (key === null || key === undefined || !byId.has(key)) continue;
    const part = settings.unwrap === undefined ? value : (valueAt(value, settings.unwrap) as JsonValue | undefined);
    if (part === undefined || unmet(value, settings.element) !== null) wrong.add(key);
    else {
      asLists(part, settings.lists);
      found.set(key, [...(found.get(key) ?? []), part]);
    }
  }
  for (const [key, elements] of byId) {
    const parts = found.get(key) ?? [];
    const why = whyMissing(settings, parts, wrong.has(key), body === null);
    for (const element of elements) {
      if (why === null) element.record[settings.as] = settings.many ? parts : (parts[0] as JsonValue);
      else element.fault = missing(settings.as, why);
    }
  }
}

function whyMissing(
  { many, first }: JoinSettings,
  parts: readonly JsonValue[],
  wrong: boolean,
  absent: boolean,
): string | null {
  if (absent) return 'the source does not know it there';
  if (wrong) return 'the source says that it is not good';
  if (many) return null;
  if (parts.length === 0) return 'the answer holds nothing about it';
  return parts.length > 1 && !first ? 'the answer holds several' : null;
}

const missing = (as: string, why: string): Fault => ({
  code: 'row.join',
  message: `What ${as} should hold of this record is missing: ${why}.`,
  hint: 'its worker stays as before until the source answers; look at the rights of our credentials there',
});
