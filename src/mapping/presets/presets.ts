// Every preset by its name: `source.kind` takes these.
import { adp } from './adp.ts';
import { bamboohr } from './bamboohr.ts';
import { deel } from './deel.ts';
import { finch } from './finch.ts';
import { gusto } from './gusto.ts';
import { hibob } from './hibob.ts';
import { merge } from './merge.ts';
import { personioV1 } from './personio-v1.ts';
import { personioV2 } from './personio-v2.ts';
import type { Preset } from './preset.ts';
import { rippling } from './rippling.ts';
import { successfactors } from './successfactors.ts';
import { workdayRaas } from './workday-raas.ts';

export const PRESETS = {
  bamboohr,
  'workday-raas': workdayRaas,
  hibob,
  'personio-v1': personioV1,
  'personio-v2': personioV2,
  successfactors,
  adp,
  rippling,
  gusto,
  deel,
  merge,
  finch,
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];
