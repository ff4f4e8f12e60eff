// XML as the values that JSON has: elements are members, attributes are members with an @ before them, text is text. No document types,
// which are what XML bombs are made of.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { JsonValue } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import { Broken } from './asking.ts';

const DEPTH_MAX = 40;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  // Leading zeros and long numbers are text.
  parseTagValue: false,
  parseAttributeValue: false,
  // Without a document type there are those of XML itself, numeric ones and those of HTML.
  processEntities: true,
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  removeNSPrefix: true,
  maxNestedTags: DEPTH_MAX,
});

/** XML is read whole: each element takes about a kilobyte of memory and ten microseconds in which nothing else happens. */
const TAGS_MAX = 250_000;

/** Opening and closing ones. */
function tagsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('<'); at >= 0 && count <= TAGS_MAX; at = text.indexOf('<', at + 1)) count += 1;
  return count;
}

/** @throws Broken where it may have been cut, Problem where it is not to be read. */
export function readXml(text: string): JsonValue {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) {
    throw new Problem({
      code: 'feed.xml-doctype',
      message: 'The XML has a document type, which is not read.',
      hint: 'ask the source for XML without DOCTYPE, or for JSON',
    });
  }
  // The parser passes over these: two ids could become one.
  if (/&#(?:0+|x0+);/i.test(text)) {
    throw new Problem({
      code: 'feed.xml',
      message: 'The XML holds a NUL character.',
      hint: 'correct it in the source',
    });
  }
  if (tagsIn(text) > TAGS_MAX) {
    throw new Problem({
      code: 'source.too-large',
      message: `One answer of XML has more than ${TAGS_MAX} tags.`,
      hint: 'ask for fewer records at once, or for JSON or CSV, which are read as they come',
    });
  }
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new Broken(`the answer is no XML (line ${valid.err.line})`);
  let value: unknown;
  try {
    value = parser.parse(text);
  } catch {
    throw new Problem({
      code: 'feed.xml',
      message: 'The XML is nested too deeply, or an element is called like what objects inherit.',
      hint: 'ask for a flatter report',
    });
  }
  return withoutPrototypes(value);
}

function withoutPrototypes(value: unknown): JsonValue {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (value === null || typeof value !== 'object') return value === undefined ? '' : String(value);
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [name, member] of Object.entries(value)) copy[name] = withoutPrototypes(member);
  return copy;
}

/** Members at these paths are lists, even where one element stands there and XML cannot tell. Changes the value in place. */
export function asLists(value: JsonValue, paths: readonly string[]): void {
  for (const path of paths) {
    let around: JsonValue | undefined = value;
    const parts = path.split('.');
    const last = parts.pop() as string;
    for (const part of parts) {
      if (around === null || typeof around !== 'object' || Array.isArray(around)) break;
      around = (around as Record<string, JsonValue>)[part];
    }
    if (around === null || around === undefined || typeof around !== 'object' || Array.isArray(around)) continue;
    const members = around as Record<string, JsonValue>;
    const found = members[last];
    members[last] = found === undefined || found === '' ? [] : Array.isArray(found) ? found : [found];
  }
}
