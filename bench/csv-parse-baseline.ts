// The yardstick of reading: csv-parse 7, streaming, `columns: true`, over a whole file. argv: FILE, passes.
// Prints {"seconds": [one per pass], "rows": …}. The passes share a process, so all but the first run on compiled code.
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

const [file = '', passesText = '5'] = process.argv.slice(2);

/** Seconds and rows of one pass; records are read and dropped. */
async function pass(): Promise<{ seconds: number; rows: number }> {
  const started = performance.now();
  const parser = createReadStream(file).pipe(parse({ columns: true }));
  let rows = 0;
  parser.on('data', () => {
    rows += 1;
  });
  await new Promise<void>((resolve, reject) => parser.on('end', resolve).on('error', reject));
  return { seconds: (performance.now() - started) / 1_000, rows };
}

const seconds: number[] = [];
let rows = 0;
for (let count = 0; count < Number(passesText); count += 1) {
  const result = await pass();
  seconds.push(result.seconds);
  rows = result.rows;
}
console.log(JSON.stringify({ seconds, rows }));
