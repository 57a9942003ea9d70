import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBusModule, EventHandler } from 'nestjs-eventbus';
import type { Configuration, Repetition } from '../measure/configuration.js';
import { SOURCE } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { Loopback } from './loopback.transport.js';

const HANDLERS = 100;
const PER_CLASS = 10;
const STARTS = 10;

/** What `forRoot` with a hundred handlers adds to the bootstrap of the same providers, where connecting takes no time. */
async function bootstrap(): Promise<Repetition> {
  const meter = new Meter(undefined);
  const withBus: number[] = [];
  const without: number[] = [];
  meter.start();
  for (let start = 0; start < STARTS; start++) {
    without.push(await startedMs([]));
    const transport = new Loopback('bench.t0', 'bench');
    withBus.push(await startedMs([EventBusModule.forRoot({ source: SOURCE, transport, group: 'bench' })]));
  }
  meter.stop();
  const [bare, full] = [median(without), median(withBus)];
  return meter.repetition(STARTS, [], { extra: { bareMs: bare, withBusMs: full, addedMs: full - bare } });
}

async function startedMs(imports: NonNullable<Parameters<typeof Module>[0]['imports']>): Promise<number> {
  class App {}
  const providers = Array.from({ length: HANDLERS / PER_CLASS }, (_, index) => providerOf(index));
  Module({ imports, providers })(App);
  const since = performance.now();
  const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
  const ms = performance.now() - since;
  await app.close();
  return ms;
}

/** A class with handlers, each of its own topic. */
function providerOf(index: number): Type {
  class Handlers {}
  for (let n = 0; n < PER_CLASS; n++) {
    const [name, handle] = [`on${n}`, { value: () => undefined, configurable: true }];
    Object.defineProperty(Handlers.prototype, name, handle);
    EventHandler(`bench.t${index * PER_CLASS + n}`)(Handlers.prototype, name, handle);
  }
  return Handlers;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export const START: readonly Configuration[] = [
  { id: 'pools/start/100-handlers', title: 'bootstrap with 100 handlers', by: 'ours', run: bootstrap },
];
