import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Packs the built library and lets publint and are-the-types-wrong judge the tarball. Exits non-zero on any fault. */
const folder = mkdtempSync(join(tmpdir(), 'eventbus-pack-'));
try {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ filename: string }];
  const tarball = join(folder, packed[0].filename);
  run('publint', ['run', '--strict', tarball]);
  // ESM only: a CommonJS project loads it through Node's require(esm), which the tool does not know of.
  run('attw', [tarball, '--profile', 'esm-only']);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(tool: string, args: readonly string[]): void {
  execFileSync('npx', ['--no-install', tool, ...args], { stdio: 'inherit' });
}
