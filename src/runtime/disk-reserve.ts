// What is left on a disk that is nearly full is for leavers: the ballast is given away, and everybody else waits. Without it the database
// would run into the end of the disk, and no start after that would get far enough to end anybody's access.
import { BALLAST_BYTES, hasBallast, makeBallast, releaseBallast } from './ballast.ts';
import { MEBIBYTE } from './disk-room.ts';
import type { Logger } from './log.ts';

/** The database's log alone may take this before it is written back. */
const RELEASED_BELOW = 16 * MEBIBYTE;
/** Then somebody has made room: the ballast alone does not bring so much. */
const ROOMY_FROM = RELEASED_BELOW + BALLAST_BYTES + 16 * MEBIBYTE;
/** With so much the ballast is no burden. */
const BALLAST_FROM = ROOMY_FROM + 2 * BALLAST_BYTES;

export interface DiskReserveParts {
  readonly dir: string;
  /** Free bytes for us; null where nobody can say, or nothing is written. */
  readonly room: () => Promise<number | null>;
  readonly log: Logger;
}

export class DiskReserve {
  readonly room: () => Promise<number | null>;
  readonly #dir: string;
  readonly #log: Logger;
  #isTight = false;
  /** A quota, or a limit on files: it would fail at every look. */
  #canLoad = true;

  constructor({ dir, room, log }: DiskReserveParts) {
    this.#dir = dir;
    this.room = room;
    this.#log = log;
  }

  /** Nothing but the end of somebody's access may take what room is left. */
  get isTight(): boolean {
    return this.#isTight;
  }

  /** Gives the ballast away where room is short. A start looks before it writes anything. */
  async look(): Promise<void> {
    const room = await this.room();
    if (room === null) return;
    const held = await hasBallast(this.#dir);
    if (room >= ROOMY_FROM) this.#isTight = false;
    // A process that ended meanwhile may have given it away: what it left is for leavers, too.
    else if (room < RELEASED_BELOW || (!held && room < RELEASED_BELOW + BALLAST_BYTES)) this.#isTight = true;
    if (room >= RELEASED_BELOW) return;
    await releaseBallast(this.#dir);
    if (held) this.#log.error({ room }, 'the disk is nearly full: the ballast was given away for leavers');
  }

  /** Takes the ballast up again once there is plenty of room. */
  async load(): Promise<void> {
    const room = await this.room();
    if (room === null || room < BALLAST_FROM || !this.#canLoad || (await hasBallast(this.#dir))) return;
    const failed = await makeBallast(this.#dir);
    if (failed === null) return;
    this.#canLoad = false;
    this.#log.warn({ code: failed }, 'no ballast could be made in the state folder');
  }
}
