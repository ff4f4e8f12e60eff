// What the schema cannot say of a target of kind entra-bulk: where its token may go, and what bulkUpload does not take.

import { isSafe } from './auth-rules.ts';
import type { Binder } from './binder.ts';
import { textSetting } from './secret-reference.ts';
import { GRAPH_HOSTS } from './session-schema.ts';
import type { YamlPath } from './yaml-tree.ts';

/** The parts of the address of an upload: scheme and host, version of Graph, object id of the service principal, id of the job. */
export interface UploadAddress {
  readonly origin: string;
  readonly version: string;
  readonly servicePrincipal: string;
  readonly job: string;
}

/** https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-post-bulkupload */
const UPLOAD = /^\/(v1\.0|beta)\/servicePrincipals\/([^/]+)\/synchronization\/jobs\/([^/]+)\/bulkUpload$/i;

/** Null for anything that is no upload address of Microsoft Graph, in whichever cloud, or of a stand-in on this machine. */
export function uploadAddress(text: string): UploadAddress | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url === null || !isSafe(url) || url.username !== '' || url.password !== '') return null;
  if (url.search !== '' || url.hash !== '') return null;
  // Graph tells its clouds apart by the host; the token is attached for these alone.
  if (url.protocol !== 'http:' && !GRAPH_HOSTS.some((host) => url.origin === `https://${host}`)) return null;
  const [, version, servicePrincipal, job] = UPLOAD.exec(url.pathname) ?? [];
  if (version === undefined || servicePrincipal === undefined || job === undefined) return null;
  return { origin: url.origin, version, servicePrincipal, job: decodeURIComponent(job) };
}

export const UPLOAD_HINT = `the whole address from "View technical information" of the provisioning app: https://${GRAPH_HOSTS[0]}/v1.0/servicePrincipals/ID/synchronization/jobs/JOB/bulkUpload, or that of a national cloud (${GRAPH_HOSTS.slice(1).join(', ')})`;

/** What cannot be had by uploads. @param path of the target. */
export function checkEntra(binder: Binder, path: YamlPath): void {
  checkAddress(binder, [...path, 'baseUrl']);
  const kind = binder.at([...path, 'auth', 'kind']);
  if (kind === 'basic' || kind === 'mtls')
    binder.fault(
      [...path, 'auth', 'kind'],
      'mapping.value',
      'Microsoft Graph takes access tokens only',
      'kind: oauth2 with the secret or the certificate of the app',
    );
  if (binder.count([...path, 'groups']) > 0)
    binder.faultAtKey(
      [...path, 'groups'],
      'mapping.entra',
      'bulkUpload takes users only, no groups',
      'remove the section; give groups in Entra by dynamic membership rules over the attributes that are sent here',
    );
  if (binder.at([...path, 'deletes']) === true)
    binder.fault(
      [...path, 'deletes'],
      'mapping.entra',
      'bulkUpload knows no deletion: such an operation is dropped there without a word',
      'leave it out; accounts of those who left stay disabled, and are deleted in Entra',
    );
  for (const key of ['profile', 'capabilities', 'deleteAuth']) {
    if (binder.tree.has([...path, key]))
      binder.faultAtKey([...path, key], 'mapping.entra', `${key} means nothing here`, 'it belongs to kind: scim');
  }
  checkSessionsHere(binder, path);
  checkReserve(binder, [...path, 'entra']);
  checkReads(binder, path);
  checkMatching(binder, path);
}

function checkAddress(binder: Binder, path: YamlPath): void {
  const value = binder.at(path);
  const setting = typeof value === 'string' ? textSetting(value.trim()) : null;
  // A reference is followed by the daemon, which asks the same question.
  if (setting?.kind !== 'literal' || setting.text === '') return;
  if (uploadAddress(setting.text) === null)
    binder.fault(path, 'mapping.url', 'baseUrl is no upload address of Microsoft Graph', UPLOAD_HINT);
}

/** Sessions end over the same Graph and with the same token: what `revokeSessions` could say otherwise would only go wrong. */
function checkSessionsHere(binder: Binder, path: YamlPath): void {
  const section = [...path, 'revokeSessions'];
  const kind = binder.at([...section, 'kind']);
  if (kind === undefined || kind === 'none' || kind === 'graph') {
    for (const key of ['base', 'user', 'auth']) {
      if (kind === 'graph' && binder.tree.has([...section, key]))
        binder.faultAtKey(
          [...section, key],
          'mapping.entra',
          `${key} means nothing here`,
          'sessions are ended at the same Microsoft Graph, by the id of the user that is found there',
        );
    }
    return;
  }
  binder.fault(
    [...section, 'kind'],
    'mapping.entra',
    'sessions of this target end over Microsoft Graph or not at all',
    'graph | none',
  );
}

/** By a name alone the wrong person could be locked out: who is written to directly is found by the matching value first. */
function checkReads(binder: Binder, path: YamlPath): void {
  const section = [...path, 'entra'];
  if (binder.at([...section, 'readUsers']) !== false) return;
  const direct = binder.at([...section, 'direct']);
  const hint = 'grant User.Read.All and leave readUsers out';
  if (direct === 'graph' || direct === 'scim')
    binder.fault([...section, 'direct'], 'mapping.entra', `direct: ${direct} needs users to be read`, hint);
  if (binder.at([...path, 'revokeSessions', 'kind']) === 'graph')
    binder.fault(
      [...path, 'revokeSessions', 'kind'],
      'mapping.entra',
      'sessions are ended by the id of the user, which has to be read',
      hint,
    );
}

function checkReserve(binder: Binder, section: YamlPath): void {
  const daily = binder.at([...section, 'dailyCalls']) ?? 2_000;
  const reserved = binder.at([...section, 'reservedCalls']) ?? 200;
  if (typeof daily !== 'number' || typeof reserved !== 'number' || reserved * 2 <= daily) return;
  binder.fault(
    binder.tree.has([...section, 'reservedCalls']) ? [...section, 'reservedCalls'] : [...section, 'dailyCalls'],
    'mapping.value',
    `${reserved} of ${daily} calls kept for leavers leave too few for everybody else`,
    'half of dailyCalls at most',
  );
}

/** What uploads are found by must be mapped, or nobody could ever be found. */
function checkMatching(binder: Binder, path: YamlPath): void {
  const where = [...path, 'entra', 'matching'];
  const matching = binder.at(where);
  if (typeof matching !== 'string' || matching === 'externalId' || matching === 'userName') return;
  const colon = matching.lastIndexOf(':');
  const steps = colon < 0 ? matching.split('.') : [matching.slice(0, colon), matching.slice(colon + 1)];
  if (!binder.tree.has([...path, 'user', ...steps]))
    binder.fault(where, 'mapping.entra', `"${matching}" is not mapped under user`, 'externalId, userName, or map it');
}
