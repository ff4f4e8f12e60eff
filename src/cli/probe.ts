// `validate --probe`: tries what a connection file refers to, without writing anywhere, and says in plain words what was found.
import { type Finding, findingsOf, type Verdict } from '../base/finding.ts';
import { DAY_MS } from '../base/instant.ts';
import { EXIT, type ExitCode, Problem } from '../base/problem.ts';
import { loadConnections } from '../connections.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { CredentialEnd } from '../pipeline/house.ts';
import { firstLens, furtherLens, probeSource } from '../pipeline/probe-source.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Session } from './desk.ts';
import { openPlanHouse } from './plan-house.ts';
import { daemonFinding, hookFindings, type Probed } from './probe-hooks.ts';
import { type Cell, table } from './table.ts';
import type { Tone } from './tone.ts';

/** @param name only this connection; '' means all. @throws Problem where a file has faults. */
export async function probeConnections(session: Session, name: string): Promise<readonly Probed[]> {
  const probed: Probed[] = [];
  const connections = loadConnections(session.config, name);
  for (const connection of connections) {
    const hooks = hookFindings(connection, connections, session.config.environment);
    probed.push(...hooks);
    if (hooks.length > 0) {
      const finding = await daemonFinding(session.config.http, session.desk.stop);
      probed.push({ connection: connection.name, subject: 'webhooks', ...finding });
    }
    probed.push(...(await openedParts(session, connection)));
  }
  return probed;
}

/** 2 where a file or a secret has to be corrected, else 1 where something does not work. */
export function exitCodeOf(probed: readonly Finding[]): ExitCode {
  if (probed.some(({ verdict }) => verdict === 'configuration')) return EXIT.usage;
  return probed.some(({ verdict }) => verdict === 'failed') ? EXIT.failed : EXIT.fine;
}

async function openedParts(session: Session, connection: Connection): Promise<readonly Probed[]> {
  const as =
    (subject: string) =>
    (finding: Finding): Probed => ({ connection: connection.name, subject, ...finding });
  try {
    await using opened = await openPlanHouse(session, connection.name);
    const live = opened.house.connections.get(connection.name);
    if (live === undefined) return [];
    const { stop, clock } = session.desk;
    const now = nowOf(clock);
    const found = endingCredentials(await live.credentialEnds(), clock.nowMs()).map(as('credentials'));
    found.push(...(await probeSource(live.source, firstLens(connection), now, stop)).map(as('source')));
    for (const { settings, source } of live.also) {
      const further = await probeSource(source, furtherLens(connection, settings), now, stop);
      found.push(...further.map(as(`source ${settings.name}`)));
    }
    const targets = await Promise.all([...live.targets.values()].map((target) => target.probe?.(stop) ?? []));
    for (const [at, target] of [...live.targets.keys()].entries())
      found.push(...(targets[at] ?? []).map(as(`target ${target}`)));
    return found;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return findingsOf(error).map(as('connection'));
  }
}

/** A month is what it takes to have a certificate or a token renewed. */
const ENDS_SOON_MS = 30 * DAY_MS;

function endingCredentials(ends: readonly CredentialEnd[], nowMs: number): readonly Finding[] {
  return ends.map(({ subject, what, endsMs }) => {
    const days = Math.floor((endsMs - nowMs) / DAY_MS);
    const code = 'credentials.end';
    if (endsMs <= nowMs)
      return { code, verdict: 'configuration', message: `${what} at ${subject} has run out`, hint: 'renew it' };
    const message = `${what} at ${subject} is good for ${days} more ${days === 1 ? 'day' : 'days'}`;
    return endsMs - nowMs < ENDS_SOON_MS
      ? { code, verdict: 'warning', message, hint: 'renew it before it runs out' }
      : { code, verdict: 'good', message };
  });
}

// ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────────

const SHOWN: Readonly<Record<Verdict, { readonly word: string; readonly tone: Tone }>> = {
  good: { word: 'ok', tone: 'good' },
  note: { word: 'note', tone: 'dim' },
  warning: { word: 'look', tone: 'warning' },
  failed: { word: 'FAILED', tone: 'bad' },
  configuration: { word: 'CORRECT', tone: 'bad' },
};

export function probeLines(paper: Parameters<typeof table>[0], probed: readonly Probed[]): readonly string[] {
  const rows: (readonly Cell[])[] = probed.map(({ connection, subject, verdict, message }) => [
    connection,
    subject,
    { text: SHOWN[verdict].word, tone: SHOWN[verdict].tone },
    message,
  ]);
  const hints = new Set(
    probed
      .filter(({ verdict }) => verdict !== 'good')
      .flatMap(({ hint, subject, message }) => (hint === undefined ? [] : [`  ${subject}: ${message}\n      ${hint}`])),
  );
  return [
    ...table(
      paper,
      [{ title: 'CONNECTION' }, { title: 'PART' }, { title: 'RESULT' }, { title: 'WHAT WAS FOUND', flexible: true }],
      rows,
    ),
    ...(hints.size === 0 ? [] : ['', 'What to do:', ...hints]),
  ];
}
