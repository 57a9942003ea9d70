import { afterEach, describe, expect, it } from 'vitest';
import { kafkaBroker } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { committed, TestBus } from './harness.js';

const open: TestBus[] = [];

async function started(
  options: Partial<ConstructorParameters<typeof TestBus>[0]> = {},
  ...args: Parameters<TestBus['start']>
) {
  const { brokers } = await kafkaBroker();
  const bus = new TestBus({ transport: { connection: { brokers } }, ...options });
  open.push(bus);
  await bus.start(...args);
  return { bus, brokers };
}

afterEach(async () => {
  for (const bus of open.splice(0)) await bus.stop();
});

describe('Kafka, end to end', () => {
  it('creates the topic at first use, confirms with partition and offset, delivers, and commits what was settled', async () => {
    const topic = unique('orders');
    const group = unique('billing');
    const { bus, brokers } = await started({}, { group, patterns: [topic] });

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => bus.publish(topic, `event ${i}`, { key: `k${i % 5}` })),
    );

    expect(outcomes.map(({ how }) => how)).toEqual(outcomes.map(() => 'confirmed'));
    await eventually(() => expect(bus.bodies).toHaveLength(20));
    await eventually(async () => {
      const offsets = Object.values(await committed(brokers, group, topic));
      expect(offsets).toHaveLength(6);
      expect(offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0)).toBe(20);
    });
  });

  it('leaves nothing open', async () => {
    const topic = unique('orders');
    const { bus } = await started({}, { group: unique('g'), patterns: [topic] });
    await bus.publish(topic, 'x');
    await bus.stop();

    expect(bus.handles.list()).toEqual([]);
    expect(bus.transport.status.state).toBe('closed');
  });
});
