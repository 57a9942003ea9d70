import { afterEach, describe, expect, it, vi } from 'vitest';
import { SILENT_LOGGER } from '../../../../lib/core/logger.js';
import type { Source } from '../../../../lib/transport/transport.js';
import { memoryBroker } from '../../../../lib/transports/memory/memory-broker.js';
import { memoryTransport } from '../../../../lib/transports/memory/memory-transport.factory.js';
import { Harness, settled, textOf, type HarnessOptions } from './harness.js';

const open: Harness[] = [];

async function setup(options: HarnessOptions = {}): Promise<Harness> {
  const harness = await Harness.connected(options);
  open.push(harness);
  return harness;
}

afterEach(async () => {
  for (const harness of open.splice(0)) {
    await harness.transport.close();
    expect(harness.handles.list()).toEqual([]);
  }
});

describe('the memory transport, publishing', () => {
  it('confirms in a later turn, with partition and offset', async () => {
    const bus = await setup({ partitions: 1 });

    bus.publish('orders', 'a');
    bus.publish('orders', 'b');

    expect(bus.answers).toEqual([]);
    await settled();
    expect(bus.answers).toEqual([
      { slot: 0, position: { partition: 0, offset: 0 }, duplicate: false },
      { slot: 1, position: { partition: 0, offset: 1 }, duplicate: false },
    ]);
  });

  it('stores an id once within the window, and confirms it again as a duplicate at its first position', async () => {
    const broker = memoryBroker({ partitions: 1 });
    const bus = await setup({ broker });

    bus.publish('orders', 'a', { id: 'same' });
    bus.publish('orders', 'b', { id: 'other' });
    bus.publish('orders', 'a', { id: 'same' });
    await settled();

    expect(broker.stored('orders')).toBe(2);
    expect(bus.answers[2]).toEqual({ slot: 2, position: { partition: 0, offset: 0 }, duplicate: true });
  });

  it('stores an id again when the window is 0', async () => {
    const broker = memoryBroker({ duplicateWindowMs: 0 });
    const bus = await setup({ broker });

    bus.publish('orders', 'a', { id: 'same' });
    bus.publish('orders', 'a', { id: 'same' });

    expect(broker.stored('orders')).toBe(2);
  });

  it('keeps one key in one partition and spreads keyless messages', async () => {
    const bus = await setup({ partitions: 4 });

    for (let i = 0; i < 8; i += 1) bus.publish('orders', 'x', { key: 'order-1' });
    for (let i = 0; i < 8; i += 1) bus.publish('mails', 'x');
    await settled();

    const partitions = bus.answers.map((answer) => ('position' in answer ? answer.position : {}));
    expect(new Set(partitions.slice(0, 8).map((position) => Reflect.get(position, 'partition'))).size).toBe(1);
    expect(new Set(partitions.slice(8).map((position) => Reflect.get(position, 'partition'))).size).toBe(4);
  });

  it('rejects a message above the limit, but stores a dead letter of any size', async () => {
    const broker = memoryBroker({ maxMessageBytes: 10 });
    const bus = await setup({ broker });

    bus.publish('orders', 'x'.repeat(11));
    bus.publish('dead.billing.orders', 'x'.repeat(11), { dead: true });
    await settled();

    expect(bus.answers[0]).toMatchObject({ how: 'rejected', error: { code: 'EVENT_BUS_MESSAGE_TOO_LARGE' } });
    expect(broker.stored('dead.billing.orders')).toBe(1);
  });

  it('rejects when the topic is full of what a group still needs, and drops none of it', async () => {
    const broker = memoryBroker({ maxMessages: 3, partitions: 1 });
    const bus = await setup({ broker, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'] });

    for (const text of ['a', 'b', 'c', 'd']) bus.publish('orders', text);
    await settled();

    const error = { code: 'EVENT_BUS_PUBLISH_REJECTED', retryable: true };
    expect(bus.answers[3]).toMatchObject({ how: 'rejected', error });
    expect(bus.texts).toEqual(['a', 'b', 'c']);
  });

  it('makes room by forgetting the oldest once every group has settled it', async () => {
    const broker = memoryBroker({ maxMessages: 3, partitions: 1 });
    const bus = await setup({ broker, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'] });
    for (const text of ['a', 'b', 'c']) bus.publish('orders', text);
    await settled();

    bus.settle(bus.deliveries[0]!);
    bus.publish('orders', 'd');
    bus.publish('orders', 'e');
    await settled();

    expect(bus.answers[3]).toMatchObject({ position: { offset: 3 } });
    expect(bus.answers[4]).toMatchObject({ how: 'rejected' });
    expect(broker.usage().messages).toBe(3);
  });

  it('keeps at most maxBytes', async () => {
    const broker = memoryBroker({ maxBytes: 100 });
    const bus = await setup({ broker });

    for (let i = 0; i < 50; i += 1) bus.publish('orders', 'x'.repeat(30));

    expect(broker.usage()).toEqual({ topics: 1, messages: 3, bytes: 90 });
  });

  it('answers `unsent` while the broker is away, and says so', async () => {
    const broker = memoryBroker();
    const bus = await setup({ broker });

    broker.stop();
    bus.publish('orders', 'a');
    broker.start();
    bus.publish('orders', 'b');
    await settled();

    expect(bus.statuses).toEqual(['connecting', 'connected', 'disconnected', 'connected']);
    expect(bus.answers[0]).toMatchObject({ how: 'unsent', error: { code: 'EVENT_BUS_NOT_CONNECTED' } });
    expect(bus.answers[1]).toMatchObject({ slot: 1, duplicate: false });
  });

  it('answers what is outstanding when it closes', async () => {
    const bus = await setup();

    bus.publish('orders', 'a');
    await bus.transport.close();

    expect(bus.answers).toHaveLength(1);
  });

  it('is not touched by what the publisher does to its buffer afterwards', async () => {
    const bus = await setup();
    await bus.consume({ patterns: ['orders'] });
    const body = Buffer.from('before');

    bus.publish('orders', '', { body });
    body.write('after!');
    await settled();

    expect(bus.texts).toEqual(['before']);
  });
});

describe('the memory transport, consuming', () => {
  it('delivers in a later turn, in order per key, with bytes, headers and key', async () => {
    const bus = await setup();
    await bus.consume({ patterns: ['orders'] });

    for (const text of ['a', 'b', 'c']) bus.publish('orders', text, { key: 'k', headers: [['h', 'ü']] });
    expect(bus.deliveries).toEqual([]);
    await settled();

    expect(bus.texts).toEqual(['a', 'b', 'c']);
    const { message, redelivered } = bus.deliveries[0]!;
    expect(message).toMatchObject({ topic: 'orders', key: Buffer.from('k') });
    expect(message.headers.get('h')).toBe('ü');
    expect(redelivered).toBe(false);
  });

  it('hands on a tombstone as null and an empty key as none', async () => {
    const bus = await setup();
    await bus.consume({ patterns: ['orders'] });

    bus.publish('orders', '', { body: null, key: '' });
    await settled();

    expect(bus.deliveries[0]?.message).toMatchObject({ body: null, key: null });
  });

  it('never delivers beyond the credit, in messages', async () => {
    const bus = await setup({ partitions: 1, credit: 2, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'] });

    for (const text of ['a', 'b', 'c', 'd']) bus.publish('orders', text);
    await settled();
    expect(bus.texts).toEqual(['a', 'b']);

    bus.settle(bus.deliveries[1]!);
    expect(bus.texts).toHaveLength(2);
    await settled();
    expect(bus.texts).toEqual(['a', 'b', 'c']);
  });

  it('never delivers beyond the credit, in bytes', async () => {
    const bus = await setup({ partitions: 1, creditBytes: 10, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'] });

    for (let i = 0; i < 3; i += 1) bus.publish('orders', 'x'.repeat(6));
    await settled();

    expect(bus.deliveries).toHaveLength(1);
  });

  it('gives every group everything, and shares nothing of their progress', async () => {
    const bus = await setup({ partitions: 2 });
    await bus.consume({ group: 'billing', patterns: ['orders'] }, { group: 'audit', patterns: ['>'] });

    for (let i = 0; i < 10; i += 1) bus.publish('orders', String(i));
    await settled();

    const of = (group: string): string[] => bus.deliveries.filter(({ source }) => source.group === group).map(textOf);
    expect(of('billing')).toHaveLength(10);
    expect(of('audit')).toHaveLength(10);
  });

  it('finds topics of a wildcard that appear later, from their first message on, and no dead letters', async () => {
    const bus = await setup();
    await bus.consume({ patterns: ['orders.>'], startFrom: 'latest' });

    bus.publish('orders.eu.placed', 'a');
    bus.publish('dead.billing.orders.eu.placed', 'b');
    bus.publish('other', 'c');
    await settled();

    expect(bus.texts).toEqual(['a']);
  });

  it.each([
    ['earliest', ['old', 'new']],
    ['latest', ['new']],
  ] as const)('begins a new group at %s', async (startFrom, expected) => {
    const bus = await setup({ partitions: 1 });
    bus.publish('orders', 'old');

    await bus.consume({ patterns: ['orders'], startFrom });
    bus.publish('orders', 'new');
    await settled();

    expect(bus.texts).toEqual(expected);
  });

  it('begins a new group at a time', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1000 });
    try {
      const bus = await setup({ partitions: 1 });
      bus.publish('orders', 'old');
      vi.setSystemTime(2000);
      bus.publish('orders', 'new');

      await bus.consume({ patterns: ['orders'], startFrom: new Date(1500) });
      await settled();

      expect(bus.texts).toEqual(['new']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stops a paused group, and only that, until it is resumed', async () => {
    const bus = await setup();
    await bus.consume({ group: 'billing', patterns: ['orders'] }, { group: 'audit', patterns: ['orders'] });

    bus.transport.pause('billing');
    bus.publish('orders', 'a');
    await settled();
    expect(bus.deliveries.map(({ source }) => source.group)).toEqual(['audit']);

    bus.transport.resume('billing');
    await settled();
    expect(bus.deliveries.map(({ source }) => source.group)).toEqual(['audit', 'billing']);
  });

  it('goes on where it was when the broker comes back', async () => {
    const broker = memoryBroker({ partitions: 1 });
    const [bus, publisher] = [await setup({ broker }), await setup({ broker })];
    await bus.consume({ patterns: ['orders'] });
    publisher.publish('orders', 'a');
    broker.stop();
    await settled();
    expect(bus.texts).toEqual([]);

    broker.start();
    await settled();

    expect(bus.texts).toEqual(['a']);
  });

  it('delivers nothing more once fetching has stopped', async () => {
    const bus = await setup();
    await bus.consume({ patterns: ['orders'] });

    bus.publish('orders', 'a');
    await bus.transport.stopFetching();
    bus.publish('orders', 'b');
    await settled();

    expect(bus.deliveries).toEqual([]);
  });

  it('tells how far behind a source is', async () => {
    const bus = await setup({ partitions: 1, credit: 1, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'] });

    for (const text of ['a', 'b', 'c']) bus.publish('orders', text);
    await settled();

    expect([...bus.sources].map(({ progress }) => progress.lag)).toEqual([2]);
  });
});

describe('the memory transport, ownership', () => {
  it('delivers what was not settled again, in order and marked so, and what was settled never', async () => {
    const broker = memoryBroker({ partitions: 1 });
    const first = await setup({ broker, credit: 4, settling: 'by-hand' });
    await first.consume({ patterns: ['orders'] });
    for (const text of ['a', 'b', 'c', 'd', 'e']) first.publish('orders', text);
    await settled();
    first.settle(first.deliveries[0]!);
    first.settle(first.deliveries[2]!);
    await first.transport.close();
    expect(broker.unsettled('billing')).toBe(3);

    const second = await setup({ broker });
    await second.consume({ patterns: ['orders'] });
    await settled();

    expect(second.deliveries.map((delivery) => [textOf(delivery), delivery.redelivered])).toEqual([
      ['b', true],
      ['d', true],
      ['e', false],
    ]);
    expect(broker.unsettled('billing')).toBe(0);
  });

  it('settles nothing of a source that was lost meanwhile', async () => {
    const broker = memoryBroker({ partitions: 1 });
    const first = await setup({ broker, settling: 'by-hand' });
    await first.consume({ patterns: ['orders'] });
    first.publish('orders', 'a');
    await settled();
    await first.transport.closeConsumers();

    first.settle(first.deliveries[0]!);

    expect(first.deliveries[0]?.source.lease()).toBe('lost');
    expect(broker.unsettled('billing')).toBe(1);
    await expect(first.transport.settleBefore(first.deliveries)).rejects.toMatchObject({
      code: 'EVENT_BUS_SETTLE_FAILED',
    });
  });

  it('settles a whole batch before it resolves', async () => {
    const broker = memoryBroker();
    const bus = await setup({ broker, settling: 'by-hand' });
    await bus.consume({ patterns: ['orders'], delivery: 'at-most-once' });
    for (let i = 0; i < 5; i += 1) bus.publish('orders', String(i));
    await settled();

    await bus.transport.settleBefore(bus.deliveries);

    expect(broker.unsettled('billing')).toBe(0);
  });

  it('shares partitions out evenly among instances, and back when one leaves', async () => {
    const broker = memoryBroker({ partitions: 6 });
    const [first, second] = [await setup({ broker }), await setup({ broker })];
    await first.consume({ patterns: ['orders'] });
    expect(first.sources.size).toBe(6);

    await second.consume({ patterns: ['orders'] });
    await settled();
    expect([first.sources.size, second.sources.size]).toEqual([3, 3]);

    await first.transport.close();
    await settled();
    expect(second.sources.size).toBe(6);
  });

  it('gives a partition to the next owner only when the one before has drained it', async () => {
    const broker = memoryBroker({ partitions: 2 });
    const drained: (() => void)[] = [];
    const draining: Source[] = [];
    const drain = async (source: Source): Promise<void> => {
      draining.push(source);
      await new Promise<void>((resolve) => drained.push(resolve));
    };
    const [first, second] = [await setup({ broker, drain }), await setup({ broker })];
    await first.consume({ patterns: ['orders'] });

    await second.consume({ patterns: ['orders'] });
    await settled();
    expect(draining).toHaveLength(1);
    expect(draining[0]?.lease()).toBe('held');
    expect(second.sources.size).toBe(0);

    for (const end of drained) end();
    await settled();
    expect(draining[0]?.lease()).toBe('lost');
    expect([...second.sources].map(({ name }) => name)).toEqual([draining[0]?.name]);
  });

  it('loses, repeats and reorders nothing while instances come and go', async () => {
    const broker = memoryBroker({ partitions: 4 });
    const [publisher, first, second] = [await setup({ broker }), await setup({ broker }), await setup({ broker })];
    await first.consume({ patterns: ['orders'] });
    for (let i = 0; i < 3000; i += 1) {
      publisher.publish('orders', `k${i % 7}:${i}`, { key: `k${i % 7}` });
      if (i === 1000) await second.consume({ patterns: ['orders'] });
      if (i === 2000) await first.transport.close();
      if (i % 100 === 0) await settled();
    }
    await settled();

    const all = [...first.deliveries, ...second.deliveries].toSorted((a, b) => {
      return Reflect.get(a.position, 'offset') - Reflect.get(b.position, 'offset');
    });
    expect(new Set(all.map(textOf)).size).toBe(3000);
    expect(all).toHaveLength(3000);
    for (let key = 0; key < 7; key += 1) {
      const numbers = all
        .map(textOf)
        .filter((text) => text.startsWith(`k${key}:`))
        .map((text) => +text.slice(3));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('keeps environments apart by prefix', async () => {
    const broker = memoryBroker();
    const [staging, live] = [await setup({ broker, topicPrefix: 'staging.' }), await setup({ broker })];
    await staging.consume({ patterns: ['>'] });
    await live.consume({ patterns: ['orders'] });

    staging.publish('orders', 'a');
    live.publish('payments.made', 'b');
    await settled();

    expect(staging.deliveries.map(({ message }) => message.topic)).toEqual(['orders']);
    expect(live.deliveries).toEqual([]);
    expect(broker.topics()).toContain('staging.orders');
  });
});

describe('the memory transport, options and start', () => {
  it('says at start that it keeps nothing', async () => {
    const log = vi.fn();
    await setup({ logger: { ...SILENT_LOGGER, log } });

    expect(log).toHaveBeenCalledWith(expect.stringContaining('keeps nothing across a restart'));
  });

  it('reports every fault of its options', () => {
    expect(memoryTransport({ partitions: 0, maxMessages: 1.5 }).validate()).toEqual([
      'transport.partitions must be a whole number from 1, got 0',
      'transport.maxMessages must be a whole number from 1, got 1.5',
    ]);
    expect(memoryTransport({ broker: memoryBroker(), partitions: 2 }).validate()).toHaveLength(1);
    expect(memoryTransport().validate()).toEqual([]);
    expect(() => memoryBroker({ partitions: -1 })).toThrow('transport.partitions must be');
  });

  it('closes while it still waits for the broker', async () => {
    const broker = memoryBroker();
    broker.stop();
    const bus = new Harness({ broker });
    open.push(bus);
    const connecting = bus.transport.connect();

    await bus.transport.close();

    await connecting;
    expect(bus.transport.status.state).toBe('closed');
  });
});
