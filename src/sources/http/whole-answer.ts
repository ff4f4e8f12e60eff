// An answer that is read as a whole and taken apart: one worker, a batch of them, a list of changes, a page of XML.
import type { JsonValue } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import type { AnswerShape } from '../../mapping/source-settings.ts';
import type { OpenAnswer } from '../../runtime/access/pool.ts';
import { readJsonRow } from '../file/json-row.ts';
import { type ByteBudget, refuseWebPage, wholeText } from './answer-bytes.ts';
import { Broken } from './asking.ts';
import { unmet, valueAt } from './body-path.ts';
import { readXml } from './xml.ts';

/** @throws Broken, Problem. An answer without content (204) is an empty list. */
export async function readWhole(
  answer: OpenAnswer,
  shape: Pick<AnswerShape, 'format' | 'ok' | 'error'>,
  budget: ByteBudget,
  signal: AbortSignal,
): Promise<JsonValue> {
  const text = await wholeText(answer, budget, signal);
  if (text.trim() === '') return [];
  refuseWebPage(text.slice(0, 512));
  const body = shape.format === 'xml' ? readXml(text) : parsedJson(text);
  refuseError(body, shape);
  return body;
}

/** Through the reader of rows, whose bounds and strictness hold for whole answers as well. */
function parsedJson(text: string): JsonValue {
  const { record, fault } = readJsonRow(`{"answer":${text}\n}`);
  if (fault === null && record !== null) return record.answer ?? null;
  // A body that was cut is no JSON either, and comes whole at the next try.
  if (fault?.code === 'row.not-json') throw new Broken('the answer is not JSON');
  throw new Problem({ ...(fault ?? { code: 'row.not-json', message: 'The answer is not JSON.' }), code: 'feed.json' });
}

/** The elements at a path; a single object is a list of one. @throws Problem where nothing of the kind stands there. */
export function elementsAt(body: JsonValue, path: string | null): readonly JsonValue[] {
  const found = path === null ? body : (valueAt(body, path) as JsonValue | undefined);
  if (Array.isArray(found)) return found as readonly JsonValue[];
  if (found !== null && typeof found === 'object') return [found];
  if (found === null || found === '') return [];
  throw new Problem({
    code: 'feed.no-records',
    message: path === null ? 'The answer holds no record.' : `The answer holds nothing at ${path}.`,
    hint: 'look at recordPath',
  });
}

/** @throws Problem where an answer says, although its status is good, that something is wrong. */
export function refuseError(body: unknown, { ok, error }: Pick<AnswerShape, 'ok' | 'error'>): void {
  const path = unmet(body, ok);
  const said = error === undefined ? undefined : valueAt(body, error);
  const wrong =
    said !== undefined && said !== null && said !== false && said !== '' && !(Array.isArray(said) && said.length === 0);
  if (path === null && !wrong) return;
  throw new Problem({
    code: 'source.error-inside',
    message: `The answer is an error although its status is good: look at ${path ?? error}.`,
    hint: 'an answer like this has no effect; the vendor says more in its own log',
  });
}
