// Where records may come from: what the engine knows by itself, and what a preset makes of it.
import { z } from 'zod';
import { PRESET_NAMES } from './presets/presets.ts';

export const SOURCE_KINDS = ['file', 'sftp', 'http'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Every word that `source.kind` takes. */
export const SOURCE_WORDS: readonly string[] = [...SOURCE_KINDS, ...PRESET_NAMES];

/** The kinds are told apart by this key; `words` is what help says that it takes. */
export const sourceKind = <K extends SourceKind>(name: K) =>
  z.literal(name).meta({
    description: 'Where records come from; a name of a vendor is http with what is known of it, see docs/sources.md.',
    words: SOURCE_WORDS.join(' | '),
  });
