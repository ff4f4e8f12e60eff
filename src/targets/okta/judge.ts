// What a look at somebody means for what was asked of their account. Pure.
import type { AccountNews, Outcome } from '../../lifecycle/outcome.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import { type Delivered, NOBODY } from '../target.ts';
import type { There } from './reading.ts';

/** Access has ended for good, or for as long as nobody here gives it back. */
export const isEnded = ({ status }: There): boolean => status === 'DEPROVISIONED' || status === 'SUSPENDED';

export const newsOf = ({ id, account }: There): AccountNews => ({ remoteId: id, active: account.active });

export const ended = (there: There): Delivered => ({
  outcome: NOTHING_SENT_DONE('confirmed'),
  account: { ...newsOf(there), active: false },
});

/** There is nobody to end access of. */
export const nobody = (): Delivered => ({ outcome: NOTHING_SENT_DONE(NOBODY) });

export const done = (there: There): Delivered => ({ outcome: NOTHING_SENT_DONE('confirmed'), account: newsOf(there) });

export const believed = (remoteId: string, active: boolean): Delivered => ({
  outcome: NOTHING_SENT_DONE('session-completed'),
  account: { remoteId, active },
});

const NOTHING_SENT_DONE = (code: string): Outcome => concluded(NOTHING_SENT, { class: 'done', code });

/** The target took the request to end access, and shows the user as one who can sign in. It is asked for again. */
export const notEnded = (): Outcome =>
  concluded(NOTHING_SENT, {
    class: 'retry',
    code: 'not-applied',
    detail: 'Okta took the end of access and shows the user as active',
  });

/** The session is over and reports of no record what became of it. */
export const notImported = (why: string): Outcome =>
  concluded(NOTHING_SENT, {
    class: 'permanent',
    code: 'not-imported',
    detail: `${why}; Okta says why on its Import Monitoring page only`,
    countsAsAttempt: true,
  });

export const notReactivated = (status: string): Outcome =>
  concluded(NOTHING_SENT, {
    class: 'permanent',
    code: 'not-reactivated',
    detail: `the upload was imported and the user is still ${status}; activate them in Okta, or set okta.reactivate: activate`,
    countsAsAttempt: true,
  });

export const sessionFailed = (): Outcome =>
  concluded(NOTHING_SENT, {
    class: 'retry',
    code: 'session-failed',
    detail: 'the import session ended without being imported; it is loaded anew',
  });

export const refusedHere = (code: string, detail: string): Outcome =>
  concluded(NOTHING_SENT, { class: 'permanent', code, detail, countsAsAttempt: true });

export const UNSENT: Outcome = concluded(NOTHING_SENT, { class: 'retry', code: 'not-sent' });
