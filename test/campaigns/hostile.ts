// `npm run campaign:hostile [-- WORDS]`: the inputs that are too large for a test run, one after the other. Exits 1 when one of them
// ends otherwise than it must or takes more than 512 MB.
import { hostileCases } from './hostile-cases.ts';
import { runHostile } from './hostile-run.ts';

const words = process.argv.slice(2).join(' ');
let failed = 0;
for (const one of hostileCases.filter(({ name }) => name.includes(words))) {
  const { outcome, rssMb, seconds, wrong } = await runHostile(one);
  if (wrong !== '') failed += 1;
  process.stdout.write(
    `${wrong === '' ? 'ok    ' : 'FAILED'}  ${String(rssMb).padStart(4)} MB  ${seconds.toFixed(1).padStart(6)} s  ${one.name}: ${wrong === '' ? outcome : wrong}\n`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
