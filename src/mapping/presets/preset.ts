// What a preset is: data that becomes a source of kind http. Presets hold no code: what a vendor needs that data cannot say belongs to
// the engine.

export interface Preset {
  /** What is known of it and from where, for docs/sources.md. */
  readonly title: string;
  /** Keys of `source` that fill `{name}` in the texts below; each with what it is. All are literals and needed. */
  readonly parameters: Readonly<Record<string, PresetParameter>>;
  /** A source of kind http as a connection file would write it; keys of the file go over it, sections member by member. */
  readonly source: Readonly<Record<string, unknown>>;
  /** The mapping template: `mappings/templates/NAME.yaml`. */
  readonly template: string;
  /** One sentence each: what was taken from where. Sections are those of the sources named in docs/sources.md. */
  readonly verified: readonly string[];
  /** What no source said: try it in your tenant. */
  readonly unverified: readonly string[];
}

export interface PresetParameter {
  readonly description: string;
  /** What it may hold: it becomes part of an address. */
  readonly pattern: RegExp;
  readonly example: string;
  /** Taken where the file says nothing. */
  readonly default?: string;
}
