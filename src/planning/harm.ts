// What a plan may do to people who still work there, by kind: the rows of design section 5's table.
export const HARM_KINDS = [
  /** An active account would become inactive although no record says so. */
  'inferredLeaver',
  /** A record says that the worker leaves. */
  'explicitLeaver',
  'emergencyLeaver',
  'delete',
  'membershipRemoved',
  'valueBlanked',
  /** userName or mail changes. */
  'rename',
  /** One attribute changed on many; counted per attribute. */
  'attributeChanged',
  /** An existing account would be taken over (always a hold). */
  'adoption',
  /** A feed would take back a leave that `endsNow`, a webhook or an operator ordered (always a hold). */
  'protectedRescind',
  /** Rows that would join two workers who each own an account (always a hold). */
  'merge',
  /** Access would end because snapshots that nothing proves complete miss the worker (always a hold). */
  'absence',
  /** HR's feed brings somebody back whose personal values were erased (always a hold). */
  'erased',
] as const;
export type HarmKind = (typeof HARM_KINDS)[number];

export interface Harm {
  readonly kind: HarmKind;
  readonly workerKey: string;
  /** Null where the harm is the worker's, not one target's. */
  readonly target: string | null;
  /** What would be done, in one or two words: `disable`, `blank title`, `adopt 2819c223`. */
  readonly operation: string;
  /** Set for `attributeChanged` and `valueBlanked`: limits count per attribute. */
  readonly attribute: string | null;
  /** Short texts for people and for the digest. */
  readonly before: string;
  readonly after: string;
}

/** What a hold holds: somebody's harm, what is odd about a whole feed (`workerKey` is then ''), or a key that is to change. */
export interface HeldHarm extends Omit<Harm, 'kind'> {
  readonly kind: HarmKind | 'feed' | 'rekey';
}
