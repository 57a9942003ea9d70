import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setup } from './pool-setup.js';
import { microtasks } from './scripted-task.js';
import type { Attempt } from './scripted-task.js';

const POOLS = [
  { kind: 'keyed', name: 'a keyed pool' },
  { kind: 'global', name: 'a global pool' },
] as const;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(POOLS)('$name', ({ kind }) => {
  it('runs at most `workers` tasks at once, and the others as workers become free', async () => {
    const { [kind]: pool, log, pending } = setup(2);
    const [first, ...others] = ['1', '2', '3', '4'].map((name) => pending(name));
    for (const task of [first, ...others]) if (task !== undefined) pool.submit(task);
    expect(log).toEqual(['1 starts', '2 starts']);

    first?.tell();
    await microtasks();
    expect(log).toEqual(['1 starts', '2 starts', '3 starts']);
    expect(pool.state).toMatchObject({ workers: 2, running: 2, waiting: 1, completed: 1 });
  });

  it('starts a task in the call that submits it when a worker is free', () => {
    const { [kind]: pool, task } = setup(1);
    const submitted = task('1');
    pool.submit(submitted);

    expect(submitted.starts).toBe(1);
    expect(pool.state.completed).toBe(1);
  });

  it('does not let a group with many ready tasks starve another', async () => {
    const { [kind]: pool, log, pending } = setup(1);
    const many = Array.from({ length: 10_000 }, () => pending('many', { group: 'many' }));
    for (const task of many) pool.submit(task);
    pool.submit(pending('few', { group: 'few' }));
    for (const task of many.slice(0, 2)) {
      task.tell();
      await microtasks();
    }

    expect(log).toContain('few starts');
  });

  it('gives a group whose tasks are quick workers that a group with slow ones would take', async () => {
    const { [kind]: pool, log, pending } = setup(4);
    const slow = Array.from({ length: 20 }, (_, i) => pending(`slow ${i}`, { group: 'slow' }));
    for (const task of slow) pool.submit(task);
    for (let i = 0; i < 3; i += 1) pool.submit(pending(`quick ${i}`, { group: 'quick' }));
    for (const task of slow.slice(0, 2)) {
      task.tell();
      await microtasks();
    }

    expect(log.slice(4)).toEqual(['quick 0 starts', 'quick 1 starts']);
  });

  it('starts more at once when it grows, and lets what runs end when it shrinks', async () => {
    const { [kind]: pool, log, pending } = setup(1);
    const tasks = Array.from({ length: 6 }, (_, i) => pending(`${i}`));
    for (const task of tasks) pool.submit(task);
    pool.resize(4);
    expect(pool.state).toMatchObject({ workers: 4, running: 4, waiting: 2 });

    pool.resize(1);
    expect(pool.state).toMatchObject({ workers: 1, running: 4, waiting: 2 });
    for (const task of tasks.slice(0, 3)) {
      task.tell();
      await microtasks();
    }
    expect(log).toHaveLength(4);
    tasks[3]?.tell();
    await microtasks();
    expect(log.at(-1)).toBe('4 starts');
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])('refuses %d workers', (workers) => {
    const { [kind]: pool } = setup(3);
    expect(() => pool.resize(workers)).toThrow(RangeError);
    expect(() => setup(workers)).toThrow(RangeError);
    expect(pool.state.workers).toBe(3);
  });

  it('is saturated from the moment that something ready finds no worker until nothing does', async () => {
    const { [kind]: pool, pending } = setup(1);
    const [first, second] = [pending('1'), pending('2')];
    vi.advanceTimersByTime(50);
    pool.submit(first);
    expect(pool.state.saturatedSince).toBeUndefined();

    const since = performance.now();
    pool.submit(second);
    vi.advanceTimersByTime(700);
    pool.submit(pending('3'));
    expect(pool.state.saturatedSince).toBe(since);

    first.tell();
    await microtasks();
    expect(pool.state.saturatedSince).toBe(since);
    second.tell();
    await microtasks();
    expect(pool.state.saturatedSince).toBeUndefined();
  });

  it('is not saturated while all that waits backs off', () => {
    const { [kind]: pool, pending, retried } = setup(1);
    pool.submit(retried('1', 1_000));
    pool.submit(pending('2'));

    expect(pool.state).toMatchObject({ running: 1, waiting: 1, saturatedSince: undefined });
  });

  it('knows the task that has been running longest', async () => {
    const { [kind]: pool, pending } = setup(3);
    const [first, second] = [pending('1'), pending('2')];
    const since = performance.now();
    pool.submit(first);
    vi.advanceTimersByTime(10);
    pool.submit(second);
    expect([pool.state.oldestRunning, pool.state.oldestRunningSince]).toEqual([first, since]);

    first.tell();
    await microtasks();
    expect([pool.state.oldestRunning, pool.state.oldestRunningSince]).toEqual([second, since + 10]);
    second.tell();
    await microtasks();
    expect([pool.state.oldestRunning, pool.state.oldestRunningSince]).toEqual([undefined, undefined]);
  });

  it('is idle when nothing runs, waits or backs off', async () => {
    const { [kind]: pool, pending, retried } = setup(1);
    await expect(pool.idle()).resolves.toBeUndefined();

    const task = pending('1');
    pool.submit(task);
    pool.submit(retried('2', 100));
    const seen = vi.fn();
    void pool.idle().then(seen);
    task.tell();
    await microtasks();
    expect(seen).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    await microtasks();
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it('drops what waits when it is closed, and what is submitted or asks for a wait afterwards', async () => {
    const { [kind]: pool, log, task, retried } = setup(1);
    const running = task('running', { attempts: [{ ends: 'when told', waitMs: 100 }] });
    pool.submit(retried('backing off', 100));
    pool.submit(running);
    pool.submit(task('waiting'));
    pool.close();
    pool.close();
    pool.submit(task('late'));
    running.tell();
    await pool.idle();

    expect(log.filter((line) => line.endsWith('dropped'))).toEqual([
      'waiting is dropped',
      'backing off is dropped',
      'late is dropped',
      'running is dropped',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<Attempt['ends']>(['by throwing', 'by rejecting when told'])('reports a task that ends %s', async (ends) => {
    const { [kind]: pool, defects, task, log } = setup(1);
    const wrong = task('wrong', { attempts: [{ ends }] });
    pool.submit(wrong);
    pool.submit(task('next'));
    wrong.tell();
    await microtasks();

    expect(defects).toEqual([{ error: expect.any(Error), task: wrong }]);
    expect(log).toEqual(['wrong starts', 'next starts']);
    expect(pool.state).toMatchObject({ running: 0, waiting: 0, completed: 2 });
  });

  it('reports an isCurrent or a dropped that throws, and goes on', async () => {
    const { [kind]: pool, defects, task, log } = setup(1);
    const error = new Error('wrong');
    const fail = (): never => {
      throw error;
    };
    const wrong = task('wrong', { isCurrent: fail, observer: { dropped: fail } });
    pool.submit(wrong);
    pool.submit(task('next'));
    await microtasks();

    expect(defects).toEqual([
      { error, task: wrong },
      { error, task: wrong },
    ]);
    expect(log).toEqual(['next starts']);
    expect(pool.state).toMatchObject({ running: 0, dropped: 1, completed: 1 });
  });

  it.each<Attempt['ends']>(['synchronously', 'when told'])(
    'lets the event loop have its turn among many tasks that end %s',
    async (ends) => {
      vi.useRealTimers();
      let now = 0;
      const { [kind]: pool, task } = setup(4, () => now);
      const started = (self: { tell(): void }): void => {
        now += 0.1;
        if (ends === 'when told') queueMicrotask(() => self.tell());
      };
      for (let i = 0; i < 5_000; i += 1) pool.submit(task('task', { attempts: [{ ends }], observer: { started } }));
      const seen = [pool.state.completed];
      for (let turn = 0; turn < 1_000 && pool.state.completed < 5_000; turn += 1) {
        await nextTurn();
        seen.push(pool.state.completed);
      }

      expect(pool.state.completed).toBe(5_000);
      const largest = Math.max(...seen.map((completed, i) => completed - (seen[i - 1] ?? 0)));
      expect(largest).toBeLessThanOrEqual(240);
    },
  );

  it('runs tasks that each submit the next one, 100,000 times, without growing the stack', async () => {
    vi.useRealTimers();
    const { [kind]: pool, defects, task } = setup(4);
    let deepest = 0;
    let depth = 0;
    const chain = (left: number): void => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      if (left > 0) pool.submit(task('task', { observer: { started: () => chain(left - 1) } }));
      depth -= 1;
    };
    chain(100_000);
    await pool.idle();

    expect(deepest).toBeLessThanOrEqual(2);
    expect(pool.state.completed).toBe(100_000);
    expect(defects).toEqual([]);
  });

  it('lets the event loop have its turn when a few synchronous tasks take long', () => {
    let now = 0;
    const { [kind]: pool, task } = setup(1, () => now);
    const takesAMillisecond = { started: () => void (now += 1) };
    for (let i = 0; i < 1_000; i += 1) pool.submit(task('task', { observer: takesAMillisecond }));
    expect(pool.state.completed).toBeLessThanOrEqual(48);

    vi.advanceTimersByTime(1_000);
    expect(pool.state.completed).toBe(1_000);
  });

  it('stays saturated while it lets the event loop have its turn', async () => {
    let now = 0;
    const { [kind]: pool, pending, task } = setup(1, () => now);
    const first = pending('1');
    pool.submit(first);
    const takesAWhile = { started: () => void (now += 0.1) };
    for (let i = 0; i < 300; i += 1) pool.submit(task('task', { observer: takesAWhile }));
    const { saturatedSince } = pool.state;
    expect(saturatedSince).toBeDefined();

    first.tell();
    await microtasks();
    expect(pool.state).toMatchObject({ running: 0, saturatedSince });
    vi.advanceTimersByTime(1);
    expect(pool.state).toMatchObject({ waiting: 0, saturatedSince: undefined });
  });
});
