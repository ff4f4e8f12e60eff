// Every fake vendor: the story of the presets runs over these.
import { bamboohr } from './bamboohr.ts';
import type { VendorFake } from './fake-hr.ts';

export const VENDORS: readonly VendorFake[] = [bamboohr];
