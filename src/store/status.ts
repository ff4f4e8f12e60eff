// Counts for `status`, from tallies and a few rows: never a walk over all workers.
import type { Instant } from '../base/instant.ts';
import type { Delivery, Stage } from '../lifecycle/standing.ts';
import type { Overview } from './door.ts';
import type { Rooms } from './rooms.ts';
import type { Sql } from './sql.ts';

export interface Status {
  readonly overview: () => Overview;
  readonly population: (connection: number) => { readonly workers: number; readonly active: number };
  readonly unsettled: (connection: number) => number;
}

/** Stages in which a person works here: what the guard's shares are taken of. */
const WORKING: ReadonlySet<string> = new Set<Stage>(['active', 'onLeave']);

export function statusOf(sql: Sql, rooms: Rooms): Status {
  const connections = sql.prepare<[], { id: number; name: string }>(
    // Acts on the house as a whole are of no connection.
    "SELECT id, name FROM connections WHERE name <> '' ORDER BY name",
  );

  const workersBy = (connection: number) => rooms.tallies.all('worker').filter((row) => row.scope === connection);
  const population: Status['population'] = (connection) => {
    let workers = 0;
    let active = 0;
    for (const row of workersBy(connection)) {
      workers += row.count;
      if (WORKING.has(row.a)) active += row.count;
    }
    return { workers, active };
  };

  return {
    population,
    unsettled: (connection) =>
      workersBy(connection).reduce((sum, row) => (row.b === ('settled' satisfies Delivery) ? sum : sum + row.count), 0),
    overview: () => ({
      connections: connections.all().map(({ id, name }) => {
        const stages: Partial<Record<Stage, number>> = {};
        const deliveries: Partial<Record<Delivery, number>> = {};
        for (const row of workersBy(id)) {
          const stage = row.a as Stage;
          const delivery = row.b as Delivery;
          stages[stage] = (stages[stage] ?? 0) + row.count;
          deliveries[delivery] = (deliveries[delivery] ?? 0) + row.count;
        }
        const nextDue: Instant | null = rooms.workers.nextDue(id);
        return {
          connection: name,
          workers: population(id).workers,
          stages,
          deliveries,
          suspected: rooms.workers.suspectedCount(id),
          rejections: rooms.checkpoints.rejectionCount(id),
          openHolds: rooms.holds.openCount(id),
          lastCycle: rooms.checkpoints.cycles(id, 1)[0] ?? null,
          checkpoint: rooms.checkpoints.find(id),
          nextDue,
        };
      }),
      queue: rooms.queue.depths(),
      entries: rooms.entries.count(),
    }),
  };
}
