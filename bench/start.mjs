import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes the bench ready and runs it: installs its packages when they are not there, takes the built library in as an application would, so that
 * one copy of Nest and of each client serves all, and compiles what is measured (no loader in the way of what is timed).
 */
const bench = dirname(fileURLToPath(import.meta.url));
const root = join(bench, '..');
const library = join(bench, 'node_modules', 'nestjs-eventbus');
const built = process.env['EVENTBUS_BENCH_DIST'] ?? join(root, 'dist');

function run(command, args, cwd) {
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(bench, 'tsconfig.json') };
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(bench, 'node_modules', '.package-lock.json')))
  run('npm', ['ci', '--no-audit', '--no-fund'], bench);
if (!existsSync(join(built, 'index.js'))) {
  console.error(`${built} holds no built library: run \`npm run build\` first.`);
  process.exit(2);
}
rmSync(library, { recursive: true, force: true });
cpSync(built, join(library, 'dist'), { recursive: true });
cpSync(join(root, 'package.json'), join(library, 'package.json'));
rmSync(join(bench, 'dist'), { recursive: true, force: true });
run(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(bench, 'tsconfig.json')],
  root,
);
run(process.execPath, ['--import', 'tsx', join(bench, 'src', 'cli.ts'), ...process.argv.slice(2)], root);
