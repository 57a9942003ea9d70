import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { KeyedWorkerPool } from '../../../lib/pools/keyed-pool.js';
import { ScriptedTask } from './scripted-task.js';

const TASKS = 1_000_000;

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') for (let i = 0; i < 3; i += 1) gc();
  return process.memoryUsage().heapUsed;
}

describe('the memory of a keyed pool', () => {
  it('is at most 1 KiB a waiting task when 1,000,000 wait, each in its own lane, and free when their keys are idle', async () => {
    const pool = new KeyedWorkerPool({ workers: 1, onDefect: () => expect.fail('a defect') });
    const first = new ScriptedTask({ attempts: [{ ends: 'when told' }] });
    const task = new ScriptedTask();
    pool.submit(first, 'first');
    const before = heapUsed();

    for (let i = 0; i < TASKS; i += 1) pool.submit(task, `key ${i}`);
    expect(pool.state).toMatchObject({ waiting: TASKS, keys: TASKS + 1 });
    expect((heapUsed() - before) / TASKS).toBeLessThan(1_024);

    first.tell();
    await pool.idle();
    expect(pool.state).toMatchObject({ completed: TASKS + 1, keys: 0 });
    expect(heapUsed() - before).toBeLessThan(2 ** 22);
  });
});
