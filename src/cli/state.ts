// The state folder without the house: for commands that read, and for acts beside a running daemon.
import { randomBytes } from 'node:crypto';
import { nowOf } from '../runtime/clock.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Session } from './desk.ts';

/** @throws Problem `state.missing` where nothing was ever stored. */
export const openState = ({ config, desk }: Session, mode: 'read' | 'guest'): Promise<Store> =>
  openStore({ dir: config.stateDir, mode, now: () => nowOf(desk.clock), randomBytes: (length) => randomBytes(length) });
