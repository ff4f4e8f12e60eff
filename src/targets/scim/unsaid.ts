// What a target says is kept and shown to people. Some repeat what they were sent, credentials and passwords included: these are taken
// out before anything is made of their words.

/** Shorter ones stand in ordinary words by chance. */
const SECRET_LENGTH_MIN = 8;
const UNSAID = '***';

/** The text without these secrets. */
export function unsaid(text: string, secrets: readonly string[]): string {
  let said = text;
  for (const secret of secrets) {
    if (secret.length < SECRET_LENGTH_MIN) continue;
    // As it is, and as a JSON text writes it.
    for (const written of new Set([secret, JSON.stringify(secret).slice(1, -1)]))
      said = said.replaceAll(written, UNSAID);
  }
  return said;
}

/** All that the headers of a request prove: each value, what follows its scheme, and for Basic what it is made of (RFC 7617). */
export function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(headers).flatMap((value) => {
    const [, scheme = '', shown = ''] = /^(\S+) +(\S+)$/.exec(value) ?? [];
    if (scheme.toLowerCase() !== 'basic') return [value, shown];
    const pair = Buffer.from(shown, 'base64').toString('utf8');
    return [value, shown, pair, pair.slice(pair.indexOf(':') + 1)];
  });
}
