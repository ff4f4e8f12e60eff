// A connection file as lines with comments, and the doubts with the lines on which they stand.

export interface Setting {
  readonly key: string;
  /** YAML as it is written behind the key, or settings below it. */
  readonly value: string | readonly Entry[];
  /** Behind the line: what a reader should know. */
  readonly comment?: string;
  /** Above the line, each begun with `unsure:`: what a person has to decide. */
  readonly unsure?: readonly string[];
  /** The settings below are the one element of a list; the first of them has no doubts. */
  readonly item?: boolean;
}
/** A line of comment, or an empty one. */
export interface Remark {
  readonly remark: string;
  /** Marked as something to decide, with the name under which it is listed. */
  readonly unsureOf?: string;
}
export type Entry = Setting | Remark;

export interface Doubt {
  /** Dotted path of the key, as faults have it. */
  readonly key: string;
  readonly line: number;
  readonly text: string;
}

/** Comments stand in this column, where the line is shorter. */
const COMMENT_COLUMN = 40;

/** Names of files and columns come from outside: a line end in one must not end the comment. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');

export function fileText(entries: readonly Entry[]): { readonly text: string; readonly doubts: readonly Doubt[] } {
  const lines: string[] = [];
  const doubts: Doubt[] = [];
  const write = (list: readonly Entry[], indent: string, parent: string): void => {
    for (const entry of list) {
      if ('remark' in entry) {
        const mark = entry.unsureOf === undefined ? '' : 'unsure: ';
        lines.push(entry.remark === '' ? '' : `${indent}# ${mark}${oneLine(entry.remark)}`);
        if (entry.unsureOf !== undefined) doubts.push({ key: entry.unsureOf, line: lines.length, text: entry.remark });
        continue;
      }
      const { key, value, comment, unsure = [], item = false } = entry;
      const path = parent === '' ? key : `${parent}.${key}`;
      for (const text of unsure) lines.push(`${indent}# unsure: ${oneLine(text)}`);
      const line = typeof value === 'string' ? `${indent}${key}: ${value}` : `${indent}${key}:`;
      lines.push(comment === undefined ? line : `${line.padEnd(COMMENT_COLUMN)} # ${oneLine(comment)}`);
      for (const text of unsure) doubts.push({ key: path, line: lines.length, text });
      if (typeof value === 'string') continue;
      const first = lines.length;
      write(value, `${indent}${item ? '    ' : '  '}`, path);
      if (item) lines[first] = `${indent}  - ${(lines[first] ?? '').slice(indent.length + 4)}`;
    }
  };
  write(entries, '', '');
  return { text: `${lines.join('\n')}\n`, doubts };
}

const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const NOT_PLAIN = /^(?:true|false|yes|no|on|off|null|y|n|none)$/i;

/** A text as YAML: plain where nobody could misread it, else quoted. */
export function yamlText(text: string): string {
  if (PLAIN.test(text) && !NOT_PLAIN.test(text)) return text;
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text)) return JSON.stringify(text);
  return `'${text.replaceAll("'", "''")}'`;
}
