// What a rehearsal came to, for people and for scripts.
import type { ExitCode, Fault } from '../base/problem.ts';
import { faultLine } from '../base/problem.ts';
import { TRANSITIONS } from '../lifecycle/operation.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { Day, RehearsedHold } from '../rehearsal/day-book.ts';
import type { Rehearsal } from '../rehearsal/rehearsal.ts';
import type { Days } from '../rehearsal/steps.ts';
import { holdJson, operationJson, rejectionJson } from '../views/shapes.ts';
import { grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { operationLines } from './sync-report.ts';
import { type Cell, type Column, table } from './table.ts';
import { toned } from './tone.ts';

export interface Played {
  readonly connection: Connection;
  readonly days: Days;
  /** `HH:MM`, when a file arrives whose name tells only the day. */
  readonly at: string;
  readonly rehearsal: Rehearsal;
  /** Of the clock on the wall. */
  readonly tookMs: number;
  readonly exitCode: ExitCode;
}

const ALWAYS_SHOWN = ['joiner', 'mover', 'leaver', 'rehire'];
const HEADINGS: Readonly<Record<string, string>> = { leave: 'ON LEAVE', purge: 'PURGED' };
const LISTED_MAX = 15;
const DIGEST_SHOWN = 12;

type Counts = Readonly<Record<string, number>>;
const sum = (counts: Counts): number => Object.values(counts).reduce((all, times) => all + times, 0);

function totalOf(counts: readonly Counts[]): Counts {
  const total: Record<string, number> = {};
  for (const [name, times] of counts.flatMap((one) => Object.entries(one))) total[name] = (total[name] ?? 0) + times;
  return total;
}

/** Stable, for scripts. */
export function rehearsalJson({ connection, days, at, rehearsal, tookMs, exitCode }: Played): object {
  const { rejections, danglingManagers, holds, failed, unconfirmedLeavers, users, groups, ended } = rehearsal;
  return {
    connection: connection.name,
    mapping: connection.digest,
    timeZone: connection.timeZone,
    from: days.first,
    to: days.last,
    at,
    ended,
    tookMs,
    days: rehearsal.days.map(dayJson),
    total: {
      transitions: totalOf(rehearsal.days.map((day) => day.transitions)),
      requests: totalOf(rehearsal.days.map((day) => day.requests)),
      holds: rehearsal.days.reduce((all, day) => all + day.holds.length, 0),
      rejected: rejections.length,
    },
    rejections: rejections.map(rejectionJson),
    danglingManagers,
    holds: holds.map(holdJson),
    failed: failed.map(operationJson),
    unconfirmedLeavers: unconfirmedLeavers.map(operationJson),
    endState: { users, groups },
    exitCode,
  };
}

const dayJson = (day: Day): object => ({
  day: day.day,
  deliveries: day.deliveries,
  transitions: day.transitions,
  joiners: day.transitions.joiner ?? 0,
  movers: day.transitions.mover ?? 0,
  leavers: day.transitions.leaver ?? 0,
  rehires: day.transitions.rehire ?? 0,
  rejects: day.rejected,
  newlyRejected: day.newlyRejected.map(rejectionJson),
  suspected: day.suspected,
  holds: day.holds,
  requests: sum(day.requests),
  requestsByMethod: day.requests,
  faults: day.faults.map((fault) => ({ ...fault, text: faultLine(fault) })),
  unread: day.unread,
  managersSent: day.managersSent,
  workers: day.happenings,
});

/** A day on which nobody moves, nothing is held and every row is as welcome as the day before is left out. */
const isEventful = (day: Day, before: Day | undefined): boolean =>
  day.happenings.length > 0 ||
  day.holds.length > 0 ||
  day.faults.length > 0 ||
  day.unread.length > 0 ||
  day.newlyRejected.length > 0 ||
  day.rejected !== (before?.rejected ?? 0) ||
  day.suspected !== (before?.suspected ?? 0) ||
  sum(day.requests) > 0;

export function rehearsalLines(paper: Paper, played: Played, writtenTo: string | null): readonly string[] {
  const { connection, days, rehearsal, tookMs } = played;
  const count = rehearsal.days.length;
  const heading = `${connection.name}: ${days.first} to ${rehearsal.days.at(-1)?.day ?? days.last}, ${grouped(count)} ${count === 1 ? 'day' : 'days'} in ${(tookMs / 1_000).toFixed(1)} s, ${connection.timeZone}`;
  return [
    toned(paper, 'bold', harmless(heading)),
    '',
    ...dayTable(paper, rehearsal.days),
    ...faultLines(paper, rehearsal.days),
    ...holdLines(paper, rehearsal),
    ...rejectionLines(paper, rehearsal),
    ...danglingLines(paper, rehearsal),
    ...operationLines(paper, 'Failed operations', rehearsal.failed),
    ...operationLines(paper, 'LEAVERS NOT CONFIRMED', rehearsal.unconfirmedLeavers),
    '',
    endLine(rehearsal),
    ...(rehearsal.ended === 'interrupted' ? [toned(paper, 'bad', 'interrupted: later days were not played')] : []),
    ...(writtenTo === null ? [] : [`written to ${harmless(writtenTo)}`]),
  ];
}

function dayTable(paper: Paper, days: readonly Day[]): readonly string[] {
  const total = totalOf(days.map(({ transitions }) => transitions));
  const shown = TRANSITIONS.filter((name) => ALWAYS_SHOWN.includes(name) || (total[name] ?? 0) > 0);
  const right = 'right' as const;
  // One file for every day is named in the heading.
  const dated = new Set(days.flatMap(({ deliveries }) => deliveries.map(({ name }) => name))).size > 1;
  const columns: readonly Column[] = [
    { title: 'DAY' },
    ...[
      ...shown.map((name) => HEADINGS[name] ?? `${name.toUpperCase()}S`),
      'REJECTED',
      'SUSPECTED',
      'HELD',
      'REQUESTS',
    ].map((title) => ({ title, align: right })),
    { title: dated ? 'DELIVERY' : '', flexible: true },
  ];
  const rows = days.flatMap((day, index) => (isEventful(day, days[index - 1]) ? [dayCells(day, shown, dated)] : []));
  const held = days.reduce((all, { holds }) => all + itemsOf(holds), 0);
  const requests = days.reduce((all, day) => all + sum(day.requests), 0);
  const last = days.at(-1);
  const quiet = days.length - rows.length;
  const bold = (value: number): Cell => ({ text: grouped(value), tone: 'bold' });
  const all: readonly Cell[] = [
    { text: 'all', tone: 'bold' },
    ...shown.map((name) => bold(total[name] ?? 0)),
    bold(last?.rejected ?? 0),
    bold(last?.suspected ?? 0),
    bold(held),
    bold(requests),
    {
      text: quiet === 0 ? '' : `${grouped(quiet)} quiet ${quiet === 1 ? 'day' : 'days'} left out`,
      tone: 'dim',
    },
  ];
  return table(paper, columns, [...rows, all]);
}

const itemsOf = (holds: readonly RehearsedHold[]): number => holds.reduce((all, { items }) => all + items, 0);

function dayCells(day: Day, shown: readonly string[], dated: boolean): readonly Cell[] {
  const number = (value: number, tone?: 'warning'): Cell =>
    value === 0 ? { text: '·', tone: 'dim' } : tone === undefined ? grouped(value) : { text: grouped(value), tone };
  const refused = day.faults.length + day.unread.length > 0;
  const names = day.deliveries.map(({ name, result }) => (result === 'refused' ? `${name} refused` : name)).join(', ');
  return [
    day.day,
    ...shown.map((name) => number(day.transitions[name] ?? 0)),
    number(day.rejected, 'warning'),
    number(day.suspected, 'warning'),
    number(itemsOf(day.holds), 'warning'),
    number(sum(day.requests)),
    refused ? { text: names === '' ? 'not read' : names, tone: 'bad' } : { text: dated ? names : '', tone: 'dim' },
  ];
}

function faultLines(paper: Paper, days: readonly Day[]): readonly string[] {
  const said = days.flatMap(({ day, faults, unread }) => [
    ...faults.map((fault: Fault) => `${day}  ${faultLine(fault)}`),
    ...unread.map((reason) => `${day}  ${reason}`),
  ]);
  if (said.length === 0) return [];
  return ['', toned(paper, 'bad', 'Deliveries without any effect'), ...capped(said.map(harmless))];
}

function holdLines(paper: Paper, { days, ended }: Rehearsal): readonly string[] {
  const all = days.flatMap(({ day, holds }) => holds.map((hold) => ({ day, hold })));
  if (all.length === 0) return [];
  const title = ended === 'held' ? 'Held, and kept: the rehearsal ends here' : 'Held by a guard, and released here';
  const lines = all.map(
    ({ day, hold }) =>
      `${day}  ${grouped(hold.items)} × ${hold.kind} – ${harmless(hold.reason)} (${hold.digest.slice(0, DIGEST_SHOWN)}${hold.released ? '' : ', not released'})`,
  );
  return ['', toned(paper, 'warning', title), ...capped(lines)];
}

function rejectionLines(paper: Paper, { rejections }: Rehearsal): readonly string[] {
  if (rejections.length === 0) return [];
  // Reasons name keys and words of the row: what they have in common is their code.
  const alike = Map.groupBy(rejections, ({ code, column }) => `${code} ${column ?? ''}`);
  const rows = [...alike.values()]
    .toSorted((a, b) => b.length - a.length)
    .map((list): readonly Cell[] => [
      grouped(list.length),
      (new Set(list.map(({ reason }) => reason)).size > 1 ? 'such as: ' : '') + (list[0]?.reason ?? ''),
      { text: linesOf(list), tone: 'dim' },
    ]);
  return [
    '',
    toned(paper, 'warning', `${grouped(rejections.length)} rows rejected at the end`),
    ...capped(
      table(paper, [{ title: 'ROWS', align: 'right' }, { title: 'WHY', flexible: true }, { title: 'LINES' }], rows),
    ),
  ];
}

const LINES_NAMED = 3;
function linesOf(list: readonly Rejection[]): string {
  const lines = list.flatMap(({ place }) => place.line ?? place.record ?? []).toSorted((a, b) => a - b);
  return `${lines.slice(0, LINES_NAMED).join(', ')}${lines.length > LINES_NAMED ? ' …' : ''}`;
}

function danglingLines(paper: Paper, { danglingManagers }: Rehearsal): readonly string[] {
  if (danglingManagers.length === 0) return [];
  return [
    '',
    toned(paper, 'warning', `${grouped(danglingManagers.length)} workers without the manager they name`),
    ...capped(danglingManagers.map(({ worker, reason }) => harmless(`worker ${worker}: ${reason}`))),
  ];
}

function capped(lines: readonly string[]): readonly string[] {
  const more = lines.length - LISTED_MAX;
  return more <= 1
    ? lines
    : [...lines.slice(0, LISTED_MAX), `and ${grouped(more)} more: --json or --out FILE lists all`];
}

function endLine({ users, groups }: Rehearsal): string {
  const active = users.filter((user) => user.active === true).length;
  return `at the end: ${grouped(active)} active and ${grouped(users.length - active)} inactive users, ${grouped(groups.length)} groups`;
}
