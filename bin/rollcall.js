#!/usr/bin/env node
// Checks the runtime before anything else is loaded: the native part of the database crashes an older Node instead of
// saying why. No static import and no syntax younger than modules themselves, so that an old Node can read this far.
const NODE_MAJOR_MIN = 24;

/** A checkout runs its source, so that it never runs a stale build; a package and an image hold only the build. */
const MAINS = ['../src/main.ts', '../dist/main.js'];

function refuse(sentence) {
  process.stderr.write(`rollcall: ${sentence}\n`);
  process.exitCode = 2;
}

function start(fs) {
  const main = MAINS.map((path) => new URL(path, import.meta.url)).find((url) => fs.existsSync(url));
  if (main === undefined) return refuse('neither src/main.ts nor dist/main.js is there; run npm run build');
  return import(main.href);
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  refuse(`needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.version} (${process.execPath})`);
} else {
  import('node:fs').then(start);
}
