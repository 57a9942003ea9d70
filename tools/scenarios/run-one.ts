import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type EventContext, EventBusModule, EventBusService, EventHandler, jsonEnvelopeCodec } from 'nestjs-eventbus';
import { brokerFaults, sourceCount, transportOf } from './broker.js';
import { namesOf } from './names.js';
import { Oracle } from './oracle.js';
import { Peaks, settledResources } from './resources.js';
import type { RunResult } from './result.js';
import {
  type Kind,
  LOADS,
  type Load,
  type Mode,
  type PlannedEvent,
  planSenders,
  rawBody,
  readRawBody,
  type TransportName,
} from './workload.js';

/**
 * One combination, in a process of its own (needs --expose-gc); the result goes to the parent as a message.
 *
 *     node --expose-gc --import tsx run-one.ts TRANSPORT KIND LOAD MODE RUN SERVERS
 */
const [transport, kind, load, mode, run, servers = ''] = process.argv.slice(2) as [
  TransportName,
  Kind,
  Load,
  Mode,
  string,
  string?,
];
const STALLED_AFTER_MS = 60_000;

const names = namesOf(run);
const senders = planSenders(kind, LOADS[load]);
const sent = senders.reduce((total, events) => total + events.length, 0);
const perSender = senders[0]?.length ?? 0;
const oracle = new Oracle(sent);
let confirmed = 0;

class Receiver {
  handle(data: unknown, context: EventContext): void {
    if (kind === 'raw') {
      const { topic, sequence } = readRawBody(data as Uint8Array);
      oracle.arrived(topic * perSender + sequence - 1, undefined, sequence);
      return;
    }
    const { aggregate, version } = data as { aggregate: string; version: number };
    if (context.key !== aggregate) throw new Error(`the key of ${aggregate} arrived as ${context.key}`);
    oracle.arrived(Number(aggregate.slice('aggregate-'.length)) * perSender + version - 1, aggregate, version);
  }
}
const descriptor = Object.getOwnPropertyDescriptor(Receiver.prototype, 'handle');
if (descriptor === undefined) throw new Error('no handler');
EventHandler([...names.topics], { pool: kind === 'raw' ? 'global' : 'keyed' })(
  Receiver.prototype,
  'handle',
  descriptor,
);

const before = await settledResources();
const peaks = new Peaks();
await runBus();
peaks.stop();
const after = await settledResources();

const seconds = (oracle.lastReceivedAt - oracle.firstSentAt) / 1_000;
const result: RunResult = {
  sent,
  confirmed,
  received: oracle.received,
  lost: sent - oracle.received,
  duplicates: oracle.duplicates,
  orderViolations: oracle.orderViolations,
  throughputPerSecond: Math.round(oracle.received / seconds),
  latencyMs: oracle.latencyMs,
  peakMemoryBytes: peaks.memoryBytes,
  memoryDeltaBytes: after.heapBytes - before.heapBytes,
  handlesLeft: after.handles - before.handles,
  peakHandles: peaks.handles,
  durationMs: Math.round(seconds * 1_000),
  brokerFaults: await brokerFaults(transport, names, servers, sent),
};
process.send?.({ result }, () => process.disconnect());

async function runBus(): Promise<void> {
  class App {}
  Module({
    imports: [
      EventBusModule.forRoot({
        transport: transportOf(transport, kind, names, servers),
        group: names.group,
        consume: true,
        ...(kind === 'envelope' ? { codec: jsonEnvelopeCodec() } : {}),
      }),
    ],
    providers: [Receiver],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
  const bus = app.get(EventBusService);
  await until(() => bus.snapshot().consumers.length >= sourceCount(transport), 'every source is assigned');
  await Promise.all(senders.map((events) => send(bus, events)));
  await bus.flush();
  await untilReceived();
  confirmed = bus.snapshot().totals.published;
  await app.close();
}

async function send(bus: EventBusService, events: readonly PlannedEvent[]): Promise<void> {
  for (const event of events) {
    const topic = names.topics[event.topic] ?? '';
    const nanos = process.hrtime.bigint();
    const data = kind === 'raw' ? rawBody(event, nanos) : { aggregate: event.key, version: event.sequence };
    oracle.sending(event.index);
    const options = event.key === undefined ? {} : envelopeOptions(event.key, event.sequence, nanos);
    if (mode === 'publish') await bus.publish(topic, data, options);
    else if (!bus.enqueue(topic, data, options).accepted) throw new Error('enqueue refused an event');
  }
}

function envelopeOptions(key: string, version: number, nanos: bigint): object {
  return { key, id: `${key}:TestEvent:${version}:${nanos}`, type: 'TestEvent', version, tenantId: 'scenario' };
}

async function untilReceived(): Promise<void> {
  for (let last = -1, since = performance.now(); oracle.received < sent;) {
    if (oracle.received !== last) [last, since] = [oracle.received, performance.now()];
    if (performance.now() - since > STALLED_AFTER_MS) return;
    process.send?.({ progress: oracle.received });
    await delay(20);
  }
  process.send?.({ progress: oracle.received });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + STALLED_AFTER_MS; !condition(); await delay(5)) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}
