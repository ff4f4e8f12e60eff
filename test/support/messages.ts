// Every message a person can meet, taken from the code: its code, what it says, and what to do. What the code puts together at run
// time is said here by hand; a code without a sentence fails the test of the documents.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Message {
  readonly code: string;
  readonly says: string;
  readonly todo: string;
}

const SRC = join(import.meta.dirname, '..', '..', 'src');
/** A literal ends before the line that closes it; this much of it is looked at. */
const LITERAL_MAX = 900;
const CODE = /code: '([a-z]+(?:\.[a-z0-9-]+)+)'/g;

/** Acts on one worker say why they are refused in this form. */
const REFUSED =
  /\brefused\(\s*'([a-z]+(?:\.[a-z0-9-]+)+)',\s*(`[^`]*`|'(?:[^'\\]|\\.)*'),?\s*(`[^`]*`|'(?:[^'\\]|\\.)*')?/g;

/** What the code says only at run time, or says in the log. */
const BY_HAND: Readonly<Record<string, readonly [says: string, todo: string]>> = {
  'act.replay': ['the replay was refused; the sentence says why', 'see rollcall failed'],
  'act.sync': ['the running daemon could not be asked', 'look at that process'],
  'alerts.dead-man': ['the dead-man switch could not be called', 'look at its address and the network'],
  'alerts.not-sent': [
    'no channel took an alert; it is sent again at the next look',
    'look at the address, the secret and the mail server',
  ],
  'alerts.value': [
    'a value in the file of ROLLCALL_ALERTS is not what it must be; line and column are named',
    'correct it there',
  ],
  'api.body': ['the body of an act is not what the document describes; the members are named', 'GET /api/openapi.json'],
  'api.path': ['a part of the address is not what the document describes', 'GET /api/openapi.json'],
  'api.query': ['a member of the query is unknown or not what the document describes', 'GET /api/openapi.json'],
  'audit.checkpoint': ['the last checkpoint of the audit was not written', 'look at the disk of ROLLCALL_PROOF'],
  'audit.unsigned': ['checkpoints of the audit are not signed', 'rollcall audit key FILE, then ROLLCALL_AUDIT_KEY'],
  'config.http-token': ['other machines could read reasons and metrics without a token', ''],
  'feed.json': ['the answer is not the JSON that was described', 'look at recordPath'],
  'feed.no-records': ['there is no list of records where the file says', 'look at recordPath'],
  'init.kind': ['the sample is of a kind that cannot be read', 'csv, json or jsonl'],
  'leaver.unconfirmed': [
    'somebody who left still has access after five minutes',
    'rollcall failed; take the access away at the target by hand',
  ],
  'log.lost': [
    'so many lines found no place: a full disk, or nobody who reads them',
    'look at where standard output goes',
  ],
  'mapping.type': ['an expression gives another type than is wanted; both are named', 'rollcall help mapping'],
  'name.held': ['a target gave a name that belongs to another worker here', 'both of them: rollcall explain ID'],
  'pair.target': ['the connection has several targets, or none of that name', '--target NAME'],
  'source.settings': ['two keys of the source do not go together; the sentence says which', 'rollcall help mapping'],
  'target.back': ['a target can be used again', ''],
  'target.down': [
    'a target cannot be used; its work waits and leavers go first once it is back',
    'look at the target and its credentials',
  ],
  'delivery.unconfirmed': [
    'a target took work in and did not say in time what became of it; it is sent again',
    'look at the log of the target, and at rollcall status',
  ],
  'target.delayed': [
    'a target takes no work but that for leavers: its calls are spent, or its sessions are not free',
    'nothing, where it passes by itself; the sentence says what it waits for',
  ],
  'target.stalled': [
    'a target does not do what it is asked, leavers included: it is paused, or in quarantine',
    'set it going again at the target; what waits is asked for until it is confirmed',
  ],
  'target.base-url': ['the base URL is no https address without credentials', ''],
  'target.session-auth': ['the credentials of the target cannot end sessions', 'revokeSessions.auth, see docs/auth.md'],
  'target.sessions': ['sessions of leavers stay open at this target; the sentence says why', 'revokeSessions'],
  'webhook.secret': [
    'the secret of a webhook is missing or too short; the sentence says which',
    'make one with openssl rand -base64 32, and give it to the sender',
  ],
  'target.unmet': [
    'a target could not be listed yet; nobody is planned there',
    'look at the target; it is tried again',
  ],
};

export function messagesOf(): readonly Message[] {
  const found = new Map<string, { says: string; todo: string }>();
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  for (const file of files.sort()) {
    const text = readFileSync(join(SRC, file), 'utf8');
    for (const match of text.matchAll(CODE)) {
      const [, code = ''] = match;
      const rest = text.slice(match.index, match.index + LITERAL_MAX);
      const end = rest.search(/\n\s*\}\)?[,;)]/);
      const literal = end < 0 ? rest : rest.slice(0, end);
      const says = memberOf(literal, 'message');
      if (found.get(code)?.says) continue;
      found.set(code, { says, todo: memberOf(literal, 'hint') });
    }
    for (const [, code = '', says = '', todo = ''] of text.matchAll(REFUSED)) {
      if (!found.get(code)?.says) found.set(code, { says: plain(says.slice(1, -1)), todo: plain(todo.slice(1, -1)) });
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { says, todo }]) => {
      const [byHand, todoByHand] = BY_HAND[code] ?? ['', ''];
      return { code, says: says || byHand, todo: todo || todoByHand };
    });
}

/** A text of the literal; what is filled in at run time becomes `…`. */
function memberOf(literal: string, name: string): string {
  const [, template, single, double] =
    new RegExp(`\\b${name}:\\s*(?:\`([^\`]*)\`|'((?:[^'\\\\]|\\\\.)*)'|"([^"]*)")`).exec(literal) ?? [];
  return plain(template ?? single ?? double ?? '');
}

function plain(text: string): string {
  return text
    .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…')
    .replaceAll("\\'", "'")
    .replace(/\s+/g, ' ')
    .trim();
}
