// Who changed since the last look, as the source tells it. Only ids are believed, unless the connection file says that elements are
// records: what a worker is now is read by a request of its own.

import { instantOfMs } from '../../base/instant.ts';
import type { JsonValue } from '../../base/json.ts';
import { canonicalJson } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import type { ChangesSettings, HttpSourceSettings } from '../../mapping/source-settings.ts';
import { sha256 } from '../../runtime/hash.ts';
import { type Envelope, saidAt, textAt, valueAt } from './body-path.ts';
import { firstPage, followed, nextPage } from './paging.ts';
import { elementsAt } from './whole-answer.ts';
import { askWhole, type LookParts, requestFor } from './whole-answers.ts';

export interface ChangesRead {
  /** By id, the newest element about it. */
  readonly elements: ReadonlyMap<string, JsonValue>;
  /** Up to when the source has told, as an instant. */
  readonly watermark: string;
}

/** More changes than this are read faster as a whole list. */
export const CHANGES_MAX = 20_000;

const MINUTE_MS = 60_000;

/** @param since the watermark. @param nowMs when this look began. @returns null where there are more changes than it makes sense to follow. */
export async function readChanges(
  settings: Pick<HttpSourceSettings, 'limits'> & { readonly changes: ChangesSettings },
  since: string,
  nowMs: number,
  parts: LookParts & { readonly origin: string },
  signal: AbortSignal,
): Promise<ChangesRead | null> {
  const { changes, limits } = settings;
  const asked = Date.parse(since) - changes.overlapMinutes * MINUTE_MS;
  const values = { since: sinceText(asked, changes.sinceForm) };
  const elements = new Map<string, JsonValue>();
  const pages = new Set<string>();
  let request = requestFor(changes, parts, { ...firstPage(changes.paging), values });
  let watermark: string | null = null;
  let records = 0;
  let firstPageRecords = 0;
  for (;;) {
    const envelope = await askWhole(changes, request, parts, signal);
    if (envelope === null) throw new Error('bug: an answer that is absent was not asked for');
    watermark ??= watermarkOf(envelope, changes, nowMs);
    const page = elementsOf(envelope.body as JsonValue, changes);
    if (page.length > 0) {
      const digest = sha256(canonicalJson(page));
      if (pages.has(digest)) throw repeated();
      pages.add(digest);
    }
    for (const element of page) {
      const key = textAt(element, changes.id);
      if (key === null) throw nameless(changes.id);
      elements.set(key, element);
    }
    if (elements.size > CHANGES_MAX) return null;
    records += page.length;
    if (pages.size <= 1) firstPageRecords = page.length;
    const seen = { ...envelope, records: page.length };
    const next = nextPage(changes.paging, seen, { pages: Math.max(1, pages.size), records, firstPageRecords });
    if (next.kind === 'end') break;
    if (pages.size >= limits.pages) throw repeated();
    request =
      next.kind === 'page'
        ? requestFor(changes, parts, { ...next.filling, values })
        : { ...request, path: followed(next.url, parts.origin, request.path) };
  }
  // The source's own clock counts where it tells; else the moment before the first request, never that of the answer.
  return { elements, watermark: watermark ?? instantOfMs(nowMs) };
}

function watermarkOf(envelope: Envelope, { watermark }: ChangesSettings, nowMs: number): string | null {
  if (watermark === undefined) return null;
  const said = saidAt(envelope, watermark);
  const at = said === null ? Number.NaN : Date.parse(said);
  // A moment that lies ahead would pass over all that changes until then.
  if (Number.isFinite(at)) return instantOfMs(Math.min(at, nowMs));
  throw new Problem({
    code: 'source.watermark',
    message: `The answer does not say at ${watermark} up to when it speaks.`,
    hint: 'look at source.changes.watermark',
  });
}

function elementsOf(body: JsonValue, { map, recordPath }: ChangesSettings): readonly JsonValue[] {
  if (!map) return elementsAt(recordPath === null ? onlyListIn(body) : body, recordPath);
  const found = recordPath === null ? body : (valueAt(body, recordPath) as JsonValue | undefined);
  // PHP writes an empty map as a list.
  if (Array.isArray(found) && found.length === 0) return [];
  if (found === null || typeof found !== 'object' || Array.isArray(found)) return elementsAt(body, recordPath ?? '');
  return Object.values(found as Readonly<Record<string, JsonValue>>);
}

/** As for whole lists: without a path the answer is the list, or holds no other one. */
function onlyListIn(body: JsonValue): JsonValue {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body;
  const lists = Object.values(body).filter(Array.isArray) as JsonValue[];
  return lists.length === 1 ? (lists[0] as JsonValue) : body;
}

function sinceText(ms: number, form: ChangesSettings['sinceForm']): string {
  const iso = instantOfMs(ms);
  if (form === 'milliseconds') return String(ms);
  if (form === 'date') return iso.slice(0, 10);
  const seconds = iso.slice(0, 19);
  return form === 'local' ? seconds : `${seconds}Z`;
}

const nameless = (path: string): Problem =>
  new Problem({
    code: 'source.changes',
    message: `A change does not say at ${path} whom it is about.`,
    hint: 'look at source.changes.id and recordPath',
  });

const repeated = (): Problem =>
  new Problem({
    code: 'feed.page-repeated',
    message: 'The pages of changes do not come to an end.',
    hint: 'look at source.changes.paging',
  });
