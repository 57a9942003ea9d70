import { openSync, writeSync } from 'node:fs';
import type { Delivery } from '../../../../lib/transport/transport.js';
import type { NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
import { Harness, subscription } from './harness.js';
import { Lanes } from './lanes.js';

/** What a child is told, as JSON in its first argument. */
export interface ChildOrders {
  readonly name: string;
  /** Every start and end of a handler is one synchronous write to it. */
  readonly file: string;
  readonly group: string;
  readonly patterns: readonly string[];
  readonly transport: NatsTransportOptions;
  readonly longestHandlerMs: number;
}

const orders: ChildOrders = JSON.parse(process.argv[2] ?? '{}');
const log = openSync(orders.file, 'a');
const lanes = new Lanes();

async function handle(delivery: Delivery, bus: Harness): Promise<void> {
  if (delivery.source.lease() !== 'held') return;
  const event = Buffer.from(delivery.message.body ?? '').toString();
  writeSync(log, `S ${orders.name} ${event}\n`);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * orders.longestHandlerMs));
  writeSync(log, `E ${orders.name} ${event}\n`);
  bus.settle(delivery);
}

const bus = await Harness.start(
  {
    transport: orders.transport,
    creditMessages: 512,
    onDelivery: (delivery, harness) => {
      const key =
        Buffer.from(delivery.message.body ?? '')
          .toString()
          .split(' ')[0] ?? '';
      lanes.submit(key, () => handle(delivery, harness));
    },
  },
  [subscription(orders.group, orders.patterns, { ordering: 'key' })],
);
process.on('message', (message) => {
  if (message === 'details')
    process.send?.({ ...bus.transport.details(), log: bus.lines.map(({ message: line }) => line) });
  if (message === 'close') void bus.close().then(() => process.exit(0));
});
process.send?.('up');
