import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, TestBus } from '../../../integration/kafka/harness.js';
import type { KafkaTransportOptions } from '../../../../lib/transports/kafka/index.js';

/** What a process is told, as JSON in its first argument. */
export interface InstanceOrders {
  /** One synchronous line at the end of each handler: the body. */
  readonly file: string;
  readonly group: string;
  readonly topic: string;
  readonly transport: KafkaTransportOptions;
  /** These bodies are never done. */
  readonly stuck: readonly string[];
}

/** One instance, in a process of its own, until it is killed or told to close. */
const orders: InstanceOrders = JSON.parse(process.argv[2] ?? '{}');
const bus = new TestBus({
  transport: orders.transport,
  rebalanceDrainMs: 500,
  handle: async (delivery) => {
    const body = bodyOf(delivery) ?? '';
    if (orders.stuck.includes(body)) {
      await sleep(3_600_000);
      return 'keep';
    }
    appendFileSync(orders.file, `${body}\n`);
    return 'settle';
  },
});
process.on('message', (message) => {
  if (message === 'details') process.send?.(bus.group(orders.group));
});
await bus.start({ group: orders.group, patterns: [orders.topic] });
process.send?.('up');
