import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SILENT_LOGGER } from '../../../lib/core/logger.js';
import type { PublishResult } from '../../../lib/publishing/publish-result.js';
import { closeInFakedTime, settled, setup, type Setup, type SetupOptions } from './harness.js';

/** A handler of results whose calls end when told to. */
function byHand(): {
  handle: (results: readonly PublishResult[]) => Promise<void>;
  calls: string[][];
  end: () => void;
} {
  const calls: string[][] = [];
  const ends: (() => void)[] = [];
  return {
    calls,
    end: () => ends.splice(0).forEach((end) => end()),
    handle: async (results) => {
      calls.push(results.map(({ id }) => id));
      await new Promise<void>((resolve) => ends.push(resolve));
    },
  };
}

function enqueue({ publisher }: Setup, ...ids: string[]): boolean[] {
  return ids.map((id) => publisher.enqueue('orders', 1, { id }).accepted);
}

describe('handlers of publish results', () => {
  const made: Setup[] = [];
  const open = (options: SetupOptions = {}): Setup => {
    const bus = setup(options);
    made.push(bus);
    return bus;
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });

  afterEach(async () => {
    for (const bus of made.splice(0)) {
      await closeInFakedTime(bus);
      expect(bus.handles.list()).toEqual([]);
    }
    vi.useRealTimers();
  });

  it('get every result of all three calls, in batches, and each handler gets all of them', async () => {
    const bus = open();
    const first: PublishResult[] = [];
    const second: PublishResult[] = [];
    const sizes: number[] = [];
    bus.publisher.results.register('A.first', (results) => {
      sizes.push(results.length);
      first.push(...results);
    });
    bus.publisher.results.register('A.second', async (results) => void second.push(...results));

    enqueue(bus, 'a', 'b');
    bus.publisher.publish('orders', 1, { id: 'c' }).catch(() => undefined);
    const many = bus.publisher.publishMany([{ topic: 'orders', data: 1, options: { id: 'd' } }]);
    bus.transport.fail('rejected', (id) => id === 'c');
    bus.transport.confirm();
    await many;
    await bus.publisher.flush();

    const expected = ['c rejected', 'a confirmed', 'b confirmed', 'd confirmed'];
    expect(first.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual(expected);
    expect(second).toEqual(first);
    expect(sizes).toEqual([4]);
  });

  it('get the same batch again, with backoff, when they throw; what succeeded beside them does not', async () => {
    const warn = vi.fn();
    const bus = open({ logger: { ...SILENT_LOGGER, warn } });
    const seen: (readonly PublishResult[])[] = [];
    let other = 0;
    bus.publisher.results.register('Outbox.mark', async (results) => {
      seen.push(results);
      if (seen.length < 3) throw new Error('database away');
    });
    bus.publisher.results.register('Other.count', () => void (other += 1));

    enqueue(bus, 'a', 'b');
    bus.transport.confirm();
    await settled();
    expect(seen).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(499);
    expect(seen).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    await bus.publisher.flush();

    expect(seen).toHaveLength(3);
    expect(seen[2]).toEqual(seen[0]);
    expect(other).toBe(1);
    expect(warn).toHaveBeenCalledTimes(2);
    expect(warn.mock.calls[0]?.[1]).toMatchObject({ handler: 'Outbox.mark', attempt: 1 });
  });

  it('handle at most `workers` batches at once', async () => {
    const bus = open({ workers: 2 });
    const { handle, calls, end } = byHand();
    bus.publisher.results.register('Outbox.mark', handle);

    for (const id of ['a', 'b', 'c', 'd']) {
      enqueue(bus, id);
      bus.transport.confirm();
      await settled();
    }
    expect(calls).toEqual([['a'], ['b']]);

    end();
    await settled();
    expect(calls.slice(2).flat()).toEqual(['c', 'd']);
    end();
    await settled();
    end();
    await settled();
    expect(bus.publisher.snapshot.resultsWaiting).toBe(0);
  });

  it('hold the pool back when their buffer is full: enqueue says so, publish waits, nothing is lost', async () => {
    const bus = open({ workers: 1, maxPending: 2, resultBufferSize: 2 });
    const { handle, calls, end } = byHand();
    bus.publisher.results.register('Outbox.mark', handle);

    for (const id of ['a', 'b', 'c', 'd']) {
      expect(enqueue(bus, id)).toEqual([true]);
      bus.transport.confirm();
      await settled();
    }
    expect(bus.publisher.snapshot).toMatchObject({ pending: 0, resultsWaiting: 4 });
    expect(bus.publisher.enqueue('orders', 1)).toMatchObject({ accepted: false, reason: 'full' });
    const waiting = bus.publisher.publish('orders', 1, { id: 'e' });
    expect(bus.transport.ids).not.toContain('e');

    end();
    await settled();
    expect(bus.transport.ids).toContain('e');
    bus.transport.confirm();
    await waiting;
    end();
    await settled();
    end();
    await settled();
    expect(calls.flat()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('get a typed error when they publish into a full pool, also after an await, instead of waiting for themselves', async () => {
    const bus = open({ maxPending: 1, resultBufferSize: 1 });
    const errors: unknown[] = [];
    bus.publisher.results.register('Outbox.mark', async () => {
      await settled(1);
      enqueue(bus, 'fills the pool');
      await bus.publisher.publish('orders', 1).catch((error: unknown) => errors.push(error));
      const [result] = await bus.publisher.publishMany([{ topic: 'orders', data: 1 }]);
      if (result?.outcome !== 'confirmed') errors.push(result?.error);
      await bus.publisher.flush().catch((error: unknown) => errors.push(error));
    });

    enqueue(bus, 'a');
    bus.transport.confirm();
    await settled(20);

    expect(errors).toMatchObject([
      { code: 'EVENT_BUS_FULL', retryable: true },
      { code: 'EVENT_BUS_FULL' },
      { code: 'EVENT_BUS_UNSUPPORTED' },
    ]);
  });

  it('may start work that outlives them: what that publishes waits as any other, also while another batch is handled', async () => {
    const bus = open({ maxPending: 1 });
    const { handle, calls, end } = byHand();
    const gate = new EventEmitter();
    const published: Promise<unknown>[] = [];
    bus.publisher.results.register('Outbox.mark', async (results) => {
      if (results[0]?.id !== 'a') return handle(results);
      gate.once(
        'open',
        AsyncResource.bind(() => published.push(bus.publisher.publish('orders', 1, { id: 'later' }))),
      );
    });
    enqueue(bus, 'b');
    bus.transport.confirm();
    await settled();
    enqueue(bus, 'a');
    bus.transport.confirm();
    await settled();
    expect(calls).toEqual([['b']]);

    enqueue(bus, 'c');
    gate.emit('open');
    bus.transport.confirm();
    expect(bus.transport.ids).toEqual(['b', 'a', 'c', 'later']);
    bus.transport.confirm();

    await expect(Promise.all(published)).resolves.toMatchObject([{ id: 'later', outcome: 'confirmed' }]);
    end();
    await settled();
    end();
  });

  it('leave no async storage entered once none of them runs, as it would slow every await of the process down', async () => {
    const disable = vi.spyOn(AsyncLocalStorage.prototype, 'disable');
    const bus = open();
    const { handle, end } = byHand();
    bus.publisher.results.register('Outbox.mark', handle);
    enqueue(bus, 'a');
    bus.transport.confirm();
    await settled();
    expect(disable).not.toHaveBeenCalled();

    end();
    await settled();

    expect(disable).toHaveBeenCalledOnce();
    disable.mockRestore();
  });

  it('are waited for by flush and close', async () => {
    const bus = open();
    const { handle, end } = byHand();
    bus.publisher.results.register('Outbox.mark', handle);
    const done: string[] = [];
    enqueue(bus, 'a');
    void bus.publisher.flush().then(() => done.push('flush'));
    bus.transport.confirm();
    await settled();
    expect(done).toEqual([]);

    end();
    await settled();
    expect(done).toEqual(['flush']);
  });

  it('get what ends at the closing deadline, too', async () => {
    const bus = open();
    const outcomes: string[] = [];
    bus.publisher.results.register('Outbox.mark', (results) => void outcomes.push(...results.map((r) => r.outcome)));
    enqueue(bus, 'a');

    const closing = bus.publisher.close(1000);
    await vi.advanceTimersByTimeAsync(1000);
    await closing;

    expect(outcomes).toEqual(['unknown']);
  });

  it('are named in the log, with how much is lost to them, when they do not end before the deadline', async () => {
    const error = vi.fn();
    const bus = open({ logger: { ...SILENT_LOGGER, error } });
    bus.publisher.results.register('Outbox.mark', async () => {
      throw new Error('never');
    });
    enqueue(bus, 'a', 'b');
    bus.transport.confirm();

    const closing = bus.publisher.close(100);
    await vi.advanceTimersByTimeAsync(100);
    await closing;

    expect(error).toHaveBeenCalledWith(expect.stringContaining('2 publish results were not handled'));
  });

  it('cost nothing when there are none: no result is kept', async () => {
    const bus = open({ resultBufferSize: 1 });

    enqueue(bus, 'a', 'b', 'c');
    bus.transport.confirm();

    expect(bus.publisher.snapshot.resultsWaiting).toBe(0);
  });
});
