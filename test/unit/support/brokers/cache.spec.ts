import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cached } from '../../../../tools/brokers/cache.js';
import { run } from '../../../../tools/brokers/command.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'eventbus-cache-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The id of a process that has ended. */
async function deadPid(): Promise<string> {
  return (await run(process.execPath, ['-p', 'process.pid'])).stdout.trim();
}

describe('the cache of downloaded brokers', () => {
  it('fills a folder once when several ask at the same time', async () => {
    let fills = 0;
    const fill = async (folder: string): Promise<void> => {
      fills += 1;
      await writeFile(join(folder, 'broker'), 'binary');
    };
    const folders = await Promise.all(Array.from({ length: 4 }, () => cached('nats', fill, root)));

    expect(fills).toBe(1);
    expect(new Set(folders)).toEqual(new Set([join(root, 'nats')]));
    expect(await readdir(root)).toEqual(['nats']);
  });

  it('keeps nothing of a download that failed, and tries again the next time', async () => {
    const broken = cached('nats', () => Promise.reject(new Error('offline')), root);

    await expect(broken).rejects.toThrow('offline');
    expect(await readdir(root)).toEqual([]);
    await cached('nats', (folder) => writeFile(join(folder, 'broker'), 'binary'), root);
    expect(await readdir(join(root, 'nats'))).toEqual(['broker']);
  });

  it('shows no folder before it is full', async () => {
    const seen: boolean[] = [];
    await cached(
      'nats',
      async () => {
        const there = await stat(join(root, 'nats')).catch(() => undefined);
        seen.push(there !== undefined);
      },
      root,
    );

    expect(seen).toEqual([false]);
  });

  it('takes over from a process that died while it was downloading', async () => {
    await mkdir(join(root, 'nats.lock'));
    await writeFile(join(root, 'nats.lock', 'pid'), await deadPid());
    await cached('nats', (folder) => writeFile(join(folder, 'broker'), 'binary'), root);

    expect(await readdir(root)).toEqual(['nats']);
  });

  it('takes over a lock that was never signed', async () => {
    await mkdir(join(root, 'nats.lock'));
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(join(root, 'nats.lock'), longAgo, longAgo);
    await cached('nats', (folder) => writeFile(join(folder, 'broker'), 'binary'), root);

    expect(await readdir(root)).toEqual(['nats']);
  });
});
