// The rules of OpenAPI 3.1 that a document made from code can break, looked at one by one: https://spec.openapis.org/oas/v3.1.1.html
import type { OpenApiDocument } from '../../src/http/api/document.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is judged before anybody trusts its shape.
type Any = any;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const COMPONENT = /^[A-Za-z0-9._-]+$/;
/** Keywords of JSON Schema 2020-12 and those that OpenAPI adds; another one is a slip that tools read past. */
const KEYWORDS = new Set(
  `$ref $defs $comment type enum const title description default examples deprecated readOnly writeOnly format pattern minLength
  maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf properties required additionalProperties propertyNames
  patternProperties minProperties maxProperties items prefixItems contains minItems maxItems uniqueItems anyOf oneOf allOf not if then
  else dependentRequired unevaluatedProperties`.split(/\s+/),
);

/** Every breach as a sentence. */
export function openApiFaults(document: OpenApiDocument): readonly string[] {
  const doc: Any = JSON.parse(JSON.stringify(document));
  const faults: string[] = [];
  const say = (where: string, what: string): number => faults.push(`${where}: ${what}`);
  if (!/^3\.1\.\d+$/.test(doc.openapi)) say('openapi', 'is no version 3.1');
  for (const member of ['title', 'version'])
    if (typeof doc.info?.[member] !== 'string') say('info', `has no ${member}`);
  for (const member of Object.keys(doc))
    if (!['openapi', 'info', 'servers', 'paths', 'components', 'security', 'tags'].includes(member))
      say(member, 'is unknown');
  const names = new Set<string>();
  const shapes = new Set<string>();
  for (const [path, item] of Object.entries<Any>(doc.paths)) {
    if (!path.startsWith('/')) say(path, 'does not begin with a slash');
    const shape = path.replace(/\{[^}]+\}/g, '{}');
    if (shapes.has(shape)) say(path, 'is the same path as another one');
    shapes.add(shape);
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort();
    for (const [method, operation] of Object.entries<Any>(item)) {
      const where = `${method} ${path}`;
      if (!METHODS.includes(method)) say(where, 'is no method');
      if (names.has(operation.operationId)) say(where, `operationId ${operation.operationId} is taken`);
      names.add(operation.operationId);
      const parameters: Any[] = operation.parameters ?? [];
      const declared = parameters.filter((one) => one.in === 'path');
      if (JSON.stringify(declared.map(({ name }) => name).sort()) !== JSON.stringify(inPath))
        say(where, 'does not declare what its path names');
      if (declared.some(({ required }) => required !== true)) say(where, 'has a part of its path that is not required');
      const keys = parameters.map(({ name, in: place }) => `${place} ${name}`);
      if (new Set(keys).size !== keys.length) say(where, 'declares a parameter twice');
      for (const one of parameters) {
        if (!['query', 'path', 'header', 'cookie'].includes(one.in)) say(where, `${one.name} stands nowhere`);
        schema(`${where} ${one.name}`, one.schema);
      }
      if (operation.requestBody !== undefined) {
        if (method === 'get') say(where, 'has a body');
        content(`${where} body`, operation.requestBody);
      }
      const responses = Object.entries<Any>(operation.responses ?? {});
      if (!responses.some(([code]) => /^2\d\d$/.test(code))) say(where, 'has no answer that is well');
      for (const [code, response] of responses) {
        if (!/^(?:[1-5](?:\d\d|XX)|default)$/.test(code)) say(where, `${code} is no status`);
        if (response.$ref !== undefined) reference(where, response.$ref);
        else answer(`${where} ${code}`, response);
      }
      for (const one of operation.security ?? [])
        for (const scheme of Object.keys(one))
          if (doc.components.securitySchemes[scheme] === undefined) say(where, `${scheme} is no security scheme`);
    }
  }
  for (const [kind, members] of Object.entries<Any>(doc.components))
    for (const name of Object.keys(members)) if (!COMPONENT.test(name)) say(`${kind} ${name}`, 'is no name');
  for (const [name, one] of Object.entries(doc.components.schemas)) schema(name, one);
  for (const [name, one] of Object.entries(doc.components.responses)) answer(name, one);
  return faults;

  function answer(where: string, response: Any): void {
    if (typeof response.description !== 'string') say(where, 'has no description');
    content(where, response);
  }
  function content(where: string, holder: Any): void {
    const types = Object.entries<Any>(holder.content ?? {});
    if (types.length === 0) say(where, 'has no content');
    for (const [type, media] of types) {
      if (!/^[a-z]+\/[a-z0-9.+-]+$/.test(type)) say(where, `${type} is no media type`);
      schema(where, media.schema);
    }
  }
  function reference(where: string, ref: string): void {
    let at: Any = doc;
    for (const part of ref.replace(/^#\//, '').split('/')) at = at?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    if (!ref.startsWith('#/') || at === undefined) say(where, `${ref} leads nowhere`);
  }
  function schema(where: string, one: Any): void {
    if (typeof one === 'boolean') return;
    if (typeof one !== 'object' || one === null) {
      say(where, 'has no schema');
      return;
    }
    for (const keyword of Object.keys(one)) if (!KEYWORDS.has(keyword)) say(where, `${keyword} is no keyword`);
    if (one.$ref !== undefined) reference(where, one.$ref);
    for (const name of one.required ?? [])
      if (one.properties?.[name] === undefined && one.additionalProperties === undefined)
        say(where, `${name} is required and not described`);
    if (one.pattern !== undefined) new RegExp(one.pattern, 'u');
    for (const [name, inner] of Object.entries(one.properties ?? {})) schema(`${where}.${name}`, inner);
    for (const key of ['items', 'additionalProperties', 'propertyNames', 'not'])
      if (one[key] !== undefined) schema(`${where}.${key}`, one[key]);
    for (const key of ['anyOf', 'oneOf', 'allOf', 'prefixItems'])
      for (const inner of one[key] ?? []) schema(`${where}.${key}`, inner);
  }
}
