// The house rules that a machine can see: who may import whom, and where clock, chance, environment and SQL may stand.
import { dirname, join, normalize } from 'node:path';

/** Rooms by floor: a file imports from its own room and from lower floors; rooms on one floor do not know each other. */
export const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['worker'],
  ['lifecycle'],
  ['mapping'],
  ['planning'],
  ['runtime'],
  ['sources', 'targets', 'store'],
  ['pipeline'],
  ['views'],
  ['http'],
  ['cli', 'demo', 'rehearsal', '.'],
];
/** The roof (the last floor; `.` are the files of src/ itself) sees everything, also its neighbours. */
const ROOF = FLOORS.length - 1;

/** Rooms without I/O, and the packages each may use. */
const PURE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: ['temporal-polyfill'],
  worker: [],
  lifecycle: ['xstate'],
  mapping: ['zod', 'yaml', '@marcbachmann/cel-js', 're2js', 'any-ascii'],
  planning: [],
};

/** Packages that have one room. */
const ROOM_OF_PACKAGE: Readonly<Record<string, string>> = {
  'better-sqlite3': 'store',
  xstate: 'lifecycle',
  '@marcbachmann/cel-js': 'mapping',
  'prom-client': 'runtime',
  nodemailer: 'runtime',
  undici: 'runtime',
  fastify: 'http',
  commander: 'cli',
};

/** What reaches outside a value, and the only files in which it may stand. `new Date(…)` with an argument is calendar arithmetic. */
const OUTSIDE: readonly { readonly what: string; readonly pattern: RegExp; readonly files: readonly string[] }[] = [
  { what: 'the clock', pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bTemporal\.Now\b/, files: ['runtime/clock.ts'] },
  { what: 'new Date', pattern: /\bnew Date\(/, files: ['base/instant.ts'] },
  { what: 'chance', pattern: /\bMath\.random\b/, files: ['daemon.ts'] },
  { what: 'the environment', pattern: /\bprocess\.env\b/, files: ['config.ts', 'main.ts', 'runtime/secrets.ts'] },
];
const OUTSIDE_PURE =
  /\bprocess\.|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bperformance\.|\bcrypto\.|\bconsole\.|\bfetch\(|\bglobalThis\b/;

const SQL =
  /\b(?:SELECT\s[\s\S]{1,200}?\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|INDEX|TRIGGER)|PRAGMA\s+\w+)\b/;

const IMPORT = /^\s*(?:import|export)\s+(?:type\s+)?(?:[\w$*\s{},]+?\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]/g;

export const importsOf = (text: string): readonly string[] =>
  [IMPORT, DYNAMIC_IMPORT].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));

/** Code without comments: a comment may speak of what code may not do. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{}(,])\/\/.*$/gm, '$1');

const roomOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] as string) : '.');
const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/**
 * Every breach in these files, as `path: sentence`.
 * @param files text by path below src/, with forward slashes.
 */
export function breaches(files: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  const edges = new Map<string, readonly string[]>();
  for (const [path, text] of files) {
    const say = (sentence: string) => found.push(`${path}: ${sentence}`);
    const room = roomOf(path);
    const code = withoutComments(text);
    if (floorOf(room) === -1) say(`the room ${room} stands on no floor`);
    if (!/^(?:[a-z0-9-]+\/)*[a-z0-9-]+(?:\.d)?\.ts$/.test(path)) say('its name is not kebab-case');
    if (/(?:^|\/)index\.ts$/.test(path)) say('is an index file');
    if (/^export default\b/m.test(code)) say('has a default export');
    if (room !== 'store' && SQL.test(code)) say('contains SQL');
    for (const { what, pattern, files: allowed } of OUTSIDE) {
      if (pattern.test(code) && !allowed.includes(path)) say(`uses ${what}`);
    }
    if (room in PURE_ROOMS && OUTSIDE_PURE.test(code))
      say(`is pure but reaches outside (${OUTSIDE_PURE.exec(code)?.[0]})`);

    const inside: string[] = [];
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(path), specifier)).replaceAll('\\', '/');
        inside.push(target);
        checkInside(path, target, files, say);
      } else {
        checkPackage(room, specifier, say);
      }
    }
    edges.set(path, inside);
  }
  for (const cycle of cycles(edges)) found.push(`${cycle[0]}: is in a cycle: ${cycle.join(' → ')}`);
  return found;
}

function checkInside(
  path: string,
  target: string,
  files: ReadonlyMap<string, string>,
  say: (sentence: string) => void,
): void {
  if (target.startsWith('..')) {
    say(`imports ${target} from outside src`);
    return;
  }
  if (!files.has(target)) {
    say(`imports ${target}, which is no file of src`);
    return;
  }
  const [from, to] = [roomOf(path), roomOf(target)];
  const [high, low] = [floorOf(from), floorOf(to)];
  if (from === to || high === ROOF || low < high) return;
  say(low === high ? `imports its neighbour ${target}` : `imports ${target} from a higher floor`);
}

function checkPackage(room: string, specifier: string, say: (sentence: string) => void): void {
  const pure = PURE_ROOMS[room];
  if (specifier.startsWith('node:')) {
    if (pure !== undefined) say(`is pure but imports ${specifier}`);
    return;
  }
  const name = packageOf(specifier);
  if (pure !== undefined && !pure.includes(name)) say(`is pure but imports ${name}`);
  const home = ROOM_OF_PACKAGE[name];
  if (home !== undefined && home !== room && floorOf(room) !== ROOF) say(`imports ${name}, which belongs to ${home}`);
}

/** Each cycle once, beginning with its first path in text order. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): void => {
    const start = way.indexOf(path);
    if (start !== -1) {
      const ring = way.slice(start);
      const first = ring.indexOf([...ring].sort()[0] as string);
      const turned = [...ring.slice(first), ...ring.slice(0, first)];
      found.set(turned.join(), [...turned, turned[0] as string]);
      return;
    }
    if (done.has(path)) return;
    way.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    way.pop();
    done.add(path);
  };
  for (const path of [...edges.keys()].sort()) visit(path);
  return [...found.values()];
}
