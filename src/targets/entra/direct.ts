// What cannot wait for an upload to be processed: ending a leaver's access at once, and their sessions after it. The user is found by
// the matching value; nothing is written to one that is somebody else's, or protected.

import { Problem } from '../../base/problem.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import { type Journal, NOBODY, type Sendable, type ShownRequest } from '../target.ts';
import type { Graph, GraphRequest } from './graph.ts';
import type { GraphUser, Users } from './users.ts';

export type DirectWay = 'none' | 'graph' | 'scim';

export interface DirectParts {
  readonly graph: Graph;
  readonly users: Users;
  readonly way: DirectWay;
}

export interface Ended {
  /** Whether the account was written to, and took it. */
  readonly ended: boolean;
  /** Why not; '' where nothing is to be said. */
  readonly detail: string;
}

/** Path of one user in Graph; `<id:WORKER>` stands for an id that was not read yet. */
const userPath = (id: string): string => `/v1.0/users/${id.startsWith('<id:') ? id : encodeURIComponent(id)}`;

/** https://learn.microsoft.com/entra/identity/app-provisioning/entra-id-scim-api-reference: PATCH answers 204. */
const SCIM_BODY = JSON.stringify({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'active', value: false }],
});

const disableRequest = (way: 'graph' | 'scim', id: string): GraphRequest =>
  way === 'graph'
    ? { kind: 'write', method: 'PATCH', path: userPath(id), body: JSON.stringify({ accountEnabled: false }) }
    : {
        kind: 'write',
        method: 'PATCH',
        path: `/rp/scim/users/${id.startsWith('<id:') ? id : encodeURIComponent(id)}`,
        body: SCIM_BODY,
      };

/** Any 2xx counts: https://learn.microsoft.com/graph/api/user-revokesigninsessions */
const revokeRequest = (id: string): GraphRequest => ({
  kind: 'revoke',
  method: 'POST',
  path: `${userPath(id)}/revokeSignInSessions`,
  body: '',
});

const shown = ({ method, path, body }: GraphRequest): ShownRequest => ({ method, path, body });

export const shownDirect = (way: DirectWay, id: string): readonly ShownRequest[] =>
  way === 'none' ? [] : [shown(disableRequest(way, id)), shown(revokeRequest(id))];
export const shownRevoke = (id: string): readonly ShownRequest[] => [shown(revokeRequest(id))];

/** Disables, then revokes: in the other order a new sign-in could slip between. Never throws for what Graph says. */
export async function endAccess(
  operation: Sendable,
  matching: string,
  { graph, users, way }: DirectParts,
  journal: Journal,
  signal: AbortSignal,
): Promise<Ended> {
  if (way === 'none') return { ended: false, detail: '' };
  const options = { journal, urgent: true, signal };
  const found = await userOf(operation, matching, { users }, signal);
  if ('detail' in found) return { ended: false, detail: found.detail };
  const { outcome } = await graph.ask(disableRequest(way, found.id), options);
  if (outcome.class !== 'done' && outcome.class !== 'accepted')
    return { ended: false, detail: `the direct ${way} call was refused: ${outcome.code} ${outcome.detail}`.trim() };
  const revoked = await graph.ask(revokeRequest(found.id), options);
  const said = revoked.outcome.class === 'done' ? '' : `sessions were not revoked: ${revoked.outcome.code}`;
  return { ended: true, detail: said };
}

/** `nobody` is done: there are no sessions to end. */
export async function endSessions(
  operation: Sendable,
  matching: string,
  parts: DirectParts,
  journal: Journal,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = await userOf(operation, matching, parts, signal);
  if ('detail' in found)
    return found.nobody
      ? concluded(NOTHING_SENT, { code: NOBODY })
      : concluded(NOTHING_SENT, { class: 'retry', code: 'sessions-unknown-user', detail: found.detail });
  return (await parts.graph.ask(revokeRequest(found.id), { journal, urgent: true, signal })).outcome;
}

type Found = { readonly id: string } | { readonly detail: string; readonly nobody: boolean };

async function userOf(
  operation: Sendable,
  matching: string,
  { users }: Pick<DirectParts, 'users'>,
  signal: AbortSignal,
): Promise<Found> {
  try {
    const found = await users.matching(matching, signal, true);
    const [user, second] = found;
    if (second !== undefined) return { detail: `${found.length} users carry the same matching value`, nobody: false };
    if (user === undefined) return { detail: 'nobody carries the matching value yet', nobody: true };
    return (await isOurs(operation, user))
      ? { id: user.objectId }
      : { detail: 'the account is protected, or another worker’s', nobody: false };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { detail: error.message, nobody: false };
  }
}

const isOurs = async ({ whose }: Sendable, user: GraphUser): Promise<boolean> =>
  whose === undefined || (await whose(user)) === 'free';
