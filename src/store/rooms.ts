// The parts of the store over one connection to the database, made once.
import { accountsOf } from './accounts.ts';
import { actsOf } from './acts.ts';
import { alarmsOf } from './alarms.ts';
import { appenderOf, entryReaderOf } from './audit.ts';
import { checkpointsOf } from './checkpoints.ts';
import { claimsOf } from './claim.ts';
import { erasureOf } from './erasure.ts';
import { factsOf } from './facts.ts';
import { fingerprintsOf } from './fingerprints.ts';
import { groupsOf } from './groups.ts';
import { guardWindowOf } from './guard-window.ts';
import { holdsOf } from './holds.ts';
import { hookEventsOf } from './hook-events.ts';
import { inventoryOf } from './inventory.ts';
import { laidOutOf } from './laid-out.ts';
import { namesOf } from './names.ts';
import { outboxOf } from './outbox.ts';
import { pendingOf } from './pending.ts';
import { queueOf } from './queue.ts';
import { rekeyingOf } from './rekeying.ts';
import { retentionOf } from './retention.ts';
import { segmentsOf } from './segments.ts';
import { settingsOf } from './settings.ts';
import { skipsOf } from './skips.ts';
import type { Sql } from './sql.ts';
import { talliesOf } from './tallies.ts';
import { unpairedOf } from './unpaired.ts';
import { withheldNamesOf } from './withheld-names.ts';
import { workersOf } from './workers.ts';

export type Rooms = ReturnType<typeof roomsOf>;

export function roomsOf(sql: Sql, randomBytes: (length: number) => Uint8Array) {
  const connections = namesOf(sql, 'connections');
  const targets = namesOf(sql, 'targets');
  const tallies = talliesOf(sql);
  const settings = settingsOf(sql);
  const withheld = withheldNamesOf(sql, settings, randomBytes);
  const accounts = accountsOf(sql, targets, withheld);
  const groups = groupsOf(sql);
  const workers = workersOf(sql, tallies);
  const outbox = outboxOf(sql, targets, tallies);
  const pending = pendingOf(sql);
  const appender = appenderOf(sql, randomBytes);
  return {
    connections,
    targets,
    tallies,
    accounts,
    groups,
    workers,
    rekeying: rekeyingOf(sql, { workers, outbox, pending, tallies }),
    erasure: erasureOf(sql, { accounts, workers, withheld }),
    outbox,
    claims: claimsOf(sql, { accounts, groups, connections, targets, tallies }),
    queue: queueOf(sql, connections, targets, tallies),
    appender,
    entries: entryReaderOf(sql),
    fingerprints: fingerprintsOf(sql),
    laidOut: laidOutOf(sql, { accounts, appender, tallies, targets, withheld }),
    checkpoints: checkpointsOf(sql, connections),
    holds: holdsOf(sql, connections),
    guardWindow: guardWindowOf(sql),
    acts: actsOf(sql),
    inventory: inventoryOf(sql),
    settings,
    retention: retentionOf(sql, settings),
    withheld,
    unpaired: unpairedOf(sql, { accounts, targets, withheld, workers }),
    pending,
    alarms: alarmsOf(sql, connections),
    facts: factsOf(sql),
    hookEvents: hookEventsOf(sql, connections),
    skips: skipsOf(sql),
    segments: segmentsOf(sql),
  };
}
