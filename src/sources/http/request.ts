// From the template of a request to the request: what stands in braces is filled in, and never becomes more than one value.
import type { RequestTemplate } from '../../mapping/source-settings.ts';

export interface WireRequest {
  readonly method: 'GET' | 'POST';
  /** With its query, from the slash on. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** '' sends none. */
  readonly body: string;
}

export interface Filling {
  readonly ids?: readonly string[];
  readonly values?: Readonly<Record<string, string>>;
  /** Members that paging sets in the query, or in the body at dotted paths. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string | number>>;
}

/** @param base path of baseUrl. */
export function requestOf(template: RequestTemplate, base: string, filling: Filling): WireRequest {
  const path = base.replace(/\/+$/, '') + filled(template.path, filling, encodeURIComponent);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(template.query))
    query.set(
      name,
      filled(value, filling, (text) => text),
    );
  for (const [name, value] of Object.entries(filling.query ?? {})) query.set(name, value);
  // OData and some others do not take `+` for a blank or %24 for the dollar of their own parameters.
  const text = query.toString().replaceAll('+', '%20').replaceAll('%24', '$');
  const body = bodyOf(template, filling);
  return {
    method: template.method,
    path: text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`,
    headers: {
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...Object.fromEntries(
        Object.entries(template.headers).map(([name, value]) => [
          name.toLowerCase(),
          filled(value, filling, (one) => one.replace(/[^\x20-\x7e]/g, '')),
        ]),
      ),
    },
    body,
  };
}

function bodyOf({ method, body }: RequestTemplate, filling: Filling): string {
  if (method !== 'POST') return '';
  if (body === undefined && filling.body === undefined) return '';
  const value = filledValue(body ?? {}, filling);
  for (const [path, member] of Object.entries(filling.body ?? {})) put(value, path.split('.'), member);
  return JSON.stringify(value);
}

function filledValue(value: unknown, filling: Filling): unknown {
  if (typeof value === 'string') return filled(value, filling, (text) => text);
  if (Array.isArray(value)) {
    const [only] = value;
    // A list of one element about one id is about each of them.
    if (value.length === 1 && JSON.stringify(only).includes('{id}'))
      return (filling.ids ?? []).map((id) => filledValue(only, { ...filling, ids: [id] }));
    return value.map((element) => filledValue(element, filling));
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filledValue(member, filling)]));
}

function filled(text: string, { ids = [], values = {} }: Filling, made: (value: string) => string): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'id') return ids.map(made).join(',');
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : made(value);
  });
}

function put(value: unknown, path: readonly string[], member: string | number): void {
  let current = value as Record<string, unknown>;
  for (const part of path.slice(0, -1)) {
    const below = Object.hasOwn(current, part) ? current[part] : undefined;
    if (below === null || typeof below !== 'object' || Array.isArray(below)) current[part] = {};
    current = current[part] as Record<string, unknown>;
  }
  current[path.at(-1) ?? ''] = member;
}
