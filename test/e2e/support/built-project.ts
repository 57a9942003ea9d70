import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NEEDED = [
  'lib',
  'sample-app/src',
  'sample-app/tsconfig.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
];

/** A copy of the project, built as `npm start` builds it; the copy keeps the project's own `dist` out of the tests. */
export interface BuiltProject {
  readonly folder: string;
  remove(): Promise<void>;
}

export async function buildProject(): Promise<BuiltProject> {
  const folder = await mkdtemp(join(tmpdir(), 'eventbus-e2e-'));
  for (const path of NEEDED) await cp(join(ROOT, path), join(folder, path), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await promisify(execFile)('npm', ['run', 'prestart'], { cwd: folder });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
