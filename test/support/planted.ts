// Values that must never come out where nobody asked for them: each is a word that stands nowhere else, known by what it is.
import { createHash } from 'node:crypto';

export interface Planted {
  readonly what: string;
  readonly value: string;
  /** A secret may stand nowhere at all; a personal value where people are shown it. */
  readonly secret: boolean;
}

export class Garden {
  readonly all: Planted[] = [];

  /** A word of 14 letters, such as `Zqfamilyname…` would be guessed: it is made of a digest instead. */
  name(what: string): string {
    const letters = createHash('sha256')
      .update(`${what} ${this.all.length}`)
      .digest('hex')
      .replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '');
    return this.add(what, `Zq${letters.slice(0, 12)}`, false);
  }

  phone(what: string): string {
    const digits = BigInt(`0x${createHash('sha256').update(`${what} ${this.all.length}`).digest('hex').slice(0, 16)}`);
    return this.add(what, `+4999${String(digits).padStart(12, '0').slice(0, 12)}`, false);
  }

  secret(what: string): string {
    return this.add(
      what,
      `sq${createHash('sha256').update(`${what} ${this.all.length}`).digest('hex').slice(0, 36)}`,
      true,
    );
  }

  add(what: string, value: string, secret: boolean): string {
    this.all.push({ what, value, secret });
    return value;
  }

  /** What stands in a text that should not: in any case, and as base64 writes it. `of`: only these. */
  foundIn(text: string, of: (one: Planted) => boolean = () => true): readonly string[] {
    const lower = text.toLowerCase();
    return this.all
      .filter(of)
      .filter(({ value }) => formsOf(value).some((form) => (form === form.toLowerCase() ? lower : text).includes(form)))
      .map(({ what }) => what);
  }
}

/** Base64 in each of the three places at which a value can begin; its edges depend on what stands around it. */
function formsOf(value: string): readonly string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'.'.repeat(offset)}${value}`)
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(offset === 0 ? 0 : offset + 1, -2);
  });
  return [
    value.toLowerCase(),
    encodeURIComponent(value).toLowerCase(),
    ...encoded.filter((form) => form !== form.toLowerCase()),
  ];
}
