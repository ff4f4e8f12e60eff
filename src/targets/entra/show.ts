// The requests that an operation sends when nothing goes wrong, without sending them.
import { withPasswords } from '../scim/password.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import { bulkBody } from './bulk.ts';
import { type DirectWay, shownDirect, shownRevoke } from './direct.ts';
import { type RecordRules, uploadRecord } from './record.ts';

export interface ShowParts extends RecordRules {
  readonly path: string;
  readonly direct: DirectWay;
}

/** Pure. The record stands in a call of its own; up to 50 share one when they are sent. */
export function shown(operation: Sendable, { path, direct, ...rules }: ShowParts): readonly ShownRequest[] {
  const id = `<id:${operation.workerKey}>`;
  switch (operation.kind) {
    case 'create':
    case 'update':
    case 'enable':
    case 'disable': {
      const body = bulkBody([{ operation, record: uploadRecord(operation, rules) }]);
      const upload: ShownRequest = { method: 'POST', path, body: withPasswords(body, () => '***') };
      return operation.kind === 'disable' ? [...shownDirect(direct, id), upload] : [upload];
    }
    case 'revokeSessions':
      return shownRevoke(id);
    default:
      return [];
  }
}
