// Every route of the API, in the order of the document.
import { z } from 'zod';
import { ACT_ROUTES } from './act-routes.ts';
import { openApiDocument } from './document.ts';
import { EVIDENCE_ROUTES } from './evidence-routes.ts';
import { LOOK_ROUTES } from './look-routes.ts';
import { type Route, reading } from './route.ts';
import { named } from './shape.ts';
import { WORKER_ROUTES } from './worker-routes.ts';

const document: Route = reading('/openapi.json', {
  name: 'openapi',
  about: 'This document.',
  answer: named('OpenApi', z.looseObject({ openapi: z.string() })),
  handle: async ({ version }) => openApiDocument(API_ROUTES, version),
});

export const API_ROUTES: readonly Route[] = [
  document,
  ...LOOK_ROUTES,
  ...WORKER_ROUTES,
  ...EVIDENCE_ROUTES,
  ...ACT_ROUTES,
];
