import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBusModule, EventBusService, EventHandler, memoryTransport, type TransportFactory } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';

/**
 * Opens and closes a bus again and again, with events each time, and says after each close what the process holds more than before the
 * first. Needs --expose-gc and IPC.
 *
 *     cycles.child.ts memory|nats|kafka SERVERS CYCLES NAME
 */
const [transport, servers = '', cycles = '20', name = 'leaks'] = process.argv.slice(2);
const EVENTS = 20;
const PATIENCE_MS = 30_000;
const QUIET_MS = 2_000;

let handled = 0;
class Counter {
  count(): void {
    handled++;
  }
}
const descriptor = Object.getOwnPropertyDescriptor(Counter.prototype, 'count');
if (descriptor === undefined) throw new Error('no handler');
EventHandler(`${name}.>`)(Counter.prototype, 'count', descriptor);

const before = resources();
for (let cycle = 1; cycle <= Number(cycles); cycle++) {
  const open = await openAndClose();
  process.send?.({ cycle, open, more: await moreThanBefore() });
}
process.disconnect();

async function openAndClose(): Promise<readonly string[]> {
  class App {}
  Module({
    imports: [EventBusModule.forRoot({ transport: factory(), group: `${name}-group`, consume: true })],
    providers: [Counter],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
  const bus = app.get(EventBusService);
  handled = 0;
  await Promise.all(
    Array.from({ length: EVENTS }, (_, i) => bus.publish(`${name}.events`, { i }, { key: `k${i % 4}` })),
  );
  await until(() => handled === EVENTS, PATIENCE_MS);
  if (handled < EVENTS) throw new Error(`only ${handled} of ${EVENTS} events were handled`);
  await app.close();
  return bus.snapshot().handles.map((handle) => `${handle.kind} ${handle.name}`);
}

/** What is there beyond what was there at first, once it had two seconds to go. */
async function moreThanBefore(): Promise<string[]> {
  const end = performance.now() + QUIET_MS;
  for (; resources().length > before.length && performance.now() < end;) await delay(20);
  (globalThis as { gc?: () => void }).gc?.();
  const rest = [...before];
  return resources().filter((kind) => {
    const index = rest.indexOf(kind);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  for (const end = performance.now() + withinMs; !condition() && performance.now() < end;) await delay(10);
}

function resources(): string[] {
  return process.getActiveResourcesInfo();
}

function factory(): TransportFactory {
  if (transport === 'memory') return memoryTransport();
  if (transport === 'nats') {
    return natsTransport({
      connection: { servers },
      streams: [{ name: name.toUpperCase(), subjects: [`${name}.>`], storage: 'memory' }],
    });
  }
  return kafkaTransport({
    connection: { brokers: servers.split(',') },
    topics: [{ name: `${name}.events`, partitions: 3 }],
  });
}
