// Tells what happens once everybody has arrived, out of the audit and the reports of cycles, until the demo stops.
import type { RunningDaemon } from '../daemon.ts';
import { Bell, type House } from '../pipeline/house.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import type { Entry } from '../store/store.ts';
import { DEMO_CONNECTION } from './demo-house.ts';
import { type Happening, Happenings } from './happenings.ts';

export interface Later {
  readonly cycle: (report: CycleReport) => Promise<void> | void;
  /** `name` as HR has it. */
  readonly happening: (happening: Happening, name: string) => Promise<void> | void;
  /** A hold of this kind holds nothing any more. */
  readonly holdClosed: (kind: string) => Promise<void> | void;
}

/** Acts of other processes and the calendar ring no bell here. */
const LOOK_AGAIN_MS = 500;
/** Entries read at once; a company of sixty writes fewer between two looks. */
const ENTRIES_MAX = 5_000;

/** @param since sequence number of the last entry that was told already. */
export async function tellLater(
  house: House,
  daemon: RunningDaemon,
  since: number,
  later: Later,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = house;
  const happenings = new Happenings();
  const reports: CycleReport[] = [];
  const news = new Bell();
  daemon.onCycle((report) => {
    reports.push(report);
    news.ring();
  });
  let told = since;
  while (!signal.aborted) {
    const known = news.rings;
    for (const report of reports.splice(0)) await later.cycle(report);
    const entries = (await store.audit.tail(ENTRIES_MAX, { connection: DEMO_CONNECTION })).filter(
      ({ seq }) => seq > told,
    );
    told = entries.at(-1)?.seq ?? told;
    for (const { kind, body } of entries) {
      if (kind === 'hold' && body.items === 0) await later.holdClosed(String(body.hold));
    }
    for (const happening of happenings.take(entries)) await later.happening(happening, await nameOf(house, happening));
    await news.after(known, clock, LOOK_AGAIN_MS, signal);
  }
}

export const lastEntry = async ({ store }: House): Promise<number> => {
  const [entry]: readonly Entry[] = await store.audit.tail(1);
  return entry?.seq ?? 0;
};

async function nameOf({ store }: House, { workerKey }: Happening): Promise<string> {
  const situation = (await store.situations(DEMO_CONNECTION, [workerKey])).get(workerKey);
  const attributes = situation?.employments[0]?.attributes ?? {};
  return [attributes.givenName, attributes.familyName].filter((part) => part !== undefined).join(' ');
}
