// How many columns of a terminal a text takes. Names come from HR: they hold combining marks, wide characters, and now and
// then a control character that must not reach a terminal.

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** East Asian Wide and Fullwidth blocks of Unicode Annex 11, coarse to whole blocks. */
const WIDE =
  /^[\u1100-\u115F\u231A\u231B\u2329\u232A\u23E9-\u23EC\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{17000}-\u{18AFF}\u{1B000}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
const EMOJI = /^\p{Emoji_Presentation}|\uFE0F/u;
const WIDTHLESS = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const SIMPLE = /^[\x20-\x7E]*$/;

/** Control characters, and marks that turn the direction of a line around. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/** Harmless on any terminal: what could steer it is replaced by `�`, line breaks and tabs by a space. */
export function harmless(text: string): string {
  return SIMPLE.test(text) ? text : text.replace(/[\t\r\n]+/g, ' ').replace(UNSAFE, '\uFFFD');
}

const widthOf = (grapheme: string): number =>
  WIDTHLESS.test(grapheme) ? 0 : WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;

export function displayWidth(text: string): number {
  if (SIMPLE.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOf(segment);
  return width;
}

/** At most so many columns; a text that is cut ends with `…`. */
export function fitted(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let result = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    result += segment;
  }
  return `${result}…`;
}
