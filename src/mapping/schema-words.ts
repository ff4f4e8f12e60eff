// How keys of the schema say what they are for.
import { z } from 'zod';

export const said = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description }) as T;
export const text = (description: string) => said(z.string(), description);
/** Plain YAML `true` and `5` are the CEL literals they look like. */
export const expression = (description: string) =>
  z.union([z.string(), z.boolean(), z.number()]).transform(String).meta({ description, expression: true });
