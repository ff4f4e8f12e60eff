// RFC 4180 lines for auditors' spreadsheets.

/** What a spreadsheet would run as a formula: such a cell begins with an apostrophe, which it shows as text. */
const FORMULA = /^[=+\-@\t\r]/;

export const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`;

function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
