// For auditors: the log page by page, and the reports of a period.
import { z } from 'zod';
import { OBJECTIVE_MS } from '../../pipeline/lateness-report.ts';
import { nowOf } from '../../runtime/clock.ts';
import type { Entry } from '../../store/store.ts';
import { readReport, sinceMoment } from '../../views/report.ts';
import { audit, report } from './evidence-shapes.ts';
import { after, limit, name } from './look-routes.ts';
import { type Route, reading } from './route.ts';

const LINES_MAX = 10_000;
const moment = z.string().max(40).describe('YYYY-MM-DD (UTC), or an ISO instant.');

export const EVIDENCE_ROUTES: readonly Route[] = [
  reading('/audit', {
    name: 'audit',
    about: 'Entries of the audit by their numbers, oldest first, without personal values.',
    query: {
      connection: name.optional(),
      worker: name.optional(),
      kind: name.optional(),
      since: moment.optional(),
      limit,
      after,
    },
    answer: audit,
    handle: async ({ house }, { query }) => {
      const { items, next } = await house.store.audit.page(query.after, query.limit, {
        ...(query.connection === undefined ? {} : { connection: query.connection }),
        ...(query.worker === undefined ? {} : { workerKey: query.worker }),
        ...(query.kind === undefined ? {} : { kinds: [query.kind] }),
        ...(query.since === undefined ? {} : { since: sinceMoment(query.since) }),
      });
      return { entries: items.map(withoutPersonal), next };
    },
  }),
  reading('/reports/{about}', {
    name: 'report',
    about: 'Who left, or was to start, in a period, and when every target had confirmed it.',
    path: { about: z.enum(['leavers', 'joiners']) },
    query: {
      from: moment,
      to: moment,
      connection: name.optional(),
      objective: z.coerce
        .number()
        .min(0)
        .max(86_400)
        .default(OBJECTIVE_MS / 1_000)
        .describe('Seconds; later than this is a breach.'),
      limit: z.coerce.number().int().min(1).max(LINES_MAX).default(LINES_MAX).describe('Lines of one page.'),
      after,
    },
    answer: report,
    heavy: true,
    handle: async ({ house }, { path, query }) => {
      const made = await readReport(
        house.store,
        path.about,
        { from: sinceMoment(query.from), to: sinceMoment(query.to) },
        {
          objectiveMs: query.objective * 1_000,
          ...(query.connection === undefined ? {} : { connection: query.connection }),
        },
        nowOf(house.clock),
      );
      const follow = made.lines.filter(({ entry }) => entry > query.after);
      const lines = follow.slice(0, query.limit);
      return { ...made, lines, next: follow.length > lines.length ? (lines.at(-1)?.entry ?? null) : null };
    },
  }),
];

const withoutPersonal = ({ personal: _, ...entry }: Entry): object => entry;
