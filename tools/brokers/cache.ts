import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Where downloaded brokers are kept, outside git. */
export const BROKER_CACHE = fileURLToPath(new URL('../../.brokers', import.meta.url));

/** A lock whose owner never wrote its pid is given up on after this time. */
const UNSIGNED_LOCK_MS = 5_000;

/**
 * The folder `name` of the cache, filled by `fill(folder)` when it is not there yet. Safe when several processes ask at
 * once: one fills a folder of its own and renames it into place, the others wait for it, or take over when it has died.
 * @throws what `fill` throws; nothing is kept then
 */
export async function cached(
  name: string,
  fill: (folder: string) => Promise<void>,
  root: string = BROKER_CACHE,
): Promise<string> {
  const folder = join(root, name);
  const lock = `${folder}.lock`;
  await mkdir(root, { recursive: true });

  for (;;) {
    if (await exists(folder)) return folder;
    if (await takeLock(lock)) break;
    await dropStaleLock(lock);
    await sleep(100);
  }

  try {
    if (!(await exists(folder))) await fillAndPublish(folder, fill);
    return folder;
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function fillAndPublish(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const partial = `${folder}.${randomUUID()}.partial`;
  await mkdir(partial);
  try {
    await fill(partial);
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(lock, 'pid'), String(process.pid));
  return true;
}

/** Renames before it removes: of several processes that find the same stale lock, one succeeds. */
async function dropStaleLock(lock: string): Promise<void> {
  if (await isHeld(lock)) return;
  const dropped = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, dropped);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  await rm(dropped, { recursive: true, force: true });
}

async function isHeld(lock: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(join(lock, 'pid'), 'utf8'));
    if (owner > 0) return isAlive(owner);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const age = await stat(lock).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
  return age < UNSIGNED_LOCK_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
