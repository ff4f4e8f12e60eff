/** Words longer than this are not compared: a suggestion for them would help nobody. */
const WORD_LENGTH_MAX = 80;

/** The candidate closest to a misspelt word, or null when none is close (a third of its letters may differ, case counts for nothing). */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length === 0 || word.length > WORD_LENGTH_MAX) return null;
  const wanted = folded(word);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > WORD_LENGTH_MAX) continue;
    const distance = editDistance(wanted, folded(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "x"?`, else what there is to choose from. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  if (near !== null) return `did you mean "${near}"?`;
  return candidates.length === 0 ? 'there are none' : `there are: ${shortList(candidates)}`;
}

const SHOWN_MAX = 40;

export function shortList(words: readonly string[]): string {
  const shown = words.slice(0, SHOWN_MAX).join(', ');
  return words.length > SHOWN_MAX ? `${shown} and ${words.length - SHOWN_MAX} more` : shown;
}

/** HR columns differ mostly in case, blanks and joints. */
const folded = (word: string): string => word.toLowerCase().replace(/[\s_\-#]/g, '');

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(distance);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
