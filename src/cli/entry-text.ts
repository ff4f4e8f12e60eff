// One sentence for each kind of audit entry. Entries hold no personal values outside their side table, and none is shown here.
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Entry } from '../store/store.ts';

export function entrySentence({ kind, body }: Pick<Entry, 'kind' | 'body'>): string {
  const text = (name: string): string => plain(body[name]);
  const words = (...names: readonly string[]): string =>
    names
      .map(text)
      .filter((word) => word !== '')
      .join(' ');
  switch (kind) {
    case 'decision': {
      const change = text('from') === text('to') ? text('to') : `${text('from')} → ${text('to')}`;
      const work = listed(body.operations);
      return [listed(body.transitions) || listed(body.events), change, work === '' ? '' : `(${work})`]
        .filter((part) => part !== '')
        .join(' ');
    }
    case 'intent':
      return `${words('method', 'path')} at ${text('target')}`;
    case 'answer':
      return `${words('method', 'path')} at ${text('target')}: ${words('status', 'class', 'code')}${text('state') === '' ? '' : `; ${words('what', 'state')}`}`;
    case 'result':
      return `${text('what')} at ${text('target')}: ${text('state')}${text('class') === 'done' ? '' : ` – ${words('status', 'class', 'code')}`}`;
    case 'held':
    case 'freed':
      return `the leave of ${manyOf(body.workers)} ${kind === 'held' ? 'waits for a person' : 'waits no longer'} (${text('hold')})`;
    case 'hold':
      return `${text('items')} item(s) of ${text('hold')} held: ${text('reason')}`;
    case 'approval':
    case 'discard':
      return `${text('items')} item(s) of ${text('hold')} until ${text('until')}: ${text('reason')}`;
    case 'act':
      return `${text('act')}${text('target') === '' ? '' : ` ${text('target')}`}: ${text('reason')} (${words('osUser', 'channel')})`;
    case 'cycle':
      return `cycle ${text('cycle')} ${text('state')}, ${text('rows')} rows, ${text('rejected')} rejected`;
    case 'contact':
      return `met ${text('target')} at ${text('baseUrl')}: ${body.accounts === null ? 'it lists nobody, people are looked up' : `${text('accounts')} account(s)`}`;
    case 'found-active':
      return `has left, but the account at ${text('target')} was found active`;
    case 'suspected':
      return text('reason');
    case 'alarm':
      return `${text('alarm')} ${text('code')}: ${text('message')}`;
    default:
      return Object.entries(body)
        .map(([name, value]) => `${name}=${plain(value)}`)
        .join(' ');
  }
}

const NAMED = 5;
function manyOf(value: JsonValue | undefined): string {
  const all = Array.isArray(value) ? value.map(plain) : [];
  return all.length <= NAMED ? all.join(', ') : `${all.slice(0, NAMED).join(', ')} and ${all.length - NAMED} more`;
}

const listed = (value: JsonValue | undefined): string => (Array.isArray(value) ? value.map(plain).join(', ') : '');

function plain(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') return JSON.stringify(value as JsonObject);
  return String(value);
}
