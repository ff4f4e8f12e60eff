// The expression that reads a column of dates, and what is doubtful about it.
import type { Language } from './column-words.ts';
import { type DateFinding, type DayOrder, reordered } from './date-forms.ts';
import { celText, nameOf, type SampleColumn } from './sample-columns.ts';

export interface DayReading {
  readonly expression: string;
  readonly form: string;
  readonly comment?: string;
  readonly unsure: readonly string[];
}

/** Null where no form reads them. `all` are the columns of the same export: one of them may prove what this one leaves open. */
export function dayReading(column: SampleColumn, all: readonly SampleColumn[], language: Language): DayReading | null {
  const { dates } = column;
  if (dates === null) return column.filled === 0 ? blankColumn(column) : null;
  const decided = orderOf(column, dates, all, language);
  const finding = reordered(dates, decided.order ?? dates.order ?? 'day');
  const misfits = finding.filled - finding.fits;
  const unsure = [
    ...decided.unsure,
    ...(misfits === 0
      ? []
      : [`${misfits} of ${finding.filled} values are not written as ${finding.form}: their rows are rejected`]),
  ];
  return {
    expression: `date(${column.expression}, ${celText(finding.form)})`,
    form: finding.form,
    unsure,
    ...(decided.comment === undefined ? {} : { comment: decided.comment }),
  };
}

/** A column without a single value says nothing of its form. */
const blankColumn = (column: SampleColumn): DayReading => ({
  expression: `date(${column.expression}, "yyyy-MM-dd")`,
  form: 'yyyy-MM-dd',
  unsure: ['the column is empty in the sample, so its form is a guess'],
});

interface Order {
  readonly order: DayOrder | null;
  readonly unsure: readonly string[];
  readonly comment?: string;
}

function orderOf(column: SampleColumn, dates: DateFinding, all: readonly SampleColumn[], language: Language): Order {
  const { order, dayFirst, monthFirst, joint } = dates;
  if (order === null) return { order, unsure: [] };
  if (dayFirst > 0 && monthFirst > 0) {
    const mixed = `${dayFirst} dates can only be read with the day first and ${monthFirst} only with the month first: a spreadsheet may have turned some of them`;
    return { order: dayFirst >= monthFirst ? 'day' : 'month', unsure: [mixed] };
  }
  if (dayFirst > 0) return { order: 'day', unsure: [] };
  if (monthFirst > 0) return { order: 'month', unsure: [] };
  const witness = witnessOf(column, joint, all);
  if (witness !== null) {
    const which = witness.order === 'day' ? 'the day first' : 'the month first';
    return { order: witness.order, unsure: [], comment: `${which}, as ${witness.name} proves` };
  }
  // Dots are written where the day comes first; slashes and hyphens are not: English alone writes both orders.
  const guess: DayOrder = joint === '/' && language === 'en' ? 'month' : 'day';
  const way = guess === 'day' ? 'the day first (dd before MM)' : 'the month first (MM before dd)';
  if (joint === '.') return { order: 'day', unsure: [] };
  return { order: guess, unsure: [`no day above 12 in the sample: ${way} is a guess`] };
}

/** Another column of dates with the same joint in which one order is proved and nothing speaks against it. */
function witnessOf(
  column: SampleColumn,
  joint: string,
  all: readonly SampleColumn[],
): { readonly order: DayOrder; readonly name: string } | null {
  const proofs = all.filter(
    (other) =>
      other !== column && other.dates?.joint === joint && other.dates.dayFirst > 0 !== other.dates.monthFirst > 0,
  );
  const orders = new Set(proofs.map(({ dates }) => ((dates?.dayFirst ?? 0) > 0 ? 'day' : 'month')));
  const [first] = proofs;
  const [order] = orders;
  return orders.size === 1 && first !== undefined && order !== undefined
    ? { order: order as DayOrder, name: nameOf(first) }
    : null;
}
