// Alarms that stand, and what further sources said last, as people read them.
import type { Instant } from '../base/instant.ts';
import type { RaisedAlarm } from '../store/store.ts';
import type { Further } from '../views/status.ts';
import { ago, grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

/** Beyond so many nobody reads them one by one; `--json` has all. */
const ALARMS_SHOWN = 20;

export function alarmLines(paper: Paper, alarms: readonly RaisedAlarm[], at: Instant): readonly string[] {
  if (alarms.length === 0) return [];
  const lines = alarms
    .slice(0, ALARMS_SHOWN)
    .flatMap(({ connection, message, hint, raisedAt }) => [
      toned(paper, 'bad', harmless(`ALARM ${connection}: ${message} (since ${ago(raisedAt, at)})`)),
      ...(hint === null ? [] : [toned(paper, 'dim', harmless(`      ${hint}`))]),
    ]);
  const more = alarms.length - ALARMS_SHOWN;
  return [...lines, ...(more > 0 ? [`and ${grouped(more)} more alarms: rollcall status --json`] : [])];
}

export function furtherLines(paper: Paper, further: readonly Further[], at: Instant): readonly string[] {
  if (further.length === 0) return [];
  const rows = further.map(({ connection, source, asOf, name, rows: count, rejected }) => [
    connection,
    source,
    ago(asOf, at),
    name,
    grouped(count),
    rejected === 0 ? { text: '0', tone: 'dim' as const } : { text: grouped(rejected), tone: 'warning' as const },
  ]);
  const right = 'right' as const;
  return [
    '',
    ...table(
      paper,
      [
        { title: 'CONNECTION' },
        { title: 'FURTHER SOURCE' },
        { title: 'OF' },
        { title: 'DELIVERY' },
        { title: 'ROWS', align: right },
        { title: 'REJECTED', align: right },
      ],
      rows,
    ),
  ];
}
