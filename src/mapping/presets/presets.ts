// Every preset by its name: `source.kind` takes these.
import { bamboohr } from './bamboohr.ts';
import type { Preset } from './preset.ts';

export const PRESETS = {
  bamboohr,
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];
