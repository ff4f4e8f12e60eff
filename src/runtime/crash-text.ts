// What a bug leaves behind: where it was, for us. JavaScript's own messages quote the value they stumbled over, which may be somebody's
// name: what stands in quotes is left out.

/** Causes of causes that are told. */
const DEPTH_MAX = 4;
const QUOTED = /"(?:[^"\\]|\\.)*"?|'[^']*'|`[^`]*`/g;

/** The kind, the message without quoted values, and the frames; causes and suppressed errors follow. */
export function crashText(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return 'an error that is none was thrown\n';
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  const { cause } = error;
  const inner: readonly unknown[] = [
    ...(cause === undefined ? [] : [cause]),
    ...(error instanceof AggregateError ? error.errors : []),
    ...(error instanceof SuppressedError ? [error.error, error.suppressed] : []),
  ];
  const text = [`${error.name}: ${error.message.replaceAll(QUOTED, '"…"')}`, ...frames].join('\n');
  const more = depth >= DEPTH_MAX ? [] : inner.map((one) => `with ${crashText(one, depth + 1)}`);
  return `${text}\n${more.join('')}`;
}
