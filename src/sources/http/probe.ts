// What `validate --probe` should know of a source beyond a look: whether there are credentials, whether changes may be read, and what
// the settings alone say about proof.
import type { Finding } from '../../base/finding.ts';
import { HOUR_MS, type Instant, msOf, plusMs } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { Credentials } from '../../runtime/access/credentials.ts';
import { Later } from './asking.ts';
import { readChanges } from './changes.ts';
import type { Reader } from './reader.ts';

/** @throws nothing that a person can mend: it is told. */
export async function probe(
  now: Instant,
  { options, partsAt }: Reader,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [await credentialsFinding(options.auth.kind, credentials, signal)];
  const { changes, limits } = options;
  if (changes !== undefined && findings[0]?.verdict !== 'failed') {
    findings.push(
      await told('source.changes', async () => {
        const since = plusMs(now, -HOUR_MS);
        const read = await readChanges({ changes, limits }, since, msOf(now), partsAt(now), signal);
        const count = read === null ? 'very many' : String(read.elements.size);
        return `changes can be read: ${count} worker(s) changed within the last hour`;
      }),
    );
  }
  return [...findings, ...proofFinding(options.list.paging)];
}

async function credentialsFinding(kind: string, credentials: Credentials, signal: AbortSignal): Promise<Finding> {
  const code = 'source.credentials';
  const shown = await credentials.headers(signal);
  if ('fault' in shown)
    return { code, verdict: 'failed', message: `there is nothing to show the source: ${shown.detail}` };
  const message = kind === 'oauth2' || kind === 'login' ? 'a token was fetched' : 'there are credentials to show';
  return kind === 'none'
    ? { code, verdict: 'note', message: 'the source is asked without credentials' }
    : { code, verdict: 'good', message };
}

async function told(code: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { code, verdict: 'good', message: await work() };
  } catch (error) {
    if (error instanceof Later) return { code, verdict: 'failed', message: error.message };
    if (!(error instanceof Problem)) throw error;
    const [fault] = error.faults;
    const hint = fault?.hint;
    return { code, verdict: 'failed', message: fault?.message ?? '', ...(hint === undefined ? {} : { hint }) };
  }
}

function proofFinding(paging: Reader['options']['list']['paging']): readonly Finding[] {
  const documented = 'endIsDocumented' in paging && paging.endIsDocumented;
  const whole = paging.kind === 'none' && paging.wholeAnswer;
  if (paging.total !== undefined || documented || whole) return [];
  return [
    {
      code: 'source.proof',
      verdict: 'note',
      message: 'the list proves only weakly that it is whole: nobody is taken for gone because it misses them',
      hint: 'leavers are found by their own record; set paging.total where the source tells one',
    },
  ];
}
