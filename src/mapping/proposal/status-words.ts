// What the words of HR say of a worker, in four languages. A word that is not known here gets no meaning: a status that is
// guessed would either lock somebody out or leave them in.
import type { StatusWord } from '../../worker/worker.ts';
import { transliterated } from '../slug.ts';

export interface Meaning {
  readonly status: StatusWord;
  /** What makes it doubtful, as a sentence; '' where the word is plain. */
  readonly doubt: string;
}

const INACTIVE = 'inactive may mean left or on leave';
const NOTICE = 'notice was given and access goes on until the last day: the end date must be mapped';
const FREED = 'released from work, and HR decides whether that ends access';

/** In this order: the first that is found counts, so that "inactive" is not taken for "active". */
const MEANINGS: readonly (readonly [pattern: RegExp, status: StatusWord, doubt: string])[] = [
  [
    /\b(?:pre-?hired?|pre-?boarding|not started|not yet started|new hire|future|upcoming|pending|onboarding|offer|incoming|starter|expected)\b/,
    'expected',
    '',
  ],
  [
    /\b(?:zukuenftig\w*|zukunftig\w*|kuenftig\w*|kunftig\w*|geplant|vorgemerkt|neueintritt|bevorstehend\w*)\b/,
    'expected',
    '',
  ],
  [/\b(?:a venir|futur\w*|en attente|prevu\w*|embauche prevue|pre-?embauche)\b/, 'expected', ''],
  [/\b(?:pendiente\w*|por ingresar|proximo ingreso|preingreso|pre-?alta)\b/, 'expected', ''],
  [/\b(?:notice|leaving|offboarding|gekuendigt|gekundigt|preavis|en preavis|preaviso)\b/, 'active', NOTICE],
  [/\b(?:garden(?:ing)? leave|freigestellt|freistellung)\b/, 'leave', FREED],
  [/\b(?:baja (?:medica|maternal|por \w+|temporal|laboral)|incapacidad)\b/, 'leave', ''],
  [
    /\b(?:leave|on leave|loa|sabbatical|furlough\w*|parental|maternity|paternity|long[- ]term sick|sick|absent|absence|disability)\b/,
    'leave',
    '',
  ],
  [
    /\b(?:elternzeit|mutterschutz|beurlaubt|ruhend\w*|sabbatjahr|langzeitkrank|langzeiterkrankt|krank|abwesend|pflegezeit|karenz)\b/,
    'leave',
    '',
  ],
  [/\b(?:conge|en conge|conges|absent\w*|maladie|maternite|paternite|disponibilite|arret)\b/, 'leave', ''],
  [/\b(?:excedencia|permiso|licencia|vacaciones|maternidad|paternidad)\b/, 'leave', ''],
  [
    /\b(?:(?:not|non|nicht|no|pas)[ -]acti\w+|(?:not|non|nicht|no|pas)[ -]aktiv|inactive|inaktiv\w*|inactif|inactives?|inactiv[oa]|inattivo|inativo)\b/,
    'terminated',
    INACTIVE,
  ],
  [/\b(?:no longer|not employed|nicht mehr|plus en poste|ya no)\b/, 'terminated', ''],
  [
    /\b(?:suspended|suspendu\w*|suspendid[oa]|gesperrt|on hold)\b/,
    'leave',
    'a suspension keeps the account here; terminated would end access',
  ],
  [
    /\b(?:terminated|termed|term|left|leaver|former|ex[- ]employee|separated|resigned|retired|retiree|deceased|dismissed|ended|discharged|departed|redundant|exited|laid off|offboarded|quit)\b/,
    'terminated',
    '',
  ],
  [
    /\b(?:ausgeschieden\w*|ausgetreten\w*|ehemalig\w*|beendet|verrentet|pensioniert|rente|rentner\w*|verstorben|entlassen|austritt)\b/,
    'terminated',
    '',
  ],
  [/\b(?:sorti\w*|parti\w*|demissionne\w*|licencie\w*|retraite\w*|termine\w*|ancien\w*|decede\w*)\b/, 'terminated', ''],
  [
    /\b(?:baja|cesad[oa]|cese|despedid[oa]|jubilad[oa]|terminad[oa]|finalizad[oa]|desvinculad[oa]|fallecid[oa]|egresad[oa])\b/,
    'terminated',
    '',
  ],
  [
    /\b(?:active|employed|working|current|present|in service|probation|regular|full[- ]time|part[- ]time)\b/,
    'active',
    '',
  ],
  [
    /\b(?:aktiv\w*|beschaeftigt|beschaftigt|angestellt|taetig|tatig|im dienst|in probezeit|probezeit|ungekuendigt)\b/,
    'active',
    '',
  ],
  [/\b(?:actif|actifs|en poste|en activite|en service|present\w*)\b/, 'active', ''],
  [/\b(?:activ[oa]|alta|trabajando|en activo|en servicio|empleado)\b/, 'active', ''],
];

/** Codes of one or two letters, as far as systems agree on them. */
const CODES: Readonly<Record<string, Meaning>> = {
  a: { status: 'active', doubt: '' },
  act: { status: 'active', doubt: '' },
  ac: { status: 'active', doubt: '' },
  l: { status: 'leave', doubt: 'L is leave in most systems and left in some' },
  la: { status: 'leave', doubt: 'LA is taken for leave of absence' },
  loa: { status: 'leave', doubt: '' },
  t: { status: 'terminated', doubt: '' },
  te: { status: 'terminated', doubt: '' },
  i: { status: 'terminated', doubt: INACTIVE },
  in: { status: 'active', doubt: 'In is taken for employed' },
};

const YES = /^(?:1|true|yes|y|ja|j|oui|o|si|s|x|on|wahr|vrai|verdadero|t)$/;
const NO = /^(?:0|false|no|n|nein|non|off|falsch|faux|falso|f)$/;

const plain = (word: string): string =>
  transliterated(word)
    .toLowerCase()
    .trim()
    .replace(/[_\s]+/g, ' ');

/** What a word of a status column means; null where it is not known. */
export function meaningOf(word: string): Meaning | null {
  const text = plain(word);
  const code = CODES[text];
  if (code !== undefined) return code;
  // "7 - Terminated": numbers in front of a word say nothing of it.
  for (const [pattern, status, doubt] of MEANINGS) if (pattern.test(text)) return { status, doubt };
  return null;
}

/** True and false as exports write them; null for any other word. */
export function truthOf(word: string): boolean | null {
  const text = plain(word);
  if (YES.test(text)) return true;
  return NO.test(text) ? false : null;
}
