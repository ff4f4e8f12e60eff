// What Prometheus reads, and that the shipped rules and the dashboard read the same.
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { buildServer } from '../../src/http/server.ts';
import { readingsOf } from '../../src/pipeline/readings.ts';
import { GAUGES } from '../../src/runtime/meter.ts';
import { comes, crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const shipped = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const metricsOf = async ({ house }: TestHouse): Promise<string> => house.meter.text(await readingsOf(house, '1.2.3'));
/** The value of a series, by its exact text. */
const metric = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly runbook: string };
    }[];
  }[];
}
const rules = (parse(shipped('ops/alerts.yaml')) as Rules).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(shipped('ops/grafana-dashboard.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

describe('metrics', () => {
  it('tell of queues, feeds, holds, failures and leavers, and name nobody', async () => {
    const test = await openTestHouse();
    const people = crowd(30);
    await test.sync(feed(people));
    test.idp.behaviours.add({ method: 'PATCH', body: /false/, act: { kind: 'answer', status: 400, body: '{}' } });
    await test.sync(
      feed(
        people.map((one) =>
          one.id === '1003' ? { ...one, status: 'T' } : one.id === '1004' ? { ...one, start: '' } : one,
        ),
      ),
    );
    test.clock.advance(60_000);
    const text = await metricsOf(test);
    expect(metric(text, 'rollcall_workers{connection="acme",stage="active"}')).toBe(29);
    expect(metric(text, 'rollcall_workers{connection="acme",stage="left"}')).toBe(1);
    expect(metric(text, 'rollcall_leavers_unconfirmed{connection="acme"}')).toBe(1);
    expect(metric(text, 'rollcall_leaver_oldest_seconds')).toBeGreaterThan(60);
    expect(metric(text, 'rollcall_rejections{connection="acme"}')).toBe(1);
    expect(metric(text, 'rollcall_outcomes_total{target="idp",class="done"}')).toBeGreaterThanOrEqual(30);
    expect(metric(text, 'rollcall_outcomes_total{target="idp",class="permanent"}')).toBeGreaterThanOrEqual(1);
    expect(metric(text, 'rollcall_cycles_total{connection="acme",result="done"}')).toBe(2);
    expect(metric(text, 'rollcall_target_state{target="idp"}')).toBe(0);
    expect(metric(text, 'rollcall_build_info{version="1.2.3"}')).toBe(1);
    test.idp.behaviours.clear();
    await test.settle();
    const after = await metricsOf(test);
    expect(metric(after, 'rollcall_leaver_oldest_seconds')).toBe(0);
    expect(metric(after, 'rollcall_leaver_confirmed_seconds_count{target="idp"}')).toBe(1);
    for (const { id, first = `First${id}`, last = `Last${id}` } of people)
      for (const word of [`"${id}"`, first, last]) expect(after).not.toContain(word);
  });

  it('name each of what an on-call engineer has to see: age and depth of lanes, outcomes, cycles, holds, latency, checkpoints, feeds', async () => {
    const test = await openTestHouse();
    const people = crowd(60);
    await test.sync(feed(people));
    test.idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 503 } });
    await test.sync(feed(people.map((one, at) => (at < 2 ? { ...one, status: 'T' } : one))));
    test.idp.behaviours.clear();
    await test.settle();
    await test.act('stop-writes', { exceptLeavers: true });
    await test.sync(
      feed(people.map((one, at) => (at < 6 ? { ...one, status: 'T' } : at === 9 ? { ...one, title: 'Head' } : one))),
    );
    test.clock.advance(90_000);
    const text = await metricsOf(test);
    const value = (series: string): number => metric(text, series) ?? Number.NaN;
    expect(value('rollcall_queue_operations{target="idp",lane="mover",state="queued"}')).toBe(1);
    expect(value('rollcall_queue_oldest_seconds{target="idp",lane="mover"}')).toBeGreaterThanOrEqual(90);
    expect(metric(text, 'rollcall_queue_oldest_seconds{target="idp",lane="joiner"}')).toBeUndefined();
    expect(value('rollcall_outcomes_total{target="idp",class="done"}')).toBeGreaterThan(60);
    expect(
      value('rollcall_outcomes_total{target="idp",class="retry"}') ||
        value('rollcall_outcomes_total{target="idp",class="ambiguous"}'),
    ).toBeGreaterThan(0);
    expect(value('rollcall_cycles_total{connection="acme",result="done"}')).toBe(2);
    expect(value('rollcall_cycles_total{connection="acme",result="held"}')).toBe(1);
    expect(value('rollcall_holds{connection="acme"}')).toBeGreaterThan(0);
    expect(value('rollcall_leaver_confirmed_seconds_count{target="idp"}')).toBe(2);
    expect(value('rollcall_leaver_confirmed_seconds_sum{target="idp"}')).toBeGreaterThan(0);
    expect(value('rollcall_audit_checkpoint_age_seconds')).toBe(-1);
    expect(value('rollcall_feed_age_seconds{connection="acme"}')).toBeGreaterThanOrEqual(90);
    expect(value('rollcall_feed_read_age_seconds{connection="acme"}')).toBeGreaterThanOrEqual(90);
    expect(value('rollcall_writes_stopped{target="*"}')).toBe(1);
  });

  it('stay as few as they are, however many people and whatever words a feed or a target says', async () => {
    const test = await openTestHouse();
    const hostile = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        id: `${from + index}"} 1 rollcall_up{x="`.replaceAll('"', "'"),
        first: `A{le='${index}'}`,
        dept: `Dept ${from + index}`,
      }));
    let said = 0;
    test.idp.behaviours.add({
      method: 'POST',
      path: '/Users',
      act: {
        kind: 'answer',
        status: 400,
        get body() {
          said += 1;
          return JSON.stringify({ scimType: `type ${said}"} 1\nrollcall_up`, detail: `word ${said}` });
        },
      },
    });
    const series = async (): Promise<readonly string[]> =>
      (await metricsOf(test))
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.slice(0, line.lastIndexOf(' ')));
    await test.sync(feed(hostile(0, 5)));
    const before = await series();
    await comes(test, feed(hostile(0, 150)));
    await test.settle();
    expect(said).toBeGreaterThan(100);
    const after = await series();
    expect(after.filter((one) => !before.includes(one) && !one.includes('result="held"'))).toEqual([]);
    expect(after.length).toBeLessThan(120);
    for (const one of after) expect(one).toMatch(/^rollcall_[a-z_]+(?:\{(?:[a-z]+="[A-Za-z0-9_.*+-]*",?)*\})?$/);
  });

  it('forget what is over: a stop that was lifted has no series any more', async () => {
    const test = await openTestHouse();
    await test.act('stop-writes', { target: 'idp' });
    expect(metric(await metricsOf(test), 'rollcall_writes_stopped{target="idp"}')).toBe(1);
    await test.act('resume-writes', { target: 'idp' });
    expect(metric(await metricsOf(test), 'rollcall_writes_stopped{target="idp"}')).toBeUndefined();
  });

  it('are given to whoever has the token, where there is one', async () => {
    const parts = {
      version: '1',
      readiness: async () => ({ ready: true, reasons: [] }),
      metrics: async () => ({ type: 'text/plain', text: 'rollcall_up 1' }),
    };
    const open = buildServer(parts);
    const closed = buildServer({ ...parts, token: 'of-prometheus' });
    onTestFinished(() => Promise.all([open.close(), closed.close()]).then(() => undefined));
    expect((await open.inject('/metrics')).body).toBe('rollcall_up 1');
    expect((await closed.inject('/metrics')).statusCode).toBe(401);
    const asked = await closed.inject({ url: '/metrics', headers: { authorization: 'Bearer of-prometheus' } });
    expect(asked).toMatchObject({ statusCode: 200, body: 'rollcall_up 1' });
  });

  it('are what the shipped alert rules and the dashboard read, and every alert has its runbook', async () => {
    const test = await openTestHouse();
    const text = await metricsOf(test);
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ''));
    for (const name of Object.keys(GAUGES)) expect(known).toContain(name);
    const runbook = shipped('docs/runbook.md').toLowerCase();
    const used = (expr: string): readonly string[] =>
      [...expr.matchAll(/rollcall_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(rules.length).toBeGreaterThan(10);
    for (const { alert, expr, labels, annotations } of rules) {
      expect(used(expr).length, alert).toBeGreaterThan(0);
      for (const name of used(expr)) expect(known, `${alert}: ${name}`).toContain(name);
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations.summary.length).toBeGreaterThan(10);
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(runbook).toContain(`## ${alert.toLowerCase()}\n`);
    }
    // A label that no series carries selects nothing, for ever and silently.
    const labelsOf = new Map(Object.entries(GAUGES).map(([name, [, labels]]) => [name, new Set<string>(labels)]));
    const counted = { rollcall_outcomes_total: ['target', 'class'], rollcall_cycles_total: ['connection', 'result'] };
    const timed = { rollcall_leaver_confirmed_seconds: ['target', 'le'], rollcall_cycle_seconds: ['connection', 'le'] };
    for (const [name, labels] of Object.entries({ ...counted, ...timed })) labelsOf.set(name, new Set(labels));
    const exprs = [
      ...rules.map(({ expr }) => expr),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ];
    for (const expr of exprs) {
      const labels = used(expr).map((name) => labelsOf.get(name) ?? new Set<string>());
      const named = [
        ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) =>
          (list ?? '').split(',').map((one) => one.trim()),
        ),
        ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, list]) =>
          [...(list ?? '').matchAll(/(\w+)\s*(?:=|!)/g)].map(([, one]) => one ?? ''),
        ),
      ];
      for (const label of named)
        expect(
          labels.every((known) => known.has(label)),
          `${expr}: ${label}`,
        ).toBe(true);
    }
    for (const { annotations, expr, alert } of rules)
      for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
        expect(
          used(expr).some((name) => labelsOf.get(name)?.has(label ?? '')),
          `${alert}: ${label}`,
        ).toBe(true);
    expect(dashboard.panels.length).toBeGreaterThan(10);
    for (const { title, targets } of dashboard.panels)
      for (const { expr } of targets) for (const name of used(expr)) expect(known, `${title}: ${name}`).toContain(name);
  });
});
