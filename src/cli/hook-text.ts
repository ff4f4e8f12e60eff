// What webhooks brought, for `status`: when the last event came, what still waits and why, what was rejected.
import type { Instant } from '../base/instant.ts';
import type { HookState } from '../store/store.ts';
import { ago, grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { type Cell, table } from './table.ts';
import { toned } from './tone.ts';

export function hookLines(paper: Paper, hooks: readonly HookState[], at: Instant): readonly string[] {
  if (hooks.length === 0) return [];
  const rows = hooks.map((hook): readonly Cell[] => [
    hook.connection,
    harmless(hook.hook),
    hook.kind,
    ago(hook.lastAt, at),
    counted(hook.waiting, hook.waitingFor === null ? 'dim' : 'warning'),
    counted(hook.rejected, 'warning'),
  ]);
  const right = 'right' as const;
  const columns = [
    { title: 'CONNECTION' },
    { title: 'WEBHOOK' },
    { title: 'KIND' },
    { title: 'LAST EVENT' },
    { title: 'WAITING', align: right },
    { title: 'REJECTED', align: right },
  ];
  return ['', ...table(paper, columns, rows), ...hooks.flatMap((hook) => reasonLines(paper, hook, at))];
}

const counted = (count: number, tone: 'dim' | 'warning'): Cell =>
  count === 0 ? { text: '0', tone: 'dim' } : { text: grouped(count), tone };

function reasonLines(paper: Paper, hook: HookState, at: Instant): readonly string[] {
  const lines: string[] = [];
  if (hook.waitingFor !== null && hook.waitingSince !== null) {
    const since = ago(hook.waitingSince, at);
    lines.push(toned(paper, 'warning', harmless(`${hook.hook} waits since ${since}: ${hook.waitingFor}`)));
  }
  if (hook.rejectedAt !== null) {
    const when = ago(hook.rejectedAt, at);
    lines.push(toned(paper, 'warning', harmless(`${hook.hook} rejected last ${when}: ${hook.rejectedFor ?? ''}`)));
  }
  return lines;
}
