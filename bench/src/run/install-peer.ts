import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { folderOf, type PeerPackage } from '../peers/package.js';

/** Installs the packages of a peer when they are not there, and compiles what uses them. @throws Error when either fails */
export function installPeer(name: PeerPackage): void {
  const folder = folderOf(name);
  if (!existsSync(join(folder, 'node_modules', '.package-lock.json')))
    run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], folder, name);
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', folder], folder, name);
}

function run(command: string, args: readonly string[], cwd: string, name: PeerPackage): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined || status !== 0)
    throw new Error(`The peer "${name}" could not be made ready; --only runs the bench without it.`, { cause: error });
}
