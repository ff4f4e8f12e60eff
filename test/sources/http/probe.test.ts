import { describe, expect, it } from 'vitest';
import { openHttpDesk, records } from '../../support/http-desk.ts';

const LIST = { list: { path: '/people', recordPath: 'items', paging: { kind: 'page', total: 'total' } } };
const never = new AbortController().signal;

describe('probing a source', () => {
  it('tells of credentials, of changes and of weak proof, and reads nothing else', async () => {
    const source = {
      list: { path: '/people', recordPath: 'items' },
      auth: { kind: 'bearer', token: '${env:T}' },
      changes: { path: '/changed', recordPath: 'ids', records: true, query: { since: '{since}' } },
    };
    const desk = await openHttpDesk(source, () => ({ body: { ids: records(3) } }), { T: 'x' });
    const findings = await desk.patiently(desk.source.probe?.(desk.clock.now(), never) ?? Promise.resolve([]));
    expect(findings.map(({ code, verdict }) => `${code} ${verdict}`)).toEqual([
      'source.credentials good',
      'source.changes good',
      'source.proof note',
    ]);
    expect(findings[1]?.message).toContain('3 worker(s)');
    expect(desk.asked.map(({ path }) => path)).toEqual(['/changed']);
  });

  it('says what is missing', async () => {
    const changes = { path: '/changed', records: true };
    const forbidden = await openHttpDesk({ ...LIST, changes }, () => ({ status: 403 }));
    expect(
      await forbidden.patiently(forbidden.source.probe?.(forbidden.clock.now(), never) ?? Promise.resolve([])),
    ).toEqual([
      expect.objectContaining({ code: 'source.credentials', verdict: 'note' }),
      expect.objectContaining({ code: 'source.changes', verdict: 'failed', hint: expect.stringContaining('right') }),
    ]);
    const missing = await openHttpDesk({ ...LIST, changes, auth: { kind: 'bearer', token: '${env:T}' } }, () => ({}));
    expect(await missing.patiently(missing.source.probe?.(missing.clock.now(), never) ?? Promise.resolve([]))).toEqual([
      expect.objectContaining({
        code: 'source.credentials',
        verdict: 'failed',
        message: expect.stringContaining('T is not set'),
      }),
    ]);
    expect(missing.asked).toEqual([]);
  });
});
