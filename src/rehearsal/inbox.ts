// The folder that the rehearsed connection watches: it holds what HR had delivered by the moment the clock shows, as links, so
// that nothing of the real folder is touched.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import type { Step } from './steps.ts';

export interface Inbox {
  /** Glob of the deliveries. */
  readonly pattern: string;
  /** From now on this file lies there, and nothing else. */
  readonly put: (step: Step) => void;
}

/** `marker`: what the connection waits for beside a file. An export that was kept was finished, and its marker rarely is kept. */
export function openInbox(dir: string, marker: string | undefined): Inbox {
  let there = '';
  mkdirSync(dir, { recursive: true });
  return {
    pattern: join(dir, '*'),
    put: ({ path, name }) => {
      if (there === path) return;
      there = path;
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
      const source = resolve(path);
      symlinkSync(source, join(dir, name));
      if (existsSync(`${source}.sha256`)) symlinkSync(`${source}.sha256`, join(dir, `${name}.sha256`));
      if (marker !== undefined) {
        const stem = name.slice(0, name.length - extname(name).length);
        writeFileSync(join(dir, marker.replaceAll('*', stem)), '');
      }
    },
  };
}
