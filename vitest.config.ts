import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Erasing the types of every file costs a child or a thread more than most of what it does; the cache is Node's own. */
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'rollcall-test-compile-cache');

/**
 * Every commit of every test is flushed to disk. In memory that costs nothing, and killed processes, which is all that tests
 * can do to a store, find as much there as on a disk. Where the memory is small (a container's 64 MB) tests stay on disk.
 */
const MEMORY = '/dev/shm';
const MEMORY_MIN_BYTES = 1_000_000_000;
if (process.env.TMPDIR === undefined && freeBytes(MEMORY) >= MEMORY_MIN_BYTES) {
  const folder = mkdtempSync(join(MEMORY, 'rollcall-tests-'));
  process.env.TMPDIR = folder;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
}

/** 0 where there is no such folder. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default'] : ['dot'],
    // Nothing in src keeps state in a module, so the files of one process share what they load: a third of the time of all tests.
    isolate: false,
    maxWorkers: '100%',
  },
});
