// What makes a worker's key may not change under people who are on file: everybody would be somebody else, the old ones only
// absent. A changed `worker.id` stops the connection's deliveries with a message and does nothing else (design section 5).
import { Problem } from '../base/problem.ts';
import type { House, LiveConnection } from './house.ts';
import { limitsApprovedKey } from './limits-in-force.ts';

const keyedBy = (connection: string): string => `keyed-by:${connection}`;

/** Characters of a digest that name a mapping in a message. */
const SHORT_DIGEST = 8;

/** @throws Problem when the people on file were read by another `worker.id` and nobody has approved this mapping. */
export async function refuseOtherKeys(house: House, { connection }: LiveConnection): Promise<void> {
  const { name, digest, keyExpression } = connection;
  const before = await house.store.setting(keyedBy(name));
  if (before === null || before === keyExpression) return;
  if ((await house.store.setting(limitsApprovedKey(name))) === digest) return;
  throw new Problem({
    code: 'mapping.worker-id',
    message: `the people of ${name} are on file by worker.id = ${String(before)}; by ${keyExpression} they would all be new`,
    hint: `bring the expression back; where HR only renamed the column and every value is the same: rollcall approve ${digest.slice(0, SHORT_DIGEST)} --reason "…"`,
    place: { file: connection.file, key: 'worker.id' },
  });
}

/** A whole delivery was judged by this expression. */
export async function rememberKey(house: House, { connection }: LiveConnection): Promise<void> {
  if ((await house.store.setting(keyedBy(connection.name))) === connection.keyExpression) return;
  await house.store.saveSetting(keyedBy(connection.name), connection.keyExpression);
}
