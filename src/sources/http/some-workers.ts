// Some workers as a delta: what the source says of them now, whether a webhook named them or a change feed.
import type { Instant } from '../../base/instant.ts';
import type { Look } from '../source.ts';
import { type FewRead, readFew, writeFew } from './few.ts';
import type { Reader } from './reader.ts';
import type { Element } from './records.ts';
import type { RowSpool } from './row-spool.ts';
import { type DeliveryHead, jsonShape, rowsDelivery } from './rows-delivery.ts';
import type { LookParts } from './whole-answers.ts';
import type { WholeList } from './whole-list.ts';

export interface Wanted {
  readonly what: 'hint' | 'changes';
  /** Whom to ask for; or records that came already. */
  readonly of: { readonly ids: readonly string[] } | { readonly elements: readonly Element[] };
  readonly watermark: string | null;
}

/** @throws Problem, Later. */
export async function lookAtSome(
  wanted: Wanted,
  now: Instant,
  parts: LookParts,
  { reader, whole }: { readonly reader: Reader; readonly whole: WholeList },
  signal: AbortSignal,
): Promise<Look> {
  const { options, format, nameAt, spooled } = reader;
  const { what, of, watermark } = wanted;
  const name = nameAt(what, now);
  const read = async (spool: RowSpool): Promise<FewRead> => {
    const all = { ...parts, spool };
    if ('elements' in of) return writeFew(of.elements, options, whole.each, all, signal);
    const { one } = options;
    return one === undefined
      ? writeFew([], options, [], all, signal)
      : readFew(of.ids, { ...options, one }, whole.each, all, signal);
  };
  const delivery = await spooled(async (spool) => {
    const few = await read(spool);
    if (few.rows === 0) return null;
    const known = whole.columns ?? options.columns ?? [];
    const rows = {
      spool,
      file: await spool.file(name),
      shape: jsonShape([...new Set([...known, ...few.members.any])], format),
      completeness: { strength: 'weak', proof: `${few.rows} worker(s) read by id` } as const,
    };
    const head: DeliveryHead = {
      id: `${what} ${now}`,
      name,
      asOf: now,
      content: 'delta',
      ...(watermark === null ? {} : { watermark }),
    };
    return rowsDelivery(head, { rows, known: null, reopen: null });
  });
  if (delivery !== null) return { kind: 'delivery', delivery };
  return { kind: 'nothing', reason: 'the source knows none of the workers that were named' };
}
