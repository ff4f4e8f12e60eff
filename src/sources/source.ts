// What every source of HR records promises. Rooms behind it know files or APIs; nothing outside does.
import type { Finding } from '../base/finding.ts';
import type { Instant } from '../base/instant.ts';
import type { KnownRows } from '../base/known-rows.ts';
import type { Fault, Place } from '../base/problem.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';

/** Proof that a delivery is whole (design section 5). */
export interface Completeness {
  readonly strength: 'strong' | 'weak';
  /** What proved it, for people: `marker workers.done`, `trailer says 312 rows`, `size stable for 2 s`. */
  readonly proof: string;
}

export interface Scan {
  readonly rows: number;
  /** Rows whose digest is not known, in feed order (0-based record numbers). */
  readonly unknownRows: number;
  /** One bit per known digest: seen in this delivery. */
  readonly knownSeen: Uint8Array;
  readonly completeness: Completeness;
  /** Lower-case hex SHA-256 of the raw bytes. */
  readonly contentDigest: string;
}

/** A record as read, with the digest of the raw bytes it came from. */
export interface ReadRow {
  readonly place: Place;
  /** 16 bytes as lower-case hex: the first half of SHA-256 over the row's bytes. */
  readonly digest: string;
  /** Set when the row cannot become a record: ragged, too long, NUL, not JSON … */
  readonly fault: Fault | null;
  /** Null only together with a fault. A ragged row keeps the cells that are certain to be in their column: none. */
  readonly record: RawRecord | null;
  /** When the record was so, where it was told apart from the others; otherwise the delivery's own time. */
  readonly asOf?: Instant;
}

/** One distinct file or answer, open for reading. Dispose it when done. */
export interface Delivery extends AsyncDisposable {
  /** Identity of the delivery: name, size and modification time, or ETag. Reading the same one twice is one delivery. */
  readonly id: string;
  /** For people: the file's base name. */
  readonly name: string;
  readonly asOf: Instant;
  /** When its place says that it was written, where the delivery claims a date of its own: both should agree. */
  readonly writtenAt?: Instant;
  readonly content: 'snapshot' | 'delta';
  /** Header of the feed; for JSON the members met in the first 1,000 records. */
  readonly columns: readonly string[];
  /** Everything besides the row's bytes that decides what a row means: header, encoding, separator, format (canonical text). */
  readonly format: string;
  /** SHA-256 of the raw bytes alone, without splitting: tells the very same file from a new one. */
  readonly contentDigest: (signal: AbortSignal) => Promise<string>;
  /** Changes of the source up to here are in this delivery: saved with what it led to, and given back at the next look. */
  readonly watermark?: string;
  /** First pass: splits and hashes every row, proves completeness. @throws Problem when the delivery must have no effect. */
  readonly scan: (known: KnownRows, signal: AbortSignal) => Promise<Scan>;
  /**
   * Second pass: parses the rows that the scan did not know and those whose known index is in `alsoKnown`, in batches of
   * at most 100. @throws Problem when the bytes changed since the scan.
   */
  readonly read: (alsoKnown: ReadonlySet<number>, signal: AbortSignal) => AsyncIterable<readonly ReadRow[]>;
  /**
   * Told once all that this delivery led to is committed and none of it need be read again: the source may move it away. May be
   * told again of the same delivery after a crash. @throws Problem when that does not succeed, which undoes nothing.
   */
  readonly accepted?: (signal: AbortSignal) => Promise<void>;
}

export type Look =
  | { readonly kind: 'delivery'; readonly delivery: Delivery }
  /** No delivery there; says what was looked for. */
  | { readonly kind: 'nothing'; readonly reason: string }
  /** Something is there but still being written: look again after this long. */
  | { readonly kind: 'notYet'; readonly reason: string; readonly retryAfterMs: number };

export interface Source {
  /** The delivery to judge now. @throws Problem when the source cannot be read. */
  readonly look: (now: Instant, signal: AbortSignal) => Promise<Look>;
  /**
   * A slot of the schedule has come: that of the full list, or that of changes; or somebody hinted that something changed. A source that
   * has this is asked only for what is due; at first everything is.
   */
  readonly slot?: (what: 'snapshot' | 'changes' | 'hint') => void;
  /** Calls back whenever a look may find something new; ends with the signal. */
  readonly watch: (changed: () => void, signal: AbortSignal) => void;
  /**
   * What the source says now of these workers alone (a webhook's hint), as a delta. A worker whom it does not know is in no row of
   * it and nothing follows from that. Absent where the source can only be read whole. @throws Problem as `look`.
   */
  readonly about?: (workers: readonly string[], now: Instant, signal: AbortSignal) => Promise<Look>;
  /**
   * What `validate --probe` should know beyond a look: reachable, credentials and when they run out, rate left, permissions. Reads
   * only, stores nothing. The look itself, columns, rows, proof and blanks are told from `look`, `scan` and `read`. @throws Problem.
   */
  readonly probe?: (now: Instant, signal: AbortSignal) => Promise<readonly Finding[]>;
  /** Names of the deltas that lie before or at the last one accepted, and are not read any more. Absent where nothing is overlooked so. */
  readonly passed?: () => Promise<readonly string[]>;
  /** Lets go of what it keeps between looks. No delivery of it is open any more. */
  readonly close?: () => Promise<void>;
}
