// A connection as it is rehearsed: the same mapping, rules and limits, reading the inbox and writing to the embedded endpoint.
import { Problem } from '../base/problem.ts';
import type { Connection, TargetSettings } from '../mapping/connection-file.ts';
import type { FileSourceSettings, SftpSourceSettings } from '../mapping/source-settings.ts';

/** Name under which the endpoint's token stands in the environment of the rehearsed house. */
export const TOKEN_VARIABLE = 'ROLLCALL_REHEARSAL_TOKEN';
/** As many as keep the store's commits full; the endpoint answers at once. */
const CONCURRENCY = 32;
const TIMEOUT_MS = 30_000;

const SILENT: Connection['alarms'] = {
  noDeliveryForMs: null,
  noChangeForMs: null,
  noHiresForMs: null,
  asked: new Set(),
  dateOffByMs: null,
  credentialsEndInMs: null,
};

/** How the connection reads files. @throws Problem where it reads none: what an interface answered on a day is not kept. */
export function filesOf({ name, source, file }: Connection): FileSourceSettings {
  // Exports are rehearsed in the clear, and stay where they are.
  if (source.kind === 'file' || source.kind === 'sftp') return plain(source);
  throw new Problem({
    code: 'rehearse.source',
    message: `connection ${name} reads ${source.kind}, and only files can be rehearsed`,
    hint: 'copy the connection file and let the copy read exported files',
    place: { file, key: 'source.kind' },
  });
}

function plain({ kind: _, ...source }: FileSourceSettings | SftpSourceSettings): FileSourceSettings {
  const { schedule, columns, content, format, encoding, separator, quote, recordPath } = source;
  const { complete, finalNewline, stableMs } = source;
  const path = typeof source.path === 'string' ? { kind: 'literal' as const, text: source.path } : source.path;
  const shape = { format, content, encoding, separator, quote, recordPath };
  return { kind: 'file', path, schedule, columns, ...shape, complete, finalNewline, stableMs };
}

/** No secret reference of the file is left in it; `url` tells where a target stands. */
export function rehearsed(connection: Connection, inbox: string, url: (target: string) => string): Connection {
  return {
    ...connection,
    source: { ...filesOf(connection), path: { kind: 'literal', text: inbox } },
    // What further sources said on those days is not kept.
    also: [],
    // The clock is held and files were written whenever they were: nothing here is late.
    alarms: SILENT,
    expiries: [],
    targets: connection.targets.map((target) => atEndpoint(target, url(target.name))),
  };
}

/** The endpoint is a SCIM 2.0 endpoint as the RFCs have it, whatever stands at the real one. */
function atEndpoint({ name, correlate, deletes }: TargetSettings, baseUrl: string): TargetSettings {
  return {
    name,
    kind: 'scim',
    correlate,
    deletes,
    reconcile: { schedule: 'never', repair: [] },
    profile: 'generic',
    capabilities: {},
    baseUrl: { kind: 'literal', text: baseUrl },
    auth: { kind: 'bearer', token: { kind: 'env', name: TOKEN_VARIABLE } },
    limits: { concurrency: CONCURRENCY, perSecond: null },
    timeoutMs: TIMEOUT_MS,
    revokeSessions: { kind: 'none' },
    entra: null,
    okta: null,
  };
}
