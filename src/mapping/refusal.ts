/**
 * Why an expression gave no value for this record: HR's data or the mapping is to blame, never the program.
 * `reason` may name tables, formats and the words found in them, never other personal values.
 */
export class Refusal extends Error {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.name = 'Refusal';
    this.code = code;
    this.reason = reason;
  }
}
