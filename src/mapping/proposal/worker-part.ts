// The `worker:` section: one part after the other chooses its column, and says what is doubtful about it.
import type { Fault } from '../../base/problem.ts';
import { STATUS_WORDS_MAX } from './candidates.ts';
import { Choice, type Chosen, seen } from './choice.ts';
import type { Role } from './column-words.ts';
import { repeatedKeys, SEQUENCE_SHARE_MIN } from './dated-rows.ts';
import { effectiveSettings, endSettings, startSetting, takeDays } from './day-part.ts';
import { type Entry, type Setting, yamlText } from './file-text.ts';
import { type NameParts, nameParts } from './name-part.ts';
import { nameOf, type SampleColumn } from './sample-columns.ts';
import { type StatusPart, statusPart } from './status-part.ts';

export interface WorkerPart {
  readonly settings: readonly Entry[];
  /** Settings of `source.effective`; empty where rows are not dated. */
  readonly effective: readonly Entry[];
  readonly statusTable: readonly Entry[];
  readonly attributes: readonly string[];
  readonly names: NameParts;
  readonly mail: SampleColumn | null;
  readonly zone: SampleColumn | null;
  readonly unused: readonly string[];
}

/** Attributes that a first draft carries, where the feed has them. */
const PLAIN_ATTRIBUTES: readonly (readonly [attribute: string, role: Role])[] = [
  ['department', 'department'],
  ['division', 'division'],
  ['costCenter', 'costCenter'],
  ['company', 'company'],
  ['title', 'title'],
  ['type', 'type'],
  ['location', 'location'],
  ['country', 'country'],
  ['phone', 'phone'],
  ['mobile', 'mobile'],
];

/** @param rowTexts one text for each record, for telling identical rows apart. */
export function workerPart(
  columns: readonly SampleColumn[],
  rowTexts: readonly string[],
): { readonly part: WorkerPart } | { readonly fault: Fault } {
  const choice = new Choice(columns);
  const id = takeId(choice);
  if (id === null) return { fault: noKey(columns) };
  const person = takePerson(choice, id.column);
  const days = takeDays(choice);
  const names = nameParts(choice);
  const mail = choice.take('mail');
  const status = takeStatus(choice);
  const manager = choice.takeManager(id.column);
  const zone = choice.take('timeZone');

  const from = days.rowFrom ?? days.start;
  const to = days.rowTo ?? days.end;
  const repeated = repeatedKeys(id.column, rowTexts, from, to);
  const dated = repeated.keys > 0 && repeated.inSequence >= SEQUENCE_SHARE_MIN * repeated.keys;

  const attributes: Setting[] = [...names.settings];
  if (mail !== null) attributes.push(plainSetting('mail', mail));
  for (const [attribute, role] of PLAIN_ATTRIBUTES) {
    const chosen = choice.take(role);
    if (chosen !== null) attributes.push(plainSetting(attribute, chosen));
  }
  const unused = choice.unused();
  const settings: Entry[] = [
    idSetting(id, choice, dated ? 0 : repeated.keys),
    ...(person === null ? [] : [personSetting(person)]),
    status.setting,
    startSetting(days, dated && from === days.start),
    ...endSettings(days, dated && to === days.end, columns),
    ...(zone === null ? [] : [plainSetting('timeZone', zone)]),
    ...managerSettings(manager, id.column, choice),
    ...(nobodyIsCalled(names) ? [NO_NAMES] : []),
    { key: 'attributes', value: attributes.length === 0 ? '{}' : attributes },
  ];
  return {
    part: {
      settings,
      effective: dated ? effectiveSettings(from, to) : [],
      statusTable: status.table,
      attributes: attributes.map(({ key }) => key),
      names,
      mail: mail?.column ?? null,
      zone: zone?.column ?? null,
      unused,
    },
  };
}

const noKey = (columns: readonly SampleColumn[]): Fault => ({
  code: 'init.no-key',
  message: `no column tells workers apart: looked at ${columns.map(nameOf).slice(0, 20).join(', ')}`,
  hint: 'the feed needs a key for each worker that never changes and never goes to somebody else',
});

const nobodyIsCalled = ({ given, family, full }: NameParts): boolean => !given && !family && !full;
const NO_NAMES: Entry = {
  remark: 'no column with names was found: write givenName and familyName below, and name: under user',
  unsureOf: 'worker.attributes',
};

const plainSetting = (key: string, { column, bySight }: Chosen): Setting => ({
  key,
  value: yamlText(column.expression),
  ...(bySight ? { unsure: [seen(column)] } : {}),
});

/** A key that is unique beats one that is named better: rows under one key would be rejected. */
function takeId(choice: Choice): Chosen | null {
  const named = choice.candidates('id');
  const unique = named.find(({ column, strength }) => strength >= 2 && column.distinct.size === column.values.length);
  if (unique !== undefined) return choice.use(unique.column, false);
  return choice.take('id') ?? choice.take('personId');
}

function idSetting({ column, bySight }: Chosen, choice: Choice, repeated: number): Setting {
  const blanks = column.values.length - column.filled;
  const others = choice
    .candidates('id')
    .filter((other) => other.strength === 3 && other.column.distinct.size === column.values.length);
  const unsure = [
    ...(bySight ? [seen(column)] : []),
    ...(blanks === 0 ? [] : [`${blanks} rows have no key: they are rejected`]),
    ...(repeated === 0
      ? []
      : [
          `${repeated} keys stand on several rows that differ: those rows are rejected until HR, or source.effective, says which counts`,
        ]),
    ...(others.length === 0
      ? []
      : [
          `${others.map((other) => nameOf(other.column)).join(' and ')} would do as well: take the one that never changes, not even at a rehire`,
        ]),
  ];
  return { key: 'id', value: yamlText(column.expression), unsure };
}

/** Rows that share it become one person: a column that joins many workers is none. */
const WORKERS_SHARE_MIN = 0.8;

function takePerson(choice: Choice, id: SampleColumn): Chosen | null {
  const best = choice
    .candidates('personId')
    .find(
      ({ column }) =>
        column.filled === column.values.length && column.distinct.size >= WORKERS_SHARE_MIN * id.distinct.size,
    );
  return best === undefined ? null : choice.use(best.column, false);
}

const personSetting = ({ column }: Chosen): Setting => ({
  key: 'personId',
  value: yamlText(column.expression),
  unsure: ['rows that share it become one person with one account'],
});

function takeStatus(choice: Choice): StatusPart {
  const found = (['status', 'activeFlag', 'leftFlag'] as const)
    .map((role) => ({ role, chosen: role === 'status' ? namedStatus(choice) : choice.take(role) }))
    .find(({ chosen }) => chosen !== null);
  const leaveFlag = choice.take('leaveFlag')?.column ?? null;
  if (found?.chosen !== null && found !== undefined) {
    return statusPart({ column: found.chosen.column, role: found.role, bySight: found.chosen.bySight }, leaveFlag);
  }
  const sighted = choice.take('status');
  return statusPart(sighted === null ? null : { column: sighted.column, role: 'status', bySight: true }, leaveFlag);
}

function namedStatus(choice: Choice): Chosen | null {
  const best = choice.candidates('status').find(({ column }) => column.distinct.size <= STATUS_WORDS_MAX);
  return best === undefined ? null : choice.use(best.column, false);
}

function managerSettings(manager: Chosen | null, id: SampleColumn, choice: Choice): readonly Entry[] {
  if (manager === null) {
    const [other] = choice.candidates('managerOther');
    if (other === undefined) return [];
    choice.use(other.column, false);
    return [
      {
        remark: `"${nameOf(other.column)}" is not mapped: it names managers, and their key is needed`,
        unsureOf: 'worker.managerId',
      },
    ];
  }
  const { column, bySight } = manager;
  const known = [...column.distinct].filter((key) => id.distinct.has(key)).length;
  const few = column.distinct.size > 0 && known < column.distinct.size / 2;
  const unsure = [
    ...(bySight ? [seen(column)] : []),
    ...(few
      ? [
          `only ${known} of ${column.distinct.size} managers are in the sample under this key: is it the same kind of number as worker.id?`,
        ]
      : []),
  ];
  return [{ key: 'managerId', value: yamlText(column.expression), unsure }];
}
