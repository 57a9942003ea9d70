import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { EventContext } from 'nestjs-eventbus';
import { HistoryWriter } from '../history.js';
import { eventOf, monotonicMs } from '../records.js';
import { planOf } from './handler-plan.js';
import { importLibrary, transportOf } from './library.js';
import type { Answer, Command, InstanceOrders } from './orders.js';
import { sample } from './sampling.js';

/** One instance of an application that handles events, until it is told to close, gets SIGTERM, or dies. */
const orders: InstanceOrders = JSON.parse(process.argv[2] ?? '{}');
const { name, topic, group, load, seed, shutdownTimeoutMs, rebalanceDrainMs } = orders;
const history = new HistoryWriter(orders.history);
const { EventBusModule, EventBusService, EventHandler, UnrecoverableError } = await importLibrary(orders);
const transport = await transportOf(orders);
const kept: unknown[] = [];
let runs = 0;

/** As a database would be: gone with its own onModuleDestroy. */
class Database implements OnModuleDestroy {
  #isClosed = false;

  onModuleDestroy(): void {
    this.#isClosed = true;
  }

  /** @param isExcused the handler has been told to stop */
  write(isExcused: boolean): void {
    if (!this.#isClosed || isExcused) return;
    history.write({ kind: 'misuse', instance: name, what: 'the database is closed', atMs: monotonicMs() });
  }
}
const database = new Database();

class Handler {
  async handle(data: unknown, context: EventContext): Promise<void> {
    const event = eventOf(context.id);
    const run = `${name}#${(runs += 1)}`;
    const { attempt, signal } = context;
    const position = positionOf(context);
    history.write({ kind: 'start', instance: name, run, ...event, attempt, position, atMs: monotonicMs() });
    signal.addEventListener('abort', () => {
      history.write({ kind: 'signal', instance: name, run, reason: String(signal.reason), atMs: monotonicMs() });
    });
    if (orders.leaks === true) kept.push(data, Buffer.alloc(4_096).toString('hex'));
    database.write(signal.aborted);

    const plan = planOf(seed, event, attempt, load);
    await sleep(plan.ms);
    database.write(signal.aborted);
    history.write({ kind: 'end', instance: name, run, outcome: plan.ends, atMs: monotonicMs() });
    if (plan.ends === 'failed') throw new Error('fails once');
    if (plan.ends === 'refused') throw new UnrecoverableError('refused');
  }
}

function positionOf({ position }: EventContext): string {
  return 'offset' in position ? `${position.partition}:${position.offset}` : String(position.sequence);
}

/** Decorated by hand: the library comes from a path that is known only now. */
function decorate(): void {
  const descriptor = Object.getOwnPropertyDescriptor(Handler.prototype, 'handle');
  if (descriptor === undefined) throw new Error('no handler');
  EventHandler(topic)(Handler.prototype, 'handle', descriptor);
}

decorate();
class App {}
Module({
  imports: [
    EventBusModule.forRoot({
      transport,
      group,
      consume: true,
      shutdownTimeoutMs,
      rebalanceDrainMs,
      retry: { initialDelayMs: 50 },
    }),
  ],
  providers: [Handler, { provide: Database, useValue: database }],
})(App);
const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn', 'log'] });
app.enableShutdownHooks();
const bus = app.get(EventBusService);

process.on('message', (command: Command) => {
  if (command.do === 'block') block(command.ms);
  if (command.do === 'sample') {
    history.write(sample(name, command.collects));
    answer({ is: 'sampled' });
  }
  if (command.do === 'details')
    answer({ is: 'details', details: bus.snapshot() as unknown as Record<string, unknown> });
  if (command.do === 'close') void app.close().then(() => answer({ is: 'closed' }, () => process.exit(0)));
});
process.on('disconnect', () => process.exit(1));
process.on('unhandledRejection', (error) => console.error('unhandled rejection', error));
history.write({ kind: 'life', instance: name, is: 'up', atMs: monotonicMs() });
answer({ is: 'up' });

/** The event loop stands still; what runs may overlap with what a successor starts meanwhile. */
function block(ms: number): void {
  history.write({ kind: 'life', instance: name, is: 'blocked', atMs: monotonicMs() });
  for (const end = performance.now() + ms; performance.now() < end;);
  history.write({ kind: 'life', instance: name, is: 'thawed', atMs: monotonicMs() });
}

function answer(message: Answer, then: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, then);
}
