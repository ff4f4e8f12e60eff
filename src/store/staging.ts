// What may be large is written in slices beforehand, invisible until one short transaction refers to it: the items of a hold
// that a bad feed fills, and the listing of a target.
import type { CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import type { HoldChange } from '../planning/changeset.ts';
import type { StagedHolds } from './commit.ts';
import { holdContent } from './holds.ts';
import type { Rooms } from './rooms.ts';
import type { Sweeper } from './sweeper.ts';
import type { WrittenChangeset } from './written.ts';

/** Items of a hold written in one transaction; a hold with more is staged. */
export const HOLD_SLICE = 500;
/** Accounts of a listing written in one transaction. */
const INVENTORY_SLICE = 200;
const SMALL = 1;

/** A listing that is being written: the numbers of its target and of its version. */
export interface StagedListing {
  readonly target: number;
  readonly version: number;
}

/** An account of a listing with the values by which it may be found. */
export interface FoundAccount {
  readonly account: ListedAccount;
  readonly values: readonly CorrelationValue[];
}

export interface Staging {
  /** Versions for the large holds of this changeset; the caller releases them from the sweeper once it is committed. */
  readonly holds: (changeset: WrittenChangeset) => Promise<StagedHolds>;
  readonly beginListing: (target: string) => Promise<StagedListing>;
  readonly addToListing: (listing: StagedListing, accounts: readonly FoundAccount[]) => Promise<void>;
  readonly showListing: (listing: StagedListing) => Promise<number>;
  readonly endListing: (listing: StagedListing) => void;
}

interface StagingParts {
  readonly write: <T>(weight: number, job: () => T) => Promise<T>;
  readonly sweeper: Sweeper;
}

export function stagingOf(rooms: Rooms, { write, sweeper }: StagingParts): Staging {
  const stageHold = async (change: HoldChange): Promise<number> => {
    const content = holdContent(change.items);
    const version = await write(SMALL, () => {
      const id = rooms.holds.newVersion(content);
      sweeper.keep('hold', id);
      return id;
    });
    for (let from = 0; from < content.items.length; from += HOLD_SLICE) {
      await write(HOLD_SLICE / 4, () => rooms.holds.addItems(version, content.items.slice(from, from + HOLD_SLICE)));
    }
    return version;
  };

  return {
    holds: async (changeset) => {
      const staged = new Map<string, number>();
      for (const change of changeset.holds ?? []) {
        if (change.items.length <= HOLD_SLICE) continue;
        const connection = rooms.connections.id(changeset.connection);
        const present = connection === null ? null : rooms.holds.presentDigest(connection, change.kind);
        if (present !== holdContent(change.items).digest) staged.set(change.kind, await stageHold(change));
      }
      return staged;
    },
    beginListing: (target) =>
      write(SMALL, () => {
        const id = rooms.targets.idForWriting(target);
        const version = rooms.inventory.newVersion(id);
        sweeper.keep('inventory', version);
        return { target: id, version };
      }),
    addToListing: async ({ version }, accounts) => {
      for (let from = 0; from < accounts.length; from += INVENTORY_SLICE) {
        const slice = accounts.slice(from, from + INVENTORY_SLICE);
        await write(INVENTORY_SLICE / 2, () => {
          for (const { account, values } of slice) rooms.inventory.add(version, account, values);
        });
      }
    },
    showListing: ({ target, version }) => write(SMALL, () => rooms.inventory.show(target, version)),
    endListing: ({ version }) => {
      sweeper.release('inventory', version);
      sweeper.start();
    },
  };
}
