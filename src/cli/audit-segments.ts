// The sealed parts of the log, as `audit verify` checks them: signatures by the key, files by their hash and their own chain.
import type { KeyObject } from 'node:crypto';
import { fileFaults, isSigned, type Manifest } from '../runtime/segment.ts';
import type { AuditFault, SegmentRow } from '../store/store.ts';
import { grouped } from './ago.ts';
import { harmless } from './display-width.ts';

export interface SegmentsView {
  readonly dir: string;
  readonly count: number;
  /** The last entry that is in one; 0 without any. */
  readonly last: number;
  /** Whether signatures were checked. */
  readonly checked: boolean;
  /** Segments whose file is not there: their entries were not read. */
  readonly absent: readonly { readonly first: number; readonly last: number }[];
  readonly faults: readonly AuditFault[];
}

export async function verifySegments(
  dir: string,
  rows: readonly SegmentRow[],
  keys: readonly KeyObject[],
  said: ReadonlyMap<number, string>,
): Promise<SegmentsView> {
  const faults: AuditFault[] = [];
  const absent: { first: number; last: number }[] = [];
  for (const { first, last, manifest, sig } of rows) {
    if (keys.length > 0 && !keys.some((key) => isSigned(manifest, sig, key)))
      faults.push({ seq: first, reason: `the segment up to entry ${last} is not signed by any of these keys` });
    const found = await fileFaults(dir, manifest as unknown as Manifest, said);
    if (found === null) absent.push({ first, last });
    else faults.push(...found);
  }
  return { dir, count: rows.length, last: rows.at(-1)?.last ?? 0, checked: keys.length > 0, absent, faults };
}

/** Faults, and absent files, named one by one. */
const SHOWN = 20;

export function segmentLines({ dir, count, last, checked, absent, faults }: SegmentsView): readonly string[] {
  if (count === 0) return [];
  const by = checked ? 'signatures checked' : 'signatures NOT CHECKED: give --public-key FILE';
  const more = (all: number) => (all > SHOWN ? [`  and ${grouped(all - SHOWN)} more`] : []);
  return [
    ...faults.slice(0, SHOWN).map(({ seq, reason }) => harmless(`BROKEN segment at entry ${seq}: ${reason}`)),
    ...more(faults.length),
    harmless(`entries 1 to ${grouped(last)} are sealed in ${grouped(count)} segment(s), ${by}`),
    ...absent
      .slice(0, SHOWN)
      .map((one) =>
        harmless(`  entries ${one.first} to ${one.last} NOT READ: their file is not in ${dir} (--segments DIR)`),
      ),
    ...more(absent.length),
  ];
}
