// The OpenAPI 3.1 document, made from the routes and from the shapes that tests hold every answer against.
import { z } from 'zod';
import { problem } from './basic-shapes.ts';
import type { Members, Route } from './route.ts';
import { SHAPES } from './shape.ts';

const AT = '#/components/schemas/';

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, object>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters?: readonly object[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, object>>;
}

export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const paths: Record<string, Readonly<Record<string, Operation>>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  const { schemas } = z.toJSONSchema(SHAPES, { uri: (id) => `${AT}${id}` });
  return {
    openapi: '3.1.1',
    info: {
      title: 'Rollcall',
      version,
      description:
        'What the commands say with --json, and the acts. Answers hold what the commands show, personal values included: whoever reads them has to be allowed to.',
    },
    servers: [{ url: '/api' }],
    security: [{ reading: [] }, { acting: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)])),
      responses: { problem: problemResponse('What went wrong, and what to do.') },
      securitySchemes: {
        reading: { type: 'http', scheme: 'bearer', description: 'The token of ROLLCALL_API_TOKEN: may read.' },
        acting: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of ROLLCALL_API_ACT_TOKEN: may act as well.',
        },
      },
    },
  };
}

function operationOf(route: Route): Operation {
  const { method, name, about, pathMembers, query, body, answer } = route;
  const parameters = [...parametersOf(pathMembers, 'path'), ...parametersOf(query, 'query')];
  return {
    operationId: name,
    summary: about,
    security: method === 'GET' ? [{ reading: [] }, { acting: [] }] : [{ acting: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      [method === 'GET' ? '200' : '202']: {
        description: method === 'GET' ? 'The answer.' : 'Taken in.',
        content: { 'application/json': { schema: { $ref: `${AT}${idOf(answer)}` } } },
      },
      default: { $ref: '#/components/responses/problem' },
    },
  };
}

function problemResponse(description: string): object {
  return { description, content: { 'application/problem+json': { schema: { $ref: `${AT}${idOf(problem)}` } } } };
}

const parametersOf = (members: Members, place: 'path' | 'query'): readonly object[] =>
  Object.entries(members).map(([name, schema]) => {
    const { description, ...rest } = schemaOf(schema) as { readonly description?: string };
    return {
      name,
      in: place,
      required: place === 'path' || !schema.safeParse(undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });

/** As it is to be sent, not as it is read. */
const schemaOf = (schema: z.ZodType): object => bare(z.toJSONSchema(schema, { io: 'input' }));

/** The dialect is that of the document, and a name in it stands above the schema already. */
function bare(schema: object): object {
  const { $schema: _, $id: __, ...rest } = schema as { $schema?: unknown; $id?: unknown };
  return rest;
}

function idOf(schema: z.ZodType): string {
  const id = SHAPES.get(schema)?.id;
  if (id === undefined) throw new Error('bug: an answer of the API has no name');
  return id;
}
