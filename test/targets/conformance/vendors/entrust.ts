// Entrust Identity as a Service: verbs, filters, paging and limits were not found. The endpoint does what it says of itself, so
// its stories run once for each way of saying it; see `selves.ts`.
import type { Vendor } from '../quirk.ts';
import { personOf } from './person.ts';

export const ENTRUST: Vendor = { name: 'entrust', quirks: [], person: (n) => personOf(n) };
