import { describe, expect, test } from 'vitest';
import { hostilePosts } from '../corpus/webhook/hostile.ts';
import {
  EMERGENCY_SECRET,
  HINT_SECRET,
  HOOK_ENVIRONMENT,
  HOOKS,
  hmacHex,
  hookDesk,
  RECORD_SECRET,
} from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const PATHS = { hint: '/hooks/acme', record: '/hooks/acme-records', emergency: '/hooks/acme-emergency' };
const SECRETS = { hint: HINT_SECRET, record: RECORD_SECRET, emergency: EMERGENCY_SECRET };

describe('hostile requests to webhooks', () => {
  test('come in fifty forms or more', () => {
    expect(new Set(hostilePosts.map(({ name }) => name)).size).toBe(hostilePosts.length);
    expect(hostilePosts.length).toBeGreaterThanOrEqual(50);
  });

  test('are refused or rejected with a reason, one after the other at one house, and nobody loses anything', async () => {
    const house = await openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
    await house.sync(feed(crowd(12)));
    const desk = hookDesk(house);
    const writes = house.idp.writes().length;
    const rejections = async (): Promise<number> =>
      (await house.house.store.hooks('acme')).reduce((sum, { rejected }) => sum + rejected, 0);
    const wrong: string[] = [];
    for (const { name, hook, body, headers = {}, signature, status, end } of hostilePosts) {
      const before = await rejections();
      const timestamp = String(Math.floor(house.clock.nowMs() / 1_000));
      const signed = hook === 'emergency' ? [body] : [timestamp, '.', body];
      const all: Record<string, string | null> = {
        'content-type': 'application/json',
        'x-timestamp': timestamp,
        'x-signature': signature ?? hmacHex(SECRETS[hook], ...signed),
        ...headers,
      };
      const given = Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
      );
      const answer = await desk.server.inject({ method: 'POST', url: PATHS[hook], headers: given, payload: body });
      await desk.take();
      const told = (await rejections()) - before;
      const seen = `${answer.statusCode} ${answer.statusCode === 202 ? (told > 0 ? 'rejected' : 'harmless') : 'refused'}`;
      if (seen !== `${status} ${end}`) wrong.push(`${name}: ${seen} instead of ${status} ${end}`);
      if (/1003|Ada|secret/i.test(answer.body)) wrong.push(`${name}: the answer says too much`);
      // Another second, so that the same body is another request.
      house.clock.advance(1_000);
    }
    expect(wrong).toEqual([]);
    await house.settle(60_000);
    expect(house.idp.writes()).toHaveLength(writes);
    expect(Object.keys(Object.prototype)).toEqual([]);
    for (const { rejectedFor } of await house.house.store.hooks('acme'))
      expect(rejectedFor ?? '').not.toMatch(/1003|Ada/);
  });
});
