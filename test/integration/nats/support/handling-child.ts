import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Delivery, Source } from '../../../../lib/transport/transport.js';
import type { natsTransport, NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
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
  /** A control: handlers start whatever the lease says. @default false */
  readonly ignoresLease?: boolean;
  /** A control: a built copy of the library, some mechanism removed. @default the sources */
  readonly library?: string | undefined;
}

/** What a child tells when it is asked for it. */
export interface ChildReport {
  readonly details: Readonly<Record<string, unknown>>;
  readonly log: readonly { readonly at: number; readonly message: string; readonly fields?: Record<string, unknown> }[];
  /** Milliseconds from the connection, and from the begin of consuming, to the first handler. */
  readonly fromConnectMs: number | undefined;
  readonly fromConsumeMs: number | undefined;
  readonly heapBytes: number;
}

const orders: ChildOrders = JSON.parse(process.argv[2] ?? '{}');
const log = openSync(orders.file, 'a');
const lanes = new Lanes();
const revoking = new Set<Source>();
const running = new Map<Source, number>();
const times: { connected?: number; consuming?: number; first?: number } = {};

async function handle(delivery: Delivery, bus: Harness): Promise<void> {
  const { source } = delivery;
  while (source.lease() === 'unsure' && orders.ignoresLease !== true) await sleep(20);
  if (revoking.has(source) || (source.lease() === 'lost' && orders.ignoresLease !== true)) return;
  const event = Buffer.from(delivery.message.body ?? '').toString();
  running.set(source, (running.get(source) ?? 0) + 1);
  times.first ??= performance.now();
  writeSync(log, `S ${orders.name} ${event}\n`);
  await sleep(Math.random() * orders.longestHandlerMs);
  writeSync(log, `E ${orders.name} ${event}\n`);
  bus.settle(delivery);
  running.set(source, (running.get(source) ?? 1) - 1);
}

/** As the bus does: what is queued is dropped, what runs ends. */
async function drained(source: Source): Promise<void> {
  revoking.add(source);
  while ((running.get(source) ?? 0) > 0) await sleep(2);
}

async function libraryOf(folder: string): Promise<{ natsTransport: typeof natsTransport }> {
  return (await import(pathToFileURL(join(folder, 'transports/nats/index.js')).href)) as never;
}

const bus = new Harness({
  ...(orders.library === undefined ? {} : await libraryOf(orders.library)),
  transport: orders.transport,
  creditMessages: 512,
  onRevoking: drained,
  onDelivery: (delivery, harness) => {
    const [key = ''] = Buffer.from(delivery.message.body ?? '')
      .toString()
      .split(' ');
    lanes.submit(key, () => handle(delivery, harness));
  },
});

function report(details = bus.transport.details()): ChildReport {
  const since = (begin: number | undefined): number | undefined =>
    times.first === undefined || begin === undefined ? undefined : times.first - begin;
  return {
    details,
    log: bus.lines.map(({ at, message, fields }) => ({ at, message, fields: readable(fields) })),
    fromConnectMs: since(times.connected),
    fromConsumeMs: since(times.consuming),
    heapBytes: process.memoryUsage().heapUsed,
  };
}

function readable(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof Error ? value.message : value]));
}

process.on('message', (message) => {
  if (message === 'report') process.send?.(report());
  if (message === 'close') void close();
});

/** What its consumers counted is gone when they are. */
async function close(): Promise<void> {
  const details = bus.transport.details();
  await bus.close();
  process.send?.(report(details));
  process.disconnect();
}

process.on('disconnect', () => process.exit(0));

const subscriptions = [subscription(orders.group, orders.patterns, { ordering: 'key' })];
await bus.transport.connect();
times.connected = performance.now();
await bus.transport.prepare(subscriptions);
times.consuming = performance.now();
await bus.transport.consume(subscriptions);
process.send?.('up');
