import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setup } from './pool-setup.js';
import { microtasks } from './scripted-task.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('KeyedWorkerPool', () => {
  it('runs the tasks of a lane one after another, in the order they came in', async () => {
    const { keyed, log, pending } = setup(10);
    const tasks = ['a1', 'a2', 'a3'].map((name) => pending(name));
    for (const task of tasks) keyed.submit(task, 'a');
    expect(log).toEqual(['a1 starts']);

    for (const task of tasks) {
      task.tell();
      await microtasks();
    }
    expect(log).toEqual(['a1 starts', 'a2 starts', 'a3 starts']);
    expect(keyed.state).toMatchObject({ completed: 3, running: 0, keys: 0 });
  });

  it('runs different lanes, and tasks without a lane, side by side', () => {
    const { keyed, pending } = setup(10);
    for (const lane of ['a', 'b', undefined, undefined]) keyed.submit(pending('task'), lane);

    expect(keyed.state).toMatchObject({ running: 4, waiting: 0, keys: 2 });
  });

  it('lets a task that backs off keep its lane and its place, not its worker', async () => {
    const { keyed, log, task, retried } = setup(1);
    keyed.submit(retried('a1', 100), 'a');
    keyed.submit(task('a2'), 'a');
    keyed.submit(task('b1'), 'b');
    expect(log).toEqual(['a1 starts', 'b1 starts']);
    expect(keyed.state).toMatchObject({ running: 0, waiting: 2, backingOff: 1, keys: 1 });

    vi.advanceTimersByTime(99);
    expect(log).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(log.slice(2)).toEqual(['a1 starts', 'a2 starts']);
    await expect(keyed.idle()).resolves.toBeUndefined();
  });

  it('says how many tasks of a lane wait', () => {
    const { keyed, pending, retried } = setup(10);
    for (const name of ['a1', 'a2', 'a3']) keyed.submit(pending(name), 'a');
    for (const name of ['b1', 'b2']) keyed.submit(retried(name, 100), 'b');

    expect(['a', 'b', 'never seen'].map((lane) => keyed.waitingIn(lane))).toEqual([2, 2, 0]);
  });

  it('lets a task see its own lane while it is being started', () => {
    const { keyed, log, task } = setup(10);
    const seen: number[] = [];
    const started = (): void => {
      keyed.submit(task('a2'), 'a');
      seen.push(keyed.waitingIn('a'), keyed.state.keys, keyed.state.running);
      log.push('a1 goes on');
    };
    keyed.submit(task('a1', { observer: { started } }), 'a');

    expect(seen).toEqual([1, 1, 1]);
    expect(log).toEqual(['a1 goes on', 'a2 starts']);
  });

  it('discards the waiting and backing-off tasks of one origin only, and their lanes go on', () => {
    const { keyed, log, task, pending, retried } = setup(10);
    const lost = {};
    const running = pending('a1', { origin: lost });
    keyed.submit(running, 'a');
    keyed.submit(task('a2', { origin: lost }), 'a');
    keyed.submit(task('a3'), 'a');
    keyed.submit(retried('b1', 100, { origin: lost }), 'b');
    keyed.submit(task('b2', { origin: lost }), 'b');
    keyed.submit(task('b3'), 'b');

    expect(keyed.discard(lost)).toBe(3);
    expect(log.slice(2)).toEqual(['b1 is dropped', 'b2 is dropped', 'a2 is dropped', 'b3 starts']);
    expect(keyed.waitingIn('a')).toBe(1);
    expect(running.drops).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('drops a task that is no longer current instead of starting it, and its lane goes on', () => {
    const { keyed, log, task } = setup(1);
    let isCurrent = true;
    keyed.submit(task('a0', { observer: { started: () => (isCurrent = false) }, isCurrent: () => isCurrent }), 'a');
    keyed.submit(task('a1', { isCurrent: () => isCurrent }), 'a');
    keyed.submit(task('a2'), 'a');

    expect(log).toEqual(['a1 is dropped', 'a2 starts']);
    expect(keyed.state).toMatchObject({ completed: 2, dropped: 1 });
  });

  it('drops a task that is no longer current when it asks for a wait', async () => {
    const { keyed, log, task } = setup(1);
    let isCurrent = true;
    const failing = task('a1', { attempts: [{ ends: 'when told', waitMs: 30_000 }], isCurrent: () => isCurrent });
    keyed.submit(failing, 'a');
    keyed.submit(task('a2'), 'a');
    isCurrent = false;
    failing.tell();
    await microtasks();

    expect(log).toEqual(['a1 starts', 'a1 is dropped', 'a2 starts']);
  });

  it('runs 100,000 synchronous tasks of one lane in order, without growing the stack', async () => {
    vi.useRealTimers();
    const { keyed, task } = setup(1);
    const order: number[] = [];
    for (let i = 0; i < 100_000; i += 1)
      keyed.submit(task('task', { observer: { started: () => order.push(i) } }), 'a');
    await keyed.idle();

    expect(order).toEqual(Array.from({ length: 100_000 }, (_, i) => i));
  });

  it('runs a task that submits the next one 100,000 times, without growing the stack', async () => {
    vi.useRealTimers();
    const { keyed, task } = setup(1);
    const chain = (left: number): void => {
      if (left > 0) keyed.submit(task('task', { observer: { started: () => chain(left - 1) } }), 'a');
    };
    chain(100_000);
    await keyed.idle();

    expect(keyed.state.completed).toBe(100_000);
  });
});
