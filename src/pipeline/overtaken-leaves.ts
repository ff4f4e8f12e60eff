// Leaves that came after a later word that their worker is here. The later word counts, but it may be the one that was behind: a row of
// an export that was written before it was read. Nothing is ended on a doubt; a person is told, for nobody else will say it again.
import { plusMs } from '../base/instant.ts';
import { type Alarm, clearAlarm, settleAlarms } from './alarms.ts';
import type { House } from './house.ts';
import { LAG_MS } from './overtaken-rows.ts';
import type { Plan } from './plan.ts';

const LEAVE_OVERTAKEN = 'account.leave-overtaken';
const CODES: ReadonlySet<string> = new Set([LEAVE_OVERTAKEN]);

/** Of so many in one plan each is named; more are one cause. */
const NAMED_MAX = 20;
const ALL = 'source';

/**
 * Once a plan is stored. An alarm is over when its worker leaves, when something newer is said of them, or when a snapshot that was
 * read a day later still says that they are here.
 */
export async function tellOvertaken(house: House, plan: Plan): Promise<void> {
  const { connection } = plan.rules.mapping;
  const { now, presence } = plan.rules;
  const open = (await house.store.alarms(connection)).filter(({ code }) => code === LEAVE_OVERTAKEN);
  const { overtakenLeaves: leaves } = plan;
  if (open.length === 0 && leaves.size === 0) return;
  const isOver = ({ subject, raisedAt }: (typeof open)[number]): boolean => {
    if (presence !== undefined && raisedAt <= plusMs(now, -LAG_MS)) return true;
    const planned = plan.get(subject);
    return planned !== null && (planned.plan.to === 'left' || planned.observed.employments.length > 0);
  };
  const found: readonly Alarm[] =
    leaves.size > NAMED_MAX
      ? [{ code: LEAVE_OVERTAKEN, subject: ALL, ...words(`${leaves.size} workers`, '') }]
      : [...leaves].map(([key, asOf]) => ({
          code: LEAVE_OVERTAKEN,
          subject: key,
          worker: key,
          ...words(key, `, as of ${asOf}`),
        }));
  const stands = open
    .filter((alarm) => !isOver(alarm))
    .map(({ code, subject, message, hint, worker }) => ({
      code,
      subject,
      message,
      ...(hint == null ? {} : { hint }),
      ...(worker == null ? {} : { worker }),
    }));
  await settleAlarms(house, connection, CODES, [...stands, ...found]);
}

const words = (who: string, when: string): Pick<Alarm, 'message' | 'hint'> => ({
  message: `a leave of ${who}${when}, is older than a word on file that they work here: it was not carried out`,
  hint: 'ask HR; whoever has left: rollcall leave ID --reason "…"',
});

/** Whoever has left by other ways needs nobody's look. */
export async function forgetOvertaken(house: House, connection: string): Promise<void> {
  const open = (await house.store.alarms(connection)).filter(({ code }) => code === LEAVE_OVERTAKEN);
  if (open.length === 0) return;
  const keys = open.map(({ subject }) => subject);
  const situations = await house.store.situations(connection, keys, { employments: false });
  for (const { subject } of open) {
    const stage = situations.get(subject)?.standing.stage;
    if (stage === 'left' || stage === 'purged') await clearAlarm(house, connection, LEAVE_OVERTAKEN, subject);
  }
}
