import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HistoryWriter } from '../history.js';
import { idOf, monotonicMs, type PublishRecord } from '../records.js';
import { seeded, seedOf } from '../random.js';
import { importLibrary, transportOf } from './library.js';
import type { Answer, Command, PublisherOrders } from './orders.js';

/** Publishes at a steady rate, and writes down how each publish ends, until it is told to close. */
const orders: PublisherOrders = JSON.parse(process.argv[2] ?? '{}');
const TICK_MS = 10;
const MOST_OUTSTANDING = 20_000;

const history = new HistoryWriter(orders.history);
const { EventBusModule, EventBusService } = await importLibrary(orders);
class App {}
Module({
  imports: [EventBusModule.forRoot({ transport: await transportOf(orders), group: 'publisher', consume: false })],
})(App);
const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const bus = app.get(EventBusService);

const random = seeded(seedOf(orders.seed, 'publisher'));
const sequences = new Map<string, number>();
let results: PublishRecord[] = [];
const state = { outstanding: 0, isStopped: false };

process.on('message', ({ do: what }: Command) => {
  if (what === 'close') state.isStopped = true;
});
process.on('disconnect', () => process.exit(1));
process.on('unhandledRejection', (error) => console.error('unhandled rejection', error));
answer({ is: 'up' });
await publishing();
await app.close();
answer({ is: 'closed' }, () => process.exit(0));

/** Time that was lost, because too many wait or the process was not run, is not made up for. */
async function publishing(): Promise<void> {
  let due = 0;
  for (let last = performance.now(); !state.isStopped; await sleep(TICK_MS)) {
    const now = performance.now();
    due = Math.min(due + ((now - last) / 1_000) * orders.perSecond, orders.perSecond / 5);
    last = now;
    for (; due >= 1 && state.outstanding < MOST_OUTSTANDING; due -= 1) one();
    write();
  }
  for (; state.outstanding > 0; await sleep(TICK_MS)) write();
  write();
}

function one(): void {
  const key = `k${Math.floor(random() * orders.keys)}`;
  const sequence = (sequences.get(key) ?? 0) + 1;
  sequences.set(key, sequence);
  state.outstanding += 1;
  const event = { key, sequence };
  bus.publish(orders.topic, { sequence, note: 'an event of a run' }, { key, id: idOf(event) }).then(
    () => ended({ kind: 'publish', ...event, outcome: 'confirmed', atMs: monotonicMs() }),
    (error: Error & { code?: string }) => {
      const outcome = error.code === 'EVENT_BUS_PUBLISH_UNKNOWN' ? 'unknown' : 'rejected';
      ended({ kind: 'publish', ...event, outcome, error: error.message, atMs: monotonicMs() });
    },
  );
}

function ended(result: PublishRecord): void {
  state.outstanding -= 1;
  results.push(result);
}

function write(): void {
  history.write(...results);
  results = [];
}

function answer(message: Answer, then: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, then);
}
