// The requests that an operation sends when nothing goes wrong, without sending them. What travels in a session is shown as though it
// travelled alone.
import type { AccountPayload, MembershipPayload } from '../../planning/changeset.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import { entityOf } from './entity.ts';
import { groupIdOf } from './members.ts';
import { lifecyclePath, userPath, userSessionsPath } from './paths.ts';
import { oktaIdOf } from './reading.ts';
import type { Room } from './room.ts';

type Shown = Pick<Room, 'settings' | 'paths'>;

export function shown(operation: Sendable, { settings, paths }: Shown): readonly ShownRequest[] {
  const { kind, account, payload, workerKey } = operation;
  const id = oktaIdOf(account.remoteId) ?? `<id:${workerKey}>`;
  const request = (method: ShownRequest['method'], path: string, body: unknown = ''): ShownRequest => ({
    method,
    path: path.replaceAll(encodeURIComponent(`<id:${workerKey}>`), `<id:${workerKey}>`),
    body: body === '' ? '' : JSON.stringify(body),
  });
  const look = request('GET', settings.reads === 'users' ? userPath(id) : paths.user(account.externalId));
  switch (kind) {
    case 'addMember':
    case 'removeMember': {
      const group = groupIdOf((payload as MembershipPayload).group);
      if (kind === 'removeMember') return [request('DELETE', paths.member(group, account.externalId))];
      return [request('POST', paths.membership(group), { memberExternalIds: [account.externalId] })];
    }
    case 'disable': {
      const verb = settings.leavers === 'singleEntity' ? [] : [request('POST', lifecyclePath(id, settings.leavers))];
      return [...verb, request('DELETE', paths.user(account.externalId)), look];
    }
    case 'revokeSessions':
      return [request('DELETE', userSessionsPath(id))];
    case 'delete':
      return [request('DELETE', userPath(id))];
    default: {
      if (kind !== 'enable' && !(payload as AccountPayload).active && settings.preboarding === 'later') return [];
      const entity = entityOf(operation, settings);
      if ('refused' in entity) return [];
      const via = paths.load('<session>', 'upsert').replace(encodeURIComponent('<session>'), '<session>');
      return [{ ...request('POST', via, { entityType: 'USERS', profiles: [entity] }), via }, look];
    }
  }
}
