// Questions and calls to Microsoft Graph: one origin, one token, answers with a meaning. Addresses in answers (`@odata.nextLink`)
// are followed only where they stay at that origin.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import type { Client } from '../scim/client.ts';
import { type Answer, type ExchangeParts, exchangeOver } from '../scim/exchange.ts';
import { concluded, type RequestKind } from '../scim/outcome-table.ts';
import { PROFILES } from '../scim/profiles.ts';
import type { Rate } from '../scim/rate.ts';
import type { Journal, ShownRequest } from '../target.ts';

export type GraphParts = Omit<ExchangeParts, 'profile' | 'doubted' | 'client' | 'rate'> & {
  /** Scheme and host. */
  readonly origin: string;
};

export interface GraphRequest {
  readonly kind: RequestKind;
  readonly method: ShownRequest['method'];
  /** Path with its query. */
  readonly path: string;
  readonly body: string;
}

export interface Graph {
  /** Never throws for what Graph or the network does. `journal` null: the question belongs to no operation. */
  readonly ask: (
    request: GraphRequest,
    options: { readonly journal: Journal | null; readonly urgent: boolean; readonly signal: AbortSignal },
  ) => Promise<Answer>;
  /** The path of an address in an answer; null where it leads elsewhere. */
  readonly pathOf: (address: string) => string | null;
}

const JSON_TYPE = 'application/json';
/** Without it an upload is refused: https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-issues */
export const SCIM_TYPE = 'application/scim+json';

/** @param contentType of the bodies that are sent this way. */
export function graphOver(
  parts: GraphParts,
  { client, rate, contentType }: { readonly client: Client; readonly rate: Rate; readonly contentType: string },
): Graph {
  const headers = { contentType, accept: JSON_TYPE, acceptOnDelete: JSON_TYPE };
  const own: ExchangeParts = { ...parts, client, rate, profile: { ...PROFILES.generic, headers } };
  return {
    ask: async (request, { journal, urgent, signal }) => {
      const answer = await exchangeOver(own, journal, urgent, signal)(request);
      return { ...answer, outcome: named(answer) };
    },
    pathOf: (address) => {
      if (!URL.canParse(address)) return null;
      const { origin, pathname, search } = new URL(address);
      return origin === parts.origin ? `${pathname}${search}` : null;
    },
  };
}

/** Microsoft's own word for what was wrong, where the answer has one (`error.code`). */
function named({ outcome, body }: Answer): Outcome {
  if (outcome.status === null || outcome.status < 400) return outcome;
  const error = body?.error;
  const code = isObject(error) ? textOf(error, 'code') : null;
  return code === null || outcome.code !== `http-${outcome.status}` ? outcome : concluded(outcome, { code });
}

/** The elements of a collection; null where the answer is none. */
export function valuesOf(body: JsonObject | null): readonly JsonObject[] | null {
  const value: JsonValue | undefined = body?.value;
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isObject) : null;
}

/** A text in a filter: quotes are doubled, and the whole is encoded once. */
export const equals = (property: string, value: string): string =>
  encodeURIComponent(`${property} eq '${value.replaceAll("'", "''")}'`);
