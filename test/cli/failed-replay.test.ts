// On call, through the command line: failed, replay, skip.
import { describe, expect, it } from 'vitest';
import { type Company, company, people, type Row } from '../support/cli.ts';

const REFUSAL = JSON.stringify({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
  status: '400',
  scimType: 'invalidValue',
  detail: 'department "Sales" is not known',
});

async function failing(rows: readonly Row[]): Promise<Company & { readonly mend: () => void }> {
  const house = await company();
  const mend = house.idp.behaviours.add({
    method: 'POST',
    path: '/Users',
    act: { kind: 'answer', status: 400, body: REFUSAL },
  });
  house.feed(rows);
  expect((await house.cli('sync')).code).toBe(1);
  return { ...house, mend };
}

describe('rollcall failed and replay', () => {
  it('name the cause once, show what would be sent, replay it in stages, and have nothing left to do', async () => {
    const house = await failing(people(14));
    const failed = await house.cli('failed');
    expect(failed.code).toBe(0);
    expect(failed.stdout).toContain('400 invalidValue  14 ×');
    expect(failed.stdout).toContain('the target says: department "Sales" is not known');
    const [, printed] = /replay: rollcall (.*)$/m.exec(failed.stdout) ?? [];
    const args = (printed ?? '').replace('"…"', 'mended').split(' ');
    const shown = await house.cli(...args.filter((word) => !['--reason', 'mended'].includes(word)), '--preview');
    expect(shown.stdout).toContain('14 worker(s): 14 would go out again');
    expect(shown.stdout).toContain('POST /Users {');
    expect(shown.stdout).toContain('nothing was sent or stored');
    const refused = await house.cli(...args, '--json');
    expect(refused.code).toBe(1);
    expect(refused.json).toMatchObject({ failures: 14, done: 0, left: 13, stages: [{ operations: 1, ordered: 1 }] });
    house.mend();
    const before = house.idp.writes().length;
    const again = await house.cli(...args, '--json');
    expect(again.code).toBe(0);
    expect(again.json).toMatchObject({ failures: 14, done: 14, left: 0 });
    expect(again.json.stages.map(({ operations }: { operations: number }) => operations)).toEqual([1, 10, 3]);
    expect(house.idp.writes()).toHaveLength(before + 14);
    expect((await house.cli(...args)).stdout).toBe('nothing has failed that fits\n');
    expect(house.idp.writes()).toHaveLength(before + 14);
    expect((await house.cli('failed')).stdout).toBe('nothing has failed\n');
  });

  it('set a failure aside, which then counts for nobody until it comes back', async () => {
    const house = await failing(people(1));
    const { json } = await house.cli('failed', '--list', '--json');
    const id = String(json.list[0].operation);
    const skip = await house.cli('skip', id, '--hours', '2', '--reason', 'the department is made tomorrow');
    expect(skip.code).toBe(0);
    expect(skip.stdout).toContain('set aside 1 failure(s) until');
    expect((await house.cli('status', '--check')).code).toBe(0);
    expect((await house.cli('failed')).stdout).toContain('set aside by Olga until');
  });

  it('want to be told which, by whom and why', async () => {
    const house = await failing(people(1));
    expect((await house.cli('replay', '--reason', 'x')).stderr).toContain('replay needs to know which failures');
    expect((await house.cli('replay', '--all', '--cause', 'abcd1234', '--reason', 'x')).code).toBe(2);
    expect((await house.cli('replay', '--all')).stderr).toContain('needs a reason');
    expect((await house.cli('skip', '--reason', 'x')).code).toBe(2);
    expect((await house.cli('failed', '--transition', 'promotion')).stderr).toContain('promotion is no transition');
    expect((await house.cli('failed', '--older-than', 'long')).code).toBe(2);
  });
});
