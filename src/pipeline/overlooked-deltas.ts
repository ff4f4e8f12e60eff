// Deltas are read once, in the order of their names. One that comes late, under a name that sorts before the last one read, is never
// read, and whoever it says has left keeps access: a person has to know.
import type { JsonValue } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import type { Delivery } from '../sources/source.ts';
import { type Alarm, settleAlarms } from './alarms.ts';
import type { House, LiveConnection } from './house.ts';

const OVERLOOKED = 'feed.overlooked';
const CODES: ReadonlySet<string> = new Set([OVERLOOKED]);

/** Names in one sentence. */
const NAMED_MAX = 3;

const readKey = (connection: string): string => `deltas-read:${connection}`;

const readNames = async (house: House, connection: string): Promise<readonly string[] | null> =>
  (await house.store.setting(readKey(connection))) as readonly string[] | null;

/** To be stored with the checkpoint of a delivery that was accepted. */
export async function deltaRead(
  house: House,
  connection: string,
  { content, name }: Pick<Delivery, 'content' | 'name'>,
): Promise<Readonly<Record<string, JsonValue>>> {
  const names = content === 'delta' ? await readNames(house, connection) : null;
  return names === null || names.includes(name) ? {} : { [readKey(connection)]: [...names, name] };
}

/** At the first look all that lies there counts as read: nobody knows better. Names that are gone are forgotten. */
export async function tellOverlooked(house: House, { connection, source }: LiveConnection): Promise<void> {
  if (source.passed === undefined) return;
  const { name } = connection;
  const passed = await source.passed().catch((error: unknown) => {
    // Whoever reads the feed says so.
    if (error instanceof Problem) return null;
    throw error;
  });
  if (passed === null) return;
  const known = await readNames(house, name);
  const read = new Set(known ?? passed);
  const present = passed.filter((one) => read.has(one));
  if (known === null || present.length < known.length - 1) await house.store.saveSetting(readKey(name), present);
  const overlooked = passed.filter((one) => !read.has(one));
  const more = overlooked.length > NAMED_MAX ? ', …' : '';
  const found: readonly Alarm[] =
    overlooked.length === 0
      ? []
      : [
          {
            code: OVERLOOKED,
            subject: 'source',
            message: `${overlooked.length} delta(s) came late, under names that sort before the last one read, and are never read: ${overlooked.slice(0, NAMED_MAX).join(', ')}${more}`,
            hint: 'give them names that sort behind it, or remove them once a newer file says the same',
          },
        ];
  await settleAlarms(house, name, CODES, found);
}
