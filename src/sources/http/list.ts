// The whole list: page after page into the spool, until the end is proven or the look is refused as a whole.
import { Problem } from '../../base/problem.ts';
import type { HttpSourceSettings } from '../../mapping/source-settings.ts';
import type { Completeness } from '../source.ts';
import { NOT_MODIFIED, type PageParts, PageReader, type PageSettings } from './page-reader.ts';
import { firstPage, followed, type NextPage, nextPage, type PageSeen } from './paging.ts';
import type { ListProof } from './proof.ts';
import type { Members } from './records.ts';
import type { WireRequest } from './request.ts';
import { requestFor } from './whole-answers.ts';

export interface ListRead {
  readonly completeness: Completeness;
  readonly members: Members;
  /** What the first answer says of itself, for the next look. */
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** The source's own clock at the first answer, milliseconds; null where it does not say. */
  readonly dateMs: number | null;
}

/** The source says that nothing changed since the answer whose marks we showed. */
export const UNCHANGED = 'unchanged';

export interface Conditions {
  readonly headers: Readonly<Record<string, string>>;
}

export async function readList(
  settings: PageSettings & Pick<HttpSourceSettings, 'limits'>,
  parts: PageParts & { readonly origin: string },
  signal: AbortSignal,
  conditions: Conditions | null = null,
): Promise<ListRead | typeof UNCHANGED> {
  const { list, limits } = settings;
  const reader = new PageReader(settings, parts);
  const proof = reader.proof;
  let request = requestFor(list, parts, firstPage(list.paging));
  let head: Omit<ListRead, 'completeness' | 'members'> | null = null;
  let firstPageRecords = 0;
  for (;;) {
    const asked: WireRequest =
      conditions === null ? request : { ...request, headers: { ...request.headers, ...conditions.headers } };
    const page: (PageSeen & { readonly digest: string }) | null = await parts.asking.ask(
      asked,
      (answer) => reader.read(answer, signal),
      signal,
      conditions === null ? [] : [NOT_MODIFIED],
    );
    if (page === null) return UNCHANGED;
    head ??= headOf(page);
    proof.page(page, page.digest);
    if (proof.pages === 1) firstPageRecords = page.records;
    const next = nextPage(list.paging, page, { pages: proof.pages, records: proof.records, firstPageRecords });
    if (next.kind === 'end') return { ...head, completeness: endOf(proof, next), members: reader.members };
    if (proof.pages >= limits.pages) {
      throw new Problem({
        code: 'source.endless',
        message: `The list has not ended after ${proof.pages} pages.`,
        hint: 'look at paging; raise source.limits.pages if that many are right',
      });
    }
    request =
      next.kind === 'page'
        ? requestFor(list, parts, next.filling)
        : { ...request, path: followed(next.url, parts.origin, request.path) };
  }
}

function endOf(proof: ListProof, end: Extract<NextPage, { kind: 'end' }>): Completeness {
  const completeness = proof.end(end.by);
  if (proof.records > 0) return completeness;
  throw new Problem({
    code: 'feed.empty',
    message: 'The list holds nobody.',
    hint: 'an empty list has no effect; look at the rights of our credentials and at the filters of the request',
  });
}

function headOf({ header }: PageSeen): Omit<ListRead, 'completeness' | 'members'> {
  const date = Date.parse(header('date') ?? '');
  return {
    etag: header('etag'),
    lastModified: header('last-modified'),
    dateMs: Number.isFinite(date) ? date : null,
  };
}
