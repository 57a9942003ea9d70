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
  const withBus: Started[] = [];
  const without: Started[] = [];
  meter.start();
  for (let start = 0; start < STARTS; start++) {
    without.push(await started([]));
    const transport = new Loopback('bench.t0', 'bench');
    withBus.push(await started([EventBusModule.forRoot({ source: SOURCE, transport, group: 'bench' })]));
  }
  meter.stop();
  const added = (figure: keyof Started): number => median(withBus, figure) - median(without, figure);
  return meter.repetition(STARTS, [], { extra: { addedMs: added('ms'), addedCpuMs: added('cpuMs') } });
}

/** How long a bootstrap took, and how much CPU. */
interface Started {
  readonly ms: number;
  readonly cpuMs: number;
}

async function started(imports: NonNullable<Parameters<typeof Module>[0]['imports']>): Promise<Started> {
  class App {}
  const providers = Array.from({ length: HANDLERS / PER_CLASS }, (_, index) => providerOf(index));
  Module({ imports, providers })(App);
  const [since, cpu] = [performance.now(), process.cpuUsage()];
  const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
  const { user, system } = process.cpuUsage(cpu);
  const took = { ms: performance.now() - since, cpuMs: (user + system) / 1_000 };
  await app.close();
  return took;
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

function median(starts: readonly Started[], figure: keyof Started): number {
  return starts.map((one) => one[figure]).toSorted((a, b) => a - b)[starts.length >> 1] ?? 0;
}

export const START: readonly Configuration[] = [
  { id: 'pools/start/100-handlers', title: 'bootstrap with 100 handlers', by: 'ours', run: bootstrap },
];
