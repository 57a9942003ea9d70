import { afterEach, describe, expect, it } from 'vitest';
import { HandleRegister } from '../../../lib/core/handle-register.js';
import { SILENT_LOGGER } from '../../../lib/core/logger.js';
import { EventDefaults } from '../../../lib/envelope/event-defaults.js';
import { Publisher } from '../../../lib/publishing/publisher.js';
import type { Transport } from '../../../lib/transport/transport.js';
import { memoryBroker, type MemoryBroker } from '../../../lib/transports/memory/memory-broker.js';
import { memoryTransport } from '../../../lib/transports/memory/memory-transport.factory.js';
import { plainCodec, settled } from './harness.js';

const open: (() => Promise<void>)[] = [];

async function onMemory(broker: MemoryBroker): Promise<{ publisher: Publisher; delivered: string[] }> {
  const handles = new HandleRegister();
  const ack = { workers: 2, maxPending: 500, maxPendingBytes: 1e6, resultBufferSize: 500, timeoutMs: 10_000 };
  const publisher = new Publisher({ bus: 'test', ack, handles, logger: SILENT_LOGGER });
  const delivered: string[] = [];
  const transport: Transport = memoryTransport({ broker }).create({
    bus: 'test',
    topicPrefix: '',
    rebalanceDrainMs: 100,
    handles,
    logger: SILENT_LOGGER,
    publisher: publisher.port,
    onStatus: (status) => publisher.transportStatus(status),
    consumer: {
      assigned: () => ({ messages: 1e6, bytes: 1e9 }),
      deliver: (delivery) => {
        delivered.push(Buffer.from(delivery.message.body ?? []).toString());
        transport.settle(delivery);
      },
      revoking: async () => undefined,
      lost: () => undefined,
    },
  });
  publisher.attach({ transport, codec: plainCodec, defaults: new EventDefaults('test') });
  await transport.connect();
  publisher.open();
  await transport.consume([
    { group: 'billing', patterns: ['orders'], startFrom: 'earliest', delivery: 'at-least-once', ordering: 'key' },
  ]);
  open.push(async () => {
    await publisher.close(1000);
    await transport.close();
    expect(handles.list()).toEqual([]);
  });
  return { publisher, delivered };
}

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

describe('publishing on the memory transport', () => {
  it('confirms what is stored, and every publish at once', async () => {
    const broker = memoryBroker();
    const { publisher, delivered } = await onMemory(broker);

    const results = await publisher.publishMany(Array.from({ length: 5000 }, (_, i) => ({ topic: 'orders', data: i })));
    await settled(50);

    expect(results.every(({ outcome }) => outcome === 'confirmed')).toBe(true);
    expect(broker.stored('orders')).toBe(5000);
    expect(delivered).toHaveLength(5000);
  });

  it('stores everything in call order per key while the broker goes away and comes back', async () => {
    const broker = memoryBroker({ partitions: 1 });
    const { publisher, delivered } = await onMemory(broker);
    const all: Promise<unknown>[] = [];

    for (let i = 0; i < 2000; i += 1) {
      all.push(publisher.publish('orders', `k${i % 5}:${i}`, { key: `k${i % 5}` }));
      if (i % 300 === 150) broker.stop();
      if (i % 300 === 250) broker.start();
      if (i % 50 === 0) await settled(1);
    }
    broker.start();
    await Promise.all(all);
    await settled(20);

    expect(delivered).toHaveLength(2000);
    for (let key = 0; key < 5; key += 1) {
      const mine = delivered
        .filter((text) => text.startsWith(`"k${key}:`))
        .map((text) => Number.parseInt(text.slice(4), 10));
      expect(mine).toEqual(mine.toSorted((a, b) => a - b));
      expect(mine).toHaveLength(400);
    }
  });
});
