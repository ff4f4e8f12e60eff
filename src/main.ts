// argv → one command → exit code, nothing else. An older Node is told before anything is loaded: the native part of the
// database crashes it instead of saying why.
const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `rollcall: needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.version} (${process.execPath})\n`,
  );
  process.exitCode = 2;
} else {
  const { crashText } = await import('./runtime/crash-text.ts');
  // What nobody waits for ends the process as well; Node itself would print the values that the error quotes.
  process.once('uncaughtException', (error) => {
    process.stderr.write(crashText(error), () => process.exit(1));
  });
  const { runCommandLine } = await import('./cli/program.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
}
