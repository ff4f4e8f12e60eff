// Which request brings the next page, or why there is none. Pure: an answer in, a step out.
import { Problem } from '../../base/problem.ts';
import type { Paging } from '../../mapping/source-settings.ts';
import { countIn, type Envelope, saidAt, valueAt } from './body-path.ts';
import type { Filling } from './request.ts';

export interface PageSeen extends Envelope {
  /** Records on this page. */
  readonly records: number;
}

export interface Progress {
  /** Pages read, this one among them. */
  readonly pages: number;
  /** Records read, those of this page among them. */
  readonly records: number;
  readonly firstPageRecords: number;
}

export type NextPage =
  | { readonly kind: 'page'; readonly filling: Filling }
  /** An address that the answer gave; it is followed on the same origin only. */
  | { readonly kind: 'address'; readonly url: string }
  /** `token`: the answer itself says that nothing follows. `count`: as many as it promised. `short`: a page with fewer records, or none. */
  | { readonly kind: 'end'; readonly by: 'token' | 'count' | 'short' | 'single' };

export function firstPage(paging: Paging): Filling {
  switch (paging.kind) {
    case 'page':
      return numbered(paging, paging.first);
    case 'offset':
      return numbered(paging, 0);
    case 'cursor':
      return sized(paging);
    case 'next':
    case 'link':
      return sized({ ...paging, in: 'query' });
    case 'none':
      return {};
  }
}

/** @throws Problem where the answer says something that cannot be followed. */
export function nextPage(paging: Paging, seen: PageSeen, progress: Progress): NextPage {
  switch (paging.kind) {
    case 'none':
      return { kind: 'end', by: 'single' };
    case 'page': {
      const pages = paging.pages === undefined ? null : countIn(saidAt(seen, paging.pages));
      if (pages !== null && progress.pages >= pages) return { kind: 'end', by: 'count' };
      return (
        byCount(paging.total, seen, progress, pages !== null || paging.untilEmpty) ??
        page(numbered(paging, paging.first + progress.pages))
      );
    }
    case 'offset':
      return byCount(paging.total, seen, progress, paging.untilEmpty) ?? page(numbered(paging, progress.records));
    case 'cursor': {
      const more = paging.more === undefined ? undefined : valueAt(seen.body, paging.more);
      const cursor = saidAt(seen, paging.path);
      if (more === false || more === 'false' || cursor === null) return { kind: 'end', by: 'token' };
      const { query = {}, body = {} } = sized(paging);
      return paging.in === 'body'
        ? page({ body: { ...body, [paging.parameter]: cursor } })
        : page({ query: { ...query, [paging.parameter]: cursor } });
    }
    case 'next': {
      const url = saidAt(seen, paging.path);
      return url === null ? { kind: 'end', by: 'token' } : { kind: 'address', url };
    }
    case 'link': {
      const url = nextLink(seen.header('link') ?? '');
      return url === null ? { kind: 'end', by: 'token' } : { kind: 'address', url };
    }
  }
}

const page = (filling: Filling): NextPage => ({ kind: 'page', filling });

/**
 * A page that is shorter than the first one is the last: servers cap the size that was asked for, so that alone says nothing.
 * Where a total or a number of pages is known, or the file says so, only that or an empty page ends the list.
 */
function byCount(total: string | undefined, seen: PageSeen, progress: Progress, goesOn: boolean): NextPage | null {
  const promised = total === undefined ? null : countIn(saidAt(seen, total));
  if (promised !== null && progress.records >= promised) return { kind: 'end', by: 'count' };
  if (seen.records === 0) return { kind: 'end', by: 'short' };
  const shorter = progress.pages > 1 && seen.records < progress.firstPageRecords;
  return promised === null && !goesOn && shorter ? { kind: 'end', by: 'short' } : null;
}

type Sized = { readonly in: 'query' | 'body'; readonly sizeParameter?: string | undefined; readonly size: number };

function sized({ in: where, sizeParameter, size }: Sized): Filling {
  if (sizeParameter === undefined) return {};
  return where === 'body' ? { body: { [sizeParameter]: size } } : { query: { [sizeParameter]: String(size) } };
}

function numbered(paging: Sized & { readonly parameter: string }, number: number): Filling {
  const { query = {}, body = {} } = sized(paging);
  return paging.in === 'body'
    ? { body: { ...body, [paging.parameter]: number } }
    : { query: { ...query, [paging.parameter]: String(number) } };
}

/** Longest Link header that is looked at. */
const LINK_LENGTH_MAX = 8_192;

/** One link and its parameters, whose quoted values may hold commas and semicolons. */
const LINK = /<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"<]*))?)*)/g;

/** The target of `rel=next` (RFC 8288 section 3); null without one. */
export function nextLink(header: string): string | null {
  if (header.length > LINK_LENGTH_MAX) return null;
  for (const [, url = '', parameters = ''] of header.matchAll(LINK)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return url;
  }
  return null;
}

/** Path and query of an address that an answer gave. @throws Problem where it leads elsewhere: credentials do not follow. */
export function followed(url: string, origin: string, from: string): string {
  const next = URL.canParse(url, `${origin}${from}`) ? new URL(url, `${origin}${from}`) : null;
  if (next !== null && next.origin === origin && next.username === '' && next.password === '')
    return `${next.pathname}${next.search}`;
  throw new Problem({
    code: 'source.elsewhere',
    message: 'The next page is said to be at another address than the source.',
    hint: 'credentials are shown to baseUrl alone; correct baseUrl if the vendor moved',
  });
}
