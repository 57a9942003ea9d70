import { describe, expect, it } from 'vitest';
import { diagnostics } from '../../../lib/core/diagnostics.js';
import { UnrecoverableError } from '../../../lib/handlers/handler.errors.js';
import { eventually } from '../../support/eventually.js';
import { deferred, handler, nOf, setup, turns } from './support/fakes.js';

const giveUp = () => Promise.reject(new UnrecoverableError());

describe('Dispatcher: dead letters', () => {
  it('settles only once the dead letter is stored', async () => {
    const stored = deferred();
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(giveUp)], store: () => stored.promise });
    dispatcher.deliver(assign().next());
    await turns();
    expect(offsets()).toEqual([]);
    stored.resolve();
    await turns();
    expect(offsets()).toEqual([1]);
  });

  it('stays in flight while it cannot be stored, is tried again, and keeps its lane but not its worker', async () => {
    let isUp = false;
    const begun: string[] = [];
    const handle = (data: unknown, { key }: { key: string | undefined }) => {
      begun.push(`${key}${nOf(data)}`);
      return nOf(data) === 1 ? giveUp() : undefined;
    };
    const store = () => (isUp ? Promise.resolve() : Promise.reject(new Error('away')));
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle)], store, workers: 1 });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'b' }));
    await eventually(() => expect(dispatcher.snapshot().totals.deadLettersFailed).toBeGreaterThan(1));
    expect(begun).toEqual(['a1', 'b3']);
    expect(offsets()).toEqual([3]);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(2);

    isUp = true;
    await eventually(() => expect(offsets()).toEqual([3, 1, 2]));
    expect(dispatcher.snapshot().totals.deadLettersStored).toBe(1);
  });

  it('says since when they cannot be stored, and logs the change, not the tries', async () => {
    let isUp = false;
    const store = () => (isUp ? Promise.resolve() : Promise.reject(new Error('away')));
    const { dispatcher, assign, offsets, logger } = setup({ handlers: [handler(giveUp)], store });
    const source = assign();
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next());
    await eventually(() => expect(dispatcher.snapshot().totals.deadLettersFailed).toBeGreaterThan(3));
    expect(dispatcher.snapshot().deadLettersFailingSince).toBeTypeOf('number');
    expect(logger.at('error')).toHaveLength(1);

    isUp = true;
    await eventually(() => expect(offsets()).toHaveLength(2));
    expect(dispatcher.snapshot().deadLettersFailingSince).toBeUndefined();
    expect(logger.at('log')).toEqual(['Dead letters can be stored again.']);
  });

  it('stops trying when the source is lost', async () => {
    let tries = 0;
    const store = () => {
      tries += 1;
      return Promise.reject(new Error('away'));
    };
    const { dispatcher, assign, offsets, pools } = setup({ handlers: [handler(giveUp)], store });
    const source = assign();
    dispatcher.deliver(source.next());
    await eventually(() => expect(tries).toBe(1));
    dispatcher.lost(source);
    await pools.keyed.idle();
    expect(tries).toBe(1);
    expect(offsets()).toEqual([]);
    expect(dispatcher.snapshot().deadLettersFailingSince).toBeUndefined();
  });

  it('settles nothing of a source that was lost while the dead letter was being stored', async () => {
    const stored = deferred();
    const { dispatcher, assign, offsets, pools } = setup({ handlers: [handler(giveUp)], store: () => stored.promise });
    const source = assign();
    dispatcher.deliver(source.next());
    await turns();
    dispatcher.lost(source);
    stored.resolve();
    await pools.keyed.idle();
    expect(offsets()).toEqual([]);
  });

  it('takes a store that throws for one that fails', async () => {
    let tries = 0;
    const store = (): Promise<void> => {
      tries += 1;
      if (tries === 1) throw new Error('at once');
      return Promise.resolve();
    };
    const { dispatcher, assign, offsets, defects } = setup({ handlers: [handler(giveUp)], store });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(defects).toEqual([]);
  });

  it('tells the dead-letter channel of the first failure and of the success', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    diagnostics.deadLetter.subscribe(listen);
    let tries = 0;
    const store = () => ((tries += 1) < 3 ? Promise.reject(new Error('away')) : Promise.resolve());
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(giveUp)], store });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(offsets()).toEqual([1]));
    diagnostics.deadLetter.unsubscribe(listen);
    expect(told).toMatchObject([
      { stored: false, eventId: 'e1', handler: 'Ledger.onPlaced' },
      { stored: true, attempts: 1 },
    ]);
  });
});
