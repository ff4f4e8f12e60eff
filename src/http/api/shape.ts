// The words in which shapes of answers are written down: one zod schema for each, registered under the name that the OpenAPI
// document gives it. Tests hold every answer against them; they are strict, so that a member nobody documented is found.
import { z } from 'zod';

/** Every shape that has a name in the document. */
export const SHAPES = z.registry<{ id: string }>();

export function named<T extends z.ZodType>(id: string, schema: T): T {
  SHAPES.add(schema, { id });
  return schema;
}

export const instant = named(
  'Instant',
  z.iso.datetime({ precision: 3 }).describe('A moment in UTC, ISO 8601 with milliseconds.'),
);
export const text = z.string();
export const count = z.int().min(0);
/** JSON whose members depend on what it tells of. */
export const open = z.record(z.string(), z.unknown());
export const tally = z.record(z.string(), count);
/** Where a list goes on: given back as `after`. A page may hold few items, or none, and still go on. */
export const next = z
  .int()
  .nullable()
  .describe('Give it as `after` for the next page; null at the end. A page with few items, or none, may still go on.');
