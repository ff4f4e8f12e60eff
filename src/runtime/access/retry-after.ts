/** Nobody may ask for more patience than a day; what is said then is taken for a mistake. */
const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1000;

/**
 * Retry-After in milliseconds (RFC 9110 section 10.2.3). An HTTP date counts from the answer's own Date, because the other side's
 * clock need not be ours.
 */
export function retryAfterOf(header: string | null, date: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (text === '') return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS);
  const until = Date.parse(text);
  if (Number.isNaN(until)) return null;
  const from = Date.parse(date ?? '');
  return Math.min(Math.max(0, until - (Number.isNaN(from) ? nowMs : from)), RETRY_AFTER_MAX_MS);
}
