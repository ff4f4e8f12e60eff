// The functions of the mapping language: what is not listed here does not exist, whatever the library knows.

/** They walk through a list and do not nest. */
export const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Of those, the ones that forget an error when another element decides. */
export const QUANTIFIERS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one']);

/** Name → forms, for messages and help. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  lookup: 'lookup("table", key), lookup("table", key, default)',
  date: 'date(text), date(text, "MM/dd/yyyy")',
  instant: 'instant(text)',
  slug: 'slug(text)',
  transliterate: 'transliterate(text)',
  join: 'join([texts], separator)',
  coalesce: 'coalesce(text, text, …)',
  unique: 'unique([stems], suffix)',
  randomPassword: 'randomPassword()',
  lower: 'lower(text)',
  upper: 'upper(text)',
  trim: 'trim(text)',
  size: 'size(text or list)',
  int: 'int(text or number)',
  double: 'double(text or number)',
  string: 'string(number or bool)',
  bool: 'bool(text)',
  has: 'has(record.X)',
};
export const METHODS: Readonly<Record<string, string>> = {
  startsWith: 'text.startsWith(text)',
  endsWith: 'text.endsWith(text)',
  contains: 'text.contains(text)',
  matches: 'text.matches("pattern")',
  indexOf: 'text.indexOf(text)',
  lastIndexOf: 'text.lastIndexOf(text)',
  substring: 'text.substring(from, to)',
  split: 'text.split(separator)',
  trim: 'text.trim()',
  lowerAscii: 'text.lowerAscii()',
  upperAscii: 'text.upperAscii()',
  join: 'list.join(separator)',
  size: 'list.size()',
  map: 'list.map(x, …)',
  filter: 'list.filter(x, …)',
  all: 'list.all(x, …)',
  exists: 'list.exists(x, …)',
  exists_one: 'list.exists_one(x, …)',
  orValue: 'record.?X.orValue("")',
  or: 'optional.or(optional)',
  hasValue: 'optional.hasValue()',
  value: 'optional.value()',
  of: 'optional.of(value)',
  none: 'optional.none()',
};

/** These may refuse a record at run time; so may access to a member that is not there, an index and a division. */
export const FALLIBLE: ReadonlySet<string> = new Set([
  'date',
  'instant',
  'int',
  'double',
  'bool',
  'substring',
  'value',
]);
export const LIST_METHODS: ReadonlySet<string> = new Set(['join', 'map', 'filter', 'all', 'exists', 'exists_one']);
