import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { deferred, fail, handler, nOf, setup, turns } from './support/fakes.js';

describe('Dispatcher', () => {
  it('settles a delivery once its handler has succeeded, and not before', async () => {
    const gate = deferred();
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(() => gate.promise)] });
    dispatcher.deliver(assign().next());
    await turns();
    expect(offsets()).toEqual([]);

    gate.resolve();
    await turns();
    expect(offsets()).toEqual([1]);
    expect(dispatcher.snapshot().totals.handled).toBe(1);
  });

  it('runs a synchronous handler without a promise, and settles within deliver', () => {
    const seen: unknown[] = [];
    const { dispatcher, assign, offsets } = setup({ handlers: [handler((data) => void seen.push(data))] });
    dispatcher.deliver(assign().next());
    expect(seen).toEqual([{ n: 1 }]);
    expect(offsets()).toEqual([1]);
  });

  it('keeps the order of a key while keys run side by side, and completes out of order', async () => {
    const gates = new Map([1, 2, 3].map((n) => [n, deferred()]));
    const begun: number[] = [];
    const handle = (data: unknown): Promise<void> | undefined => {
      const n = nOf(data);
      begun.push(n);
      return gates.get(n)?.promise;
    };
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'b' }));
    expect(begun).toEqual([1, 3]);

    gates.get(3)?.resolve();
    await turns();
    expect(offsets()).toEqual([3]);
    gates.get(1)?.resolve();
    gates.get(2)?.resolve();
    await turns();
    expect(begun).toEqual([1, 3, 2]);
    expect(offsets()).toEqual([3, 1, 2]);
  });

  it('shares no lane between topics or groups', () => {
    const begun: string[] = [];
    const never = (name: string) => () => {
      begun.push(name);
      return deferred().promise;
    };
    const handlers = [
      handler(never('placed')),
      handler(never('paid'), { patterns: ['orders.paid'], name: 'Ledger.onPaid' }),
    ];
    const { dispatcher, assign } = setup({ handlers });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a', topic: 'orders.paid' }));
    expect(begun).toEqual(['placed', 'paid']);
  });

  it('lets events without a key, or with an empty one, run side by side', () => {
    let running = 0;
    const handle = () => {
      running += 1;
      return deferred().promise;
    };
    const { dispatcher, assign } = setup({ handlers: [handler(handle)] });
    const source = assign();
    for (const key of [undefined, undefined, '', '']) dispatcher.deliver(source.next(key === undefined ? {} : { key }));
    expect(running).toBe(4);
  });

  it('settles and counts what nobody handles: topic or type', () => {
    const { dispatcher, assign, offsets, letters } = setup({ handlers: [handler(() => undefined, { type: 'v1' })] });
    const source = assign();
    dispatcher.deliver(source.next({ topic: 'other' }));
    dispatcher.deliver(source.next({ type: 'v2' }));
    dispatcher.deliver(source.next({ type: 'v1' }));
    expect(offsets()).toEqual([1, 2, 3]);
    expect(letters).toEqual([]);
    expect(dispatcher.snapshot().totals).toMatchObject({ ignored: 2, handled: 1 });
  });

  it('makes a dead letter of what nobody handles when told to', async () => {
    const { dispatcher, assign, offsets, letters } = setup({ unmatched: 'dead-letter', poolsOf: () => ['global'] });
    dispatcher.deliver(assign().next({ topic: 'other', key: 'k' }));
    expect(offsets()).toEqual([]);
    await turns();
    expect(offsets()).toEqual([1]);
    expect(letters).toMatchObject([
      { handler: 'none', attempts: 0, eventId: 'e1', key: 'k', error: { code: 'EVENT_BUS_NO_HANDLER' } },
    ]);
  });

  it('makes one dead letter of what cannot be read or decoded, and handles the event after it', async () => {
    const seen: unknown[] = [];
    const ok = (data: unknown) => void seen.push(data);
    const handlers = [handler(ok), handler(ok, { name: 'Mails.onPlaced' })];
    const { dispatcher, assign, offsets, letters, defects } = setup({ handlers });
    const source = assign();
    dispatcher.deliver(source.next({ headers: [['unreadable', '1']], key: 'a' }));
    dispatcher.deliver(source.next({ body: Buffer.from('{"n":'), key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    await eventually(() => expect(new Set(offsets())).toEqual(new Set([1, 2, 3])));
    expect(letters.map(({ eventId, handler: name, attempts }) => [eventId, name, attempts])).toEqual([
      [undefined, 'none', 0],
      ['e2', 'none', 0],
    ]);
    expect(seen).toEqual([{ n: 3 }, { n: 3 }]);
    expect(defects).toEqual([]);
  });

  it('takes nothing of a source that is not owned', () => {
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(() => undefined)] });
    const source = assign();
    dispatcher.lost(source);
    dispatcher.deliver(source.next());
    expect(offsets()).toEqual([]);
    expect(dispatcher.snapshot().consumers).toEqual([]);
  });

  it('starts nothing while the lease is unsure, and counts no attempt', async () => {
    const attempts: number[] = [];
    const { dispatcher, assign, offsets } = setup({
      handlers: [handler((_, { attempt }) => void attempts.push(attempt))],
    });
    const source = assign();
    source.leaseState = 'unsure';
    dispatcher.deliver(source.next());
    await turns();
    expect(attempts).toEqual([]);

    source.leaseState = 'held';
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(attempts).toEqual([1]);
  });

  it('starts nothing of a source whose lease is lost', async () => {
    let runs = 0;
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(() => (runs += 1))] });
    const source = assign();
    source.leaseState = 'lost';
    dispatcher.deliver(source.next());
    await turns();
    expect(runs).toBe(0);
    expect(offsets()).toEqual([]);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(0);
  });

  it('stays unsettled, leaves the hands and is logged when settling itself throws', async () => {
    const { dispatcher, assign, defects, logger } = setup({
      handlers: [handler(() => Promise.resolve())],
      settle: fail,
    });
    dispatcher.deliver(assign().next());
    await turns();
    expect(defects).toMatchObject([{ message: 'failed' }]);
    expect(dispatcher.snapshot().totals.defects).toBe(1);
    expect(logger.at('error')).toHaveLength(1);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(0);
  });
});
