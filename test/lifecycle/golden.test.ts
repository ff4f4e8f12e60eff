import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decide, decideByChart } from '../../src/lifecycle/decide.ts';
import { REFUSALS } from '../../src/lifecycle/refusals.ts';
import { DELIVERIES, STAGES } from '../../src/lifecycle/standing.ts';
import { standingAt } from '../support/standings.ts';
import { EVENT_TYPES, EVENTS, FACTS_OF, goldenDocument, IMPOSSIBLE, pairsReached } from './golden-tables.ts';

const GOLDEN = new URL('transitions.md', import.meta.url);

function everyCase() {
  return STAGES.flatMap((stage) =>
    FACTS_OF[stage].flatMap(([, facts]) =>
      DELIVERIES.flatMap((delivery) =>
        Object.values(EVENTS)
          .flat()
          .map(([, event]) => ({ standing: { ...standingAt(stage, facts), delivery }, event })),
      ),
    ),
  );
}

describe('the golden document', () => {
  it('says what the code answers', () => {
    const made = goldenDocument();
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, made);
    expect(made).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  it('names a transition or an explanation for every pair of stages, and never both', () => {
    const reached = pairsReached();
    for (const from of STAGES) {
      for (const to of STAGES) {
        if (from === to) continue;
        const pair = `${from} → ${to}`;
        expect(reached.has(pair), pair).toBe(IMPOSSIBLE[pair] === undefined);
      }
    }
    for (const by of reached.values()) expect([...by].join()).not.toContain('unnamed');
  });
});

describe('every stage, delivery and event', () => {
  it('is accepted or refused with a reason, and never throws', () => {
    for (const { standing, event } of everyCase()) {
      const decision = decide(standing, event);
      if (decision.kind === 'refused') {
        expect(decision.code).toMatch(/^[a-z-]+$/);
        expect(decision.reason.length).toBeGreaterThan(20);
      } else {
        expect(decision.changed).toBe(decision.to !== standing);
      }
    }
  });

  it('is decided alike from memory and by the chart', () => {
    for (const { standing, event } of everyCase()) {
      expect(decide(standing, event)).toEqual(decideByChart(standing, event));
    }
  });

  it('starts a delivery exactly when operations are named', () => {
    for (const { standing, event } of everyCase()) {
      const decision = decide(standing, event);
      if (decision.kind === 'refused' || event.type.startsWith('delivery')) continue;
      expect(decision.to.delivery).toBe(decision.operations.length > 0 ? 'delivering' : standing.delivery);
    }
  });

  it('uses every reason that is listed', () => {
    const used = new Set(
      everyCase().flatMap(({ standing, event }) => {
        const decision = decide(standing, event);
        return decision.kind === 'refused' ? [`${standing.stage} ${event.type} ${decision.code}`] : [];
      }),
    );
    for (const stage of STAGES) {
      for (const type of EVENT_TYPES) {
        const listed = (REFUSALS[stage] as Partial<Record<string, { code: string }>>)[type];
        if (listed !== undefined) expect(used).toContain(`${stage} ${type} ${listed.code}`);
      }
    }
  });
});
