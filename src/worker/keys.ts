// What a key that HR has changed stands for: records, managers and persons are named by keys.
import type { Employment, LaterRow } from './worker.ts';

/** Former key → the one that stands for it now. */
export type FormerKeys = ReadonlyMap<string, string>;

/** The employment under the keys of today; the very same one where it names no former key. */
export function underKeysOfToday(employment: Employment, former: FormerKeys): Employment {
  if (former.size === 0) return employment;
  const today = (key: string): string => former.get(key) ?? key;
  const { id, personId, managerId, later } = employment;
  const rows = later?.map((row) => laterToday(row, former));
  const moved = rows?.some((row, index) => row !== later?.[index]) === true;
  if (today(id) === id && today(personId) === personId && today(managerId) === managerId && !moved) return employment;
  return {
    ...employment,
    id: today(id),
    personId: today(personId),
    managerId: today(managerId),
    ...(rows === undefined ? {} : { later: rows }),
  };
}

function laterToday(row: LaterRow, former: FormerKeys): LaterRow {
  const managerId = former.get(row.facts.managerId);
  return managerId === undefined ? row : { ...row, facts: { ...row.facts, managerId } };
}
