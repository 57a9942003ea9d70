import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/transport/transport.js';
import { eventually } from '../../support/eventually.js';
import { deferred, fail, handler, nOf, setup, turns } from './support/fakes.js';
import type { Deferred, SetupOptions } from './support/fakes.js';

function atMostOnce(overrides: SetupOptions = {}) {
  const batches: { offsets: number[]; answer: Deferred }[] = [];
  const settleBefore = (deliveries: readonly Delivery[]): Promise<void> => {
    const answer = deferred();
    batches.push({ offsets: deliveries.map(({ position }) => ('offset' in position ? position.offset : -1)), answer });
    return answer.promise;
  };
  return { ...setup({ deliveryOf: () => 'at-most-once', settleBefore, ...overrides }), batches };
}

describe('Dispatcher: at-most-once', () => {
  it('runs nothing before the broker has answered the settle, and settles what came in together', async () => {
    const seen: number[] = [];
    const { dispatcher, assign, batches, offsets } = atMostOnce({
      handlers: [handler((data) => void seen.push(nOf(data)))],
    });
    const source = assign();
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next());
    await turns();
    dispatcher.deliver(source.next());
    await turns();
    expect(batches.map((batch) => batch.offsets)).toEqual([[1, 2]]);
    expect(seen).toEqual([]);

    batches[0]?.answer.resolve();
    await turns();
    expect(seen).toEqual([1, 2]);
    expect(batches.map((batch) => batch.offsets)).toEqual([[1, 2], [3]]);
    batches[1]?.answer.resolve();
    await turns();
    expect(seen).toEqual([1, 2, 3]);
    expect(offsets()).toEqual([]);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(0);
  });

  it('runs nothing of a batch whose settle failed, and tries it again', async () => {
    const seen: number[] = [];
    const { dispatcher, assign, batches, logger } = atMostOnce({
      handlers: [handler((data) => void seen.push(nOf(data)))],
    });
    dispatcher.deliver(assign().next());
    await turns();
    batches[0]?.answer.reject(new Error('no answer'));
    await eventually(() => expect(batches).toHaveLength(2));
    expect(seen).toEqual([]);
    expect(logger.at('warn')).toHaveLength(1);

    batches[1]?.answer.resolve();
    await turns();
    expect(seen).toEqual([1]);
  });

  it('never tries a failed handler again: it is logged and counted', async () => {
    let runs = 0;
    const handle = () => {
      runs += 1;
      return fail();
    };
    const { dispatcher, assign, batches, letters, logger } = atMostOnce({ handlers: [handler(handle)] });
    dispatcher.deliver(assign().next({ key: 'k' }));
    await turns();
    batches[0]?.answer.resolve();
    await turns();
    expect(runs).toBe(1);
    expect(letters).toEqual([]);
    expect(dispatcher.snapshot().totals).toMatchObject({ failedAtMostOnce: 1, retried: 0 });
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { key: 'k', handler: 'Ledger.onPlaced' } }]);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(0);
  });

  it('drops what is not settled when the source is lost, without counting it as lost', async () => {
    const seen: number[] = [];
    const { dispatcher, assign, batches } = atMostOnce({ handlers: [handler((data) => void seen.push(nOf(data)))] });
    const source = assign();
    dispatcher.deliver(source.next());
    dispatcher.lost(source);
    await turns();
    expect(batches).toEqual([]);
    expect(seen).toEqual([]);
    expect(dispatcher.snapshot().totals.droppedAtMostOnce).toBe(0);
  });

  it('stops trying to settle when the source is lost', async () => {
    const { dispatcher, assign, batches, handles } = atMostOnce({ handlers: [handler(() => undefined)] });
    const source = assign();
    dispatcher.deliver(source.next());
    await turns();
    batches[0]?.answer.reject(new Error('no answer'));
    await turns();
    expect(handles.size).toBe(1);
    dispatcher.lost(source);
    expect(handles.size).toBe(0);
    await dispatcher.drain(1_000);
  });

  it('counts as lost what was settled and then not run, and says so', async () => {
    const gate = deferred();
    const { dispatcher, assign, batches, logger } = atMostOnce({ handlers: [handler(() => gate.promise)], workers: 1 });
    const source = assign();
    for (let i = 0; i < 3; i += 1) dispatcher.deliver(source.next());
    await turns();
    batches[0]?.answer.resolve();
    await turns();
    dispatcher.deliver(source.next());
    await turns();
    dispatcher.lost(source);
    batches[1]?.answer.resolve();
    await turns();
    gate.resolve();
    await turns();
    expect(dispatcher.snapshot().totals).toMatchObject({ handled: 1, droppedAtMostOnce: 3 });
    expect(logger.at('warn').join()).toContain('2 of them settled before and lost for good');
  });

  it('runs what is settled to its end before the source is given up, until the drain deadline', async () => {
    const seen: number[] = [];
    const handle = async (data: unknown) => {
      await turns(2);
      seen.push(nOf(data));
    };
    const { dispatcher, assign, batches } = atMostOnce({
      handlers: [handler(handle)],
      workers: 1,
      rebalanceDrainMs: 5_000,
    });
    const source = assign();
    for (let i = 0; i < 5; i += 1) dispatcher.deliver(source.next());
    await turns();
    batches[0]?.answer.resolve();
    await turns(1);
    await dispatcher.revoking(source);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(dispatcher.snapshot().totals).toMatchObject({ handled: 5, droppedAtMostOnce: 0 });
  });
});
