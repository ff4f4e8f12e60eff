// A route of the API as a value: what it asks for, what it answers, what it does. The server and the OpenAPI document are both made
// from it, so that neither can know of something that the other does not.
import type { z } from 'zod';
import type { House } from '../../pipeline/house.ts';
import type { LockHolder } from '../../store/store.ts';

/** Members of a path or a query by name. */
export type Members = Readonly<Record<string, z.ZodType>>;
export type Given<M extends Members> = { readonly [K in keyof M]: z.output<M[K]> };

/** What answers are made of. */
export interface ApiHouse {
  readonly house: House;
  readonly version: string;
  readonly holder: LockHolder | null;
}

export interface Asked {
  readonly path: Given<Members>;
  readonly query: Given<Members>;
  readonly body: unknown;
  /** What the audit is told of who asks, beside the name they give. */
  readonly osUser: string;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it, below `/api`: `/workers/{id}`. */
  readonly path: string;
  /** `operationId`. */
  readonly name: string;
  readonly about: string;
  readonly pathMembers: Members;
  readonly query: Members;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType;
  /** Reads much: one such answer at a time. */
  readonly heavy: boolean;
  readonly handle: (api: ApiHouse, asked: Asked) => Promise<object>;
}

interface Reading<P extends Members, Q extends Members> {
  readonly name: string;
  readonly about: string;
  readonly path?: P;
  readonly query?: Q;
  readonly answer: z.ZodType;
  readonly heavy?: boolean;
  readonly handle: (api: ApiHouse, asked: { readonly path: Given<P>; readonly query: Given<Q> }) => Promise<object>;
}

export const reading = <P extends Members = Members, Q extends Members = Members>(
  path: string,
  { name, about, path: pathMembers, query, answer, heavy = false, handle }: Reading<P, Q>,
): Route => ({
  method: 'GET',
  path,
  name,
  about,
  pathMembers: pathMembers ?? {},
  query: query ?? {},
  body: null,
  answer,
  heavy,
  handle: (api, asked) => handle(api, { path: asked.path as Given<P>, query: asked.query as Given<Q> }),
});
