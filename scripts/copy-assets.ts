// What the compiler leaves behind: files under src/ that are read at run time go to the same place under dist/.
// `mappings/` is not copied: it lies beside src/ as it lies beside dist/, in a checkout, a package and an image.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const ASSETS: ReadonlySet<string> = new Set(['.sql']);

/** Copies the assets of `from` to the same paths below `to` and returns these paths, sorted. */
export function copyAssets(from: string, to: string): readonly string[] {
  const paths = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((path) => ASSETS.has(extname(path)));
  for (const path of paths) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    copyFileSync(join(from, path), join(to, path));
  }
  return paths.sort();
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const copied = copyAssets(join(root, 'src'), join(root, 'dist'));
  // A build without migrations would start, find no schema and create nothing: better no build.
  if (copied.length === 0) throw new Error('bug: src holds no assets');
}
