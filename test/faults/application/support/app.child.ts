import 'reflect-metadata';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { diagnostics } from 'nestjs-eventbus';
import { createTestBus } from 'nestjs-eventbus/testing';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import { numbered, type Numbered } from '../../../../lib/testing/contract/tools.js';
import { RecordFile } from './record-file.js';

/** What a child is told, as JSON in its first argument. */
export interface ChildOrders {
  readonly broker: 'nats' | 'kafka';
  readonly servers: readonly string[];
  readonly topic: string;
  readonly group: string;
  /** Its name in the records, and their file. */
  readonly instance: string;
  readonly file: string;
  readonly leaseMs: number;
  /** The event whose handler misbehaves, the first time it is handled by any instance. */
  readonly at: Numbered;
  readonly fault: 'none' | 'loop' | 'unhandled rejection';
  readonly loopMs: number;
  /** The event whose handler takes until the test lets it go, in every instance. */
  readonly held?: Numbered;
  /** Whether the application listens for unhandled rejections, as some do to log them. */
  readonly listens: boolean;
}

const HANDLER_MS = 3;
const orders: ChildOrders = JSON.parse(process.argv[2] ?? '{}');
const { broker, servers, topic, group, at, fault, leaseMs, held } = orders;
const records = new RecordFile(orders.file, orders.instance);
const listenersBefore = process.listenerCount('unhandledRejection');
if (orders.listens) process.on('unhandledRejection', () => process.send?.('unhandled rejection'));

async function handle({ key, n }: Numbered): Promise<void> {
  await sleep(HANDLER_MS);
  if (key === held?.key && n === held.n) await released();
  if (fault === 'none' || key !== at.key || n !== at.n || !isFirst()) return;
  if (fault === 'loop') return loop(orders.loopMs); // and ends before anything else can happen
  if (fault === 'unhandled rejection') void Promise.reject(new Error('nobody waits for this promise'));
  await sleep(HANDLER_MS);
}

async function released(): Promise<void> {
  while (!records.isReleased) await sleep(HANDLER_MS);
}

/** Of all instances that share the file. */
function isFirst(): boolean {
  try {
    closeSync(openSync(`${orders.file}.struck`, 'wx'));
    return true;
  } catch {
    return false;
  }
}

function loop(forMs: number): void {
  process.send?.('looping');
  const until = performance.now() + forMs;
  while (performance.now() < until); // this is the fault
}

diagnostics.eventLoopBlocked.subscribe(() => process.send?.('blocked'));
diagnostics.leftBehind.subscribe(() => process.send?.('left'));

const transport =
  broker === 'nats'
    ? natsTransport({
        connection: { servers: [...servers] },
        ackWaitMs: leaseMs,
        memberTtlMs: leaseMs,
        pullExpiryMs: Math.floor(leaseMs / 2),
      })
    : kafkaTransport({ connection: { brokers: [...servers] }, sessionTimeoutMs: leaseMs });
const app = await createTestBus({
  transport,
  blockedAfterMs: leaseMs,
  group,
  logger: process.env['EVENTBUS_CHILD_LOG'] === undefined ? false : ['log', 'warn', 'error', 'debug'],
  testHandlers: [
    {
      on: topic,
      handle: (data, { signal }) => {
        const event = numbered(data);
        signal.addEventListener('abort', () => process.send?.('told'));
        return records.run({ topic, key: event.key, sequence: event.n }, group, () => handle(event));
      },
    },
  ],
});
process.on('message', () => void app.close().then(() => process.disconnect()));
process.send?.(`up, ${process.listenerCount('unhandledRejection') - listenersBefore - Number(orders.listens)}`);
