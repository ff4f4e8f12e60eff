// Whose leave a guard holds, for the audit: an auditor's report counts them, from the moment their record said so.
import type { EntryDraft, HoldChange, HoldItem } from '../planning/changeset.ts';

/** Kinds of holds whose disables end somebody's access: until a person releases them these people keep it. */
const LEAVER_HOLDS: ReadonlySet<HoldChange['kind']> = new Set([
  'explicitLeaver',
  'inferredLeaver',
  'emergencyLeaver',
  'absence',
]);
/** What a last day that is still to come is held as: nobody has left by it yet. */
const AHEAD = 'last day';
/** Workers of one entry: the log is read a thousand entries at a time. */
const WORKERS_IN_ENTRY_MAX = 1_000;

/** `held` and `freed` entries: who is held now and was not before, and the other way round. */
export function heldLeaverEntries(
  connection: string,
  actor: string,
  { kind, items }: Pick<HoldChange, 'kind' | 'items'>,
  before: readonly HoldItem[],
): readonly EntryDraft[] {
  if (!LEAVER_HOLDS.has(kind)) return [];
  const now = leaversOf(items);
  const then = leaversOf(before);
  return [
    ...entriesOf(
      'held',
      [...now].filter((key) => !then.has(key)),
    ),
    ...entriesOf(
      'freed',
      [...then].filter((key) => !now.has(key)),
    ),
  ];

  function entriesOf(word: 'held' | 'freed', workers: readonly string[]): readonly EntryDraft[] {
    const sorted = workers.toSorted();
    const entries: EntryDraft[] = [];
    for (let from = 0; from < sorted.length; from += WORKERS_IN_ENTRY_MAX) {
      const body = { hold: kind, workers: sorted.slice(from, from + WORKERS_IN_ENTRY_MAX) };
      entries.push({ kind: word, connection, workerKey: null, actor, body });
    }
    return entries;
  }
}

const leaversOf = (items: readonly HoldItem[]): ReadonlySet<string> =>
  new Set(items.filter(({ harm }) => harm.operation !== AHEAD).map(({ harm }) => harm.workerKey));
