// From `kind: bamboohr` to the source of kind http that it stands for.
import type { Fault } from '../../base/problem.ts';
import type { Preset } from './preset.ts';
import { PRESETS, type PresetName } from './presets.ts';

type Section = Readonly<Record<string, unknown>>;

const isSection = (value: unknown): value is Section =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export const isPreset = (kind: unknown): kind is PresetName => typeof kind === 'string' && Object.hasOwn(PRESETS, kind);

export interface PresetFault extends Pick<Fault, 'message' | 'hint'> {
  /** The key of `source` it is about. */
  readonly key: string;
}

/**
 * The source with the preset beneath it. What is no preset comes back as it is. Keys of the file win; `list.query` and other
 * sections are put together member by member, lists are replaced. A section that the file sets to null is left out.
 */
export function expanded(source: unknown): { readonly source: unknown; readonly faults: readonly PresetFault[] } {
  if (!isSection(source) || !isPreset(source.kind)) return { source, faults: [] };
  const preset: Preset = PRESETS[source.kind];
  const faults: PresetFault[] = [];
  const values = new Map<string, string>();
  for (const [name, { description, pattern, example, default: byDefault }] of Object.entries(preset.parameters)) {
    const written = source[name] ?? byDefault;
    const value = typeof written === 'number' ? String(written) : written;
    if (value === undefined)
      faults.push({ key: name, message: `source.${name} is missing`, hint: `${description}, such as ${example}` });
    else if (typeof value !== 'string' || !pattern.test(value))
      faults.push({
        key: name,
        message: `this is no ${name} for ${source.kind}`,
        hint: `${description}, such as ${example}`,
      });
    else values.set(name, value);
  }
  const own = Object.fromEntries(
    Object.entries(source).filter(([name]) => name !== 'kind' && !Object.hasOwn(preset.parameters, name)),
  );
  const filled = fill(preset.source, values) as Section;
  return { source: over({ ...filled, kind: 'http' }, own), faults };
}

function fill(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return value.replace(/\{(\w+)\}/g, (whole, name: string) => values.get(name) ?? whole);
  if (Array.isArray(value)) return value.map((element) => fill(element, values));
  if (!isSection(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, values)]));
}

/** Sections that are told apart by their kind do not mix: another kind replaces the whole section. */
function over(below: Section, above: Section): Section {
  const result: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const under = below[name];
    if (value === null && isSection(under)) delete result[name];
    else if (isSection(value) && isSection(under) && (value.kind === undefined || value.kind === under.kind))
      result[name] = over(under, value);
    else result[name] = value;
  }
  return result;
}
