/** Digests of rows that led to a decision under the same context; `indexOf` answers in constant time without allocation. */
export interface KnownRows {
  readonly size: number;
  /** The index (0 … size-1) of this 16-byte digest, or -1. */
  readonly indexOf: (digest: Uint8Array) => number;
}
