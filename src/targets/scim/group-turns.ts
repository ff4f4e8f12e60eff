// A group that is written whole is read and written by one of us at a time: two that both read it before either wrote would undo
// each other's change, and where there are no tags nobody would notice.

export interface GroupTurns {
  /** Runs the work when all that was asked for before it of the same group has ended. */
  readonly take: <T>(groupId: string, work: () => Promise<T>) => Promise<T>;
}

export function groupTurns(): GroupTurns {
  /** The last of each group that somebody waits for or works on. */
  const last = new Map<string, Promise<unknown>>();
  return {
    take: (groupId, work) => {
      const mine = (last.get(groupId) ?? Promise.resolve()).then(work);
      const ended = mine
        .catch(() => undefined)
        .finally(() => {
          if (last.get(groupId) === ended) last.delete(groupId);
        });
      last.set(groupId, ended);
      return mine;
    },
  };
}
