// Bounds on evaluation. The expression library bounds parsing only, so every text and list that an expression touches is
// charged here; what would take too long is refused, whatever the record holds.
import { Refusal } from './refusal.ts';

/** Longest text an expression may read or make (UTF-16 units). */
export const TEXT_MAX = 65_536;
/** Longest list an expression may read, make or walk through. */
export const LIST_MAX = 100;
/** Most members, counted at every depth, of one nested JSON value. */
export const NESTED_MAX = 2_000;
/**
 * Units of work one evaluation may cost; a unit is about one character touched once. The dearest unit that was found
 * takes 60 ns, which keeps the slowest expression well under 50 ms.
 */
export const WORK_MAX = 200_000;
/** An error inside `||`, `&&`, `exists` or `coalesce` is forgotten, but making it took some 20 µs. */
const FORGOTTEN_ERROR_UNITS = 2_000;

/** What a call of a dear function costs besides the length of its text: it takes a microsecond or more. */
export const DEAR_CALL_UNITS = 100;

/** One for all: an expression that goes on after it must not pay for a stack each time. */
const TOO_COSTLY = new Refusal('too-costly', 'an expression would take too long on this record');

export class Meter {
  private left = WORK_MAX;

  /** To be called before each evaluation. */
  start(): void {
    this.left = WORK_MAX;
  }

  /** To be called after each evaluation: what went too far may have been forgotten on the way. */
  finish(): void {
    if (this.left < 0) throw TOO_COSTLY;
  }

  charge(units: number): void {
    this.left -= units;
    if (this.left < 0) throw TOO_COSTLY;
  }

  forgottenError(): void {
    this.left -= FORGOTTEN_ERROR_UNITS;
  }

  text(length: number): void {
    if (length > TEXT_MAX)
      throw new Refusal('too-long', `an expression meets a text longer than ${TEXT_MAX} characters`);
    this.charge(length);
  }

  list(length: number): void {
    if (length > LIST_MAX)
      throw new Refusal('too-long', `an expression meets a list of more than ${LIST_MAX} elements`);
    this.charge(length);
  }

  /** Charges a value that an expression has just met, by what touching all of it may cost. Returns it. */
  value<T>(value: T): T {
    if (typeof value === 'string') this.text(value.length);
    else if (Array.isArray(value)) this.elements(value, 0);
    else if (value instanceof Map) this.charge(1);
    return value;
  }

  private elements(list: readonly unknown[], depth: number): void {
    this.list(list.length);
    for (const element of list) {
      if (typeof element === 'string') this.charge(element.length);
      // Deeper lists were charged when they were made; two levels are as deep as macros, which do not nest, can reach.
      else if (Array.isArray(element) && depth < 2) this.elements(element, depth + 1);
    }
  }
}
