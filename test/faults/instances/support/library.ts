import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { buildLibrary, type LibrarySource } from '../../../../tools/chaos/workbench.js';

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
let built: string | undefined;

afterAll(() => {
  if (built !== undefined) rmSync(dirname(built), { recursive: true, force: true });
});

/** The library as it stands in the sources, built once for the tests of a file; gone with them. */
export function builtLibrary(): LibrarySource & { readonly dist: string } {
  return { dist: (built ??= build()) };
}

function build(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-built-'));
  symlinkSync(MODULES, join(folder, 'node_modules'));
  return buildLibrary(join(folder, 'dist'), {});
}
