// Every fake vendor: the story of the presets runs over these.
import { adp } from './adp.ts';
import { bamboohr } from './bamboohr.ts';
import { deel } from './deel.ts';
import type { VendorFake } from './fake-hr.ts';
import { finch } from './finch.ts';
import { gusto } from './gusto.ts';
import { hibob } from './hibob.ts';
import { merge } from './merge.ts';
import { personioV1 } from './personio-v1.ts';
import { personioV2 } from './personio-v2.ts';
import { rippling } from './rippling.ts';
import { successfactors } from './successfactors.ts';
import { workdayRaas } from './workday-raas.ts';

export const VENDORS: readonly VendorFake[] = [
  bamboohr,
  workdayRaas,
  hibob,
  personioV1,
  personioV2,
  successfactors,
  adp,
  rippling,
  gusto,
  deel,
  merge,
  finch,
];
