// Requests whose answers are read as a whole, within the bounds of one look.
import type { JsonValue } from '../../base/json.ts';
import type { AnswerShape, RequestTemplate } from '../../mapping/source-settings.ts';
import type { ByteBudget } from './answer-bytes.ts';
import type { Asking } from './asking.ts';
import type { Envelope } from './body-path.ts';
import { type Filling, requestOf, type WireRequest } from './request.ts';
import { readWhole } from './whole-answer.ts';

/** What one look may use up, and what its requests fill in. */
export interface LookParts {
  readonly asking: Asking;
  readonly base: string;
  readonly budget: ByteBudget;
  /** `{today}` and whatever else is known of this look. */
  readonly values: Readonly<Record<string, string>>;
}

export interface WholeAnswers {
  /** Null where the source says that there is none of the kind (404, 410). @throws Problem, Later. */
  readonly ask: (
    template: RequestTemplate & AnswerShape,
    filling: Filling,
    signal: AbortSignal,
  ) => Promise<JsonValue | null>;
}

const GONE = [404, 410];

export const wholeAnswers = (parts: LookParts): WholeAnswers => ({
  ask: async (template, filling, signal) => {
    const envelope = await askWhole(template, requestFor(template, parts, filling), parts, signal, GONE);
    return envelope === null ? null : (envelope.body as JsonValue);
  },
});

export const requestFor = (template: RequestTemplate, { base, values }: LookParts, filling: Filling): WireRequest =>
  requestOf(template, base, { ...filling, values: { ...values, ...filling.values } });

/** The answer with its headers; null for a status in `absent`. */
export const askWhole = (
  shape: AnswerShape,
  request: WireRequest,
  { asking, budget }: LookParts,
  signal: AbortSignal,
  absent: readonly number[] = [],
): Promise<Envelope | null> =>
  asking.ask(
    request,
    async (answer) => {
      if (absent.includes(answer.status)) {
        answer.discard();
        return null;
      }
      return { body: await readWhole(answer, shape, budget, signal), header: answer.header };
    },
    signal,
    absent,
  );
