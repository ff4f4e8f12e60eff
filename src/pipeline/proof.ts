// Says what the audit holds, where nobody who can write to the database can unsay it: every five minutes, also when nothing
// happens, and soon after every leaver, release and deletion.
import { existsSync, renameSync } from 'node:fs';
import { type Instant, MINUTE_MS, SECOND_MS } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { nowOf } from '../runtime/clock.ts';
import { type ProofReason, proofFile } from '../runtime/proof.ts';
import type { House } from './house.ts';

/** Design section 7. */
export const PROOF_EVERY_MS = 5 * MINUTE_MS;
/** Leavers that are confirmed together share a checkpoint. */
const GATHER_MS = SECOND_MS;
const INSTANCE_KEY = 'audit.instance';

/** Random once, and the same for as long as the database lives. */
export async function instanceOf(house: House): Promise<string> {
  const known = await house.store.setting(INSTANCE_KEY);
  if (typeof known === 'string') return known;
  const made = Array.from({ length: 4 }, () =>
    Math.floor(house.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  await house.store.saveSetting(INSTANCE_KEY, made);
  return made;
}

/** Nothing is said twice: a log that has not moved needs another checkpoint only to show that somebody was there. */
export async function writeProof(house: House, why: ProofReason): Promise<void> {
  const { proof } = house;
  if (proof === null) return;
  const head = await house.store.audit.head();
  if (why === 'stop' && proof.saidSeq === head.seq) return;
  await proof.log.append({ instance: await instanceOf(house), ...head, at: nowOf(house.clock), why });
  proof.saidSeq = head.seq;
  proof.saidAt = nowOf(house.clock);
}

/** After a restore the checkpoints speak of another history: they stay, under another name. Null where there are none. */
export function setProofAside(dir: string, now: Instant): string | null {
  const file = proofFile(dir);
  if (!existsSync(file)) return null;
  const aside = file.replace(/\.jsonl$/, `.before-restore-${now.replace(/[:.]/g, '-')}.jsonl`);
  renameSync(file, aside);
  return aside;
}

/** Whatever keeps it from being written is told and tried again: the audit goes on, and nobody's access waits for its proof. */
async function tryProof(house: House, why: ProofReason): Promise<void> {
  try {
    await writeProof(house, why);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, message, hint } = error.faults[0] ?? { code: UNWRITTEN, message: '', hint: '' };
    house.log.error({ code, message, hint }, 'a checkpoint of the audit was not written');
  }
}
const UNWRITTEN = 'audit.checkpoint';

export async function proofLoop(house: House, signal: AbortSignal): Promise<void> {
  const { proof, clock } = house;
  if (proof === null) return;
  if (!proof.log.signs) {
    house.log.warn({ code: 'audit.unsigned' }, 'checkpoints of the audit are not signed: set ROLLCALL_AUDIT_KEY');
  }
  proof.since = nowOf(clock);
  await tryProof(house, 'interval');
  while (!signal.aborted) {
    const known = proof.due.rings;
    await proof.due.after(known, clock, PROOF_EVERY_MS, signal);
    const why = proof.due.rings === known ? 'interval' : proof.why;
    if (signal.aborted) break;
    if (why !== 'interval') await clock.wait(GATHER_MS, signal);
    await tryProof(house, why);
  }
  await tryProof(house, 'stop');
}

/** Something happened that an auditor will ask about. */
export function worthProof({ proof }: House, why: ProofReason): void {
  if (proof === null) return;
  proof.why = why;
  proof.due.ring();
}
