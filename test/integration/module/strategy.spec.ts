import { Controller, Injectable, Module, type OnApplicationBootstrap, type PipeTransform } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  type ConnectionState,
  EventBusModule,
  EventBusService,
  EventBusStrategy,
  EventContext,
  EventHandler,
  getEventBusStrategyToken,
  getEventBusTransport,
  memoryBroker,
  memoryTransport,
} from 'nestjs-eventbus';
import { eventually } from '../../support/eventually.js';
import { closeAfterTest, LogLines, newApplication, QUICK } from './support/applications.js';
import { recordFailures } from './support/failures.js';

@Injectable()
class Seen {
  readonly calls: unknown[] = [];
}

@Controller()
class Orders {
  fails = false;

  constructor(readonly seen: Seen) {}

  @EventHandler('own')
  own(@Payload() data: string, @Ctx() event: EventContext): void {
    this.seen.calls.push(`own ${data} ${event.topic}`);
  }

  @EventPattern(['nest.*'])
  nest(@Payload() data: string, @Ctx() event: EventContext): void {
    this.seen.calls.push(`nest ${data} ${event.topic}`);
    if (this.fails) throw new RangeError('original');
  }

  @EventPattern('ours', getEventBusTransport())
  ours(data: string): void {
    this.seen.calls.push(`ours ${data}`);
  }

  @EventPattern('audit-only', getEventBusTransport('audit'))
  audit(data: string): void {
    this.seen.calls.push(`audit ${data}`);
  }

  @EventPattern({ cmd: 'of another transport' })
  other(_data: unknown): void {
    this.seen.calls.push('other');
  }

  @MessagePattern('request')
  request(): void {
    this.seen.calls.push('request');
  }
}

@Injectable()
class InProvider implements OnApplicationBootstrap {
  constructor(readonly seen: Seen) {}

  @EventHandler('own')
  own(data: string): void {
    this.seen.calls.push(`provider ${data}`);
  }

  async onApplicationBootstrap(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.seen.calls.push('bootstrapped');
  }
}

const failures = recordFailures();

async function hybrid(logs = new LogLines()) {
  const app = await newApplication({ providers: [Seen, InProvider], controllers: [Orders], logs });
  const strategy = app.get(EventBusStrategy);
  return { app, strategy, bus: app.get(EventBusService), calls: app.get(Seen).calls };
}

async function publishAll(bus: EventBusService): Promise<void> {
  for (const topic of ['own', 'nest.a', 'ours', 'audit-only', 'request']) await bus.publish(topic, 'x');
}

const EACH_ONCE = ['bootstrapped', 'nest x nest.a', 'ours x', 'own x own', 'provider x'];

function sorted(calls: readonly unknown[]): string[] {
  return calls.map(String).toSorted((a, b) => a.localeCompare(b));
}

async function expectEachOnce(bus: EventBusService, calls: unknown[]): Promise<void> {
  await publishAll(bus);
  await eventually(() => expect(sorted(calls)).toEqual(EACH_ONCE));
  expect(bus.snapshot().totals.handled).toBe(EACH_ONCE.length - 1);
}

describe('a hybrid application', () => {
  it('handles each event once, by @EventHandler and @EventPattern, in controllers and providers', async () => {
    const { app, strategy, bus, calls } = await hybrid();
    app.connectMicroservice({ strategy });
    await app.init();
    await app.startAllMicroservices();
    await expectEachOnce(bus, calls);
  });

  it('handles events once it has started its microservices, and not before', async () => {
    const logs = new LogLines();
    const { app, strategy, bus, calls } = await hybrid(logs);
    app.connectMicroservice({ strategy });
    await app.init();
    await bus.publish('own', 'x');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toEqual(['bootstrapped']);
    expect(logs.matching(/once the connected strategy listens/)).toHaveLength(1);
    await app.startAllMicroservices();
    await eventually(() => expect(calls).toHaveLength(3));
  });

  it('may start its microservices before it is initialised: events are handled after the bootstrap hooks', async () => {
    const { app, strategy, bus, calls } = await hybrid();
    app.connectMicroservice({ strategy });
    await app.startAllMicroservices();
    await app.listen(0);
    expect(calls[0]).toBe('bootstrapped');
    await expectEachOnce(bus, calls);
  });

  it('handles each event once when initialisation is deferred, which runs every hook twice', async () => {
    const { app, strategy, bus, calls } = await hybrid();
    app.connectMicroservice({ strategy }, { deferInitialization: true });
    await app.startAllMicroservices();
    await app.init();
    await publishAll(bus);
    await eventually(() => expect(calls).toContain('provider x'));
    await eventually(() => expect(bus.snapshot().totals.handled).toBe(4));
    expect(calls.filter((call) => call !== 'bootstrapped')).toHaveLength(4);
  });

  it('cannot be connected once it is initialised, for its events are handled already: starting it says so', async () => {
    const { app, strategy, bus, calls } = await hybrid();
    await app.init();
    app.connectMicroservice({ strategy });
    await expect(app.startAllMicroservices()).rejects.toThrow(
      /EVENT_BUS_UNSUPPORTED.*call connectMicroservice before app.init\(\)/,
    );
    await bus.publish('own', 'x');
    await eventually(() => expect(calls).toContain('own x own'));
  });

  it('does not need it: without connecting, @EventHandler methods of controllers run all the same', async () => {
    const { app, bus, calls } = await hybrid();
    await app.init();
    await publishAll(bus);
    await eventually(() => expect(sorted(calls)).toEqual(['bootstrapped', 'own x own', 'provider x']));
  });

  it('keeps the original error of an @EventPattern method, and tries it again', async () => {
    const { app, strategy, bus } = await hybrid();
    app.connectMicroservice({ strategy });
    await app.init();
    await app.startAllMicroservices();
    app.get(Orders).fails = true;
    await bus.publish('nest.b', 'x');
    await eventually(() => expect(failures[0]?.error).toEqual(new RangeError('original')));
    app.get(Orders).fails = false;
  });

  it('closes once, whoever asks first', async () => {
    const { app, strategy, bus } = await hybrid();
    app.connectMicroservice({ strategy });
    await app.init();
    await app.startAllMicroservices();
    await strategy.close();
    expect(bus.snapshot().state).toBe('publishing-only');
    await bus.publish('own', 'still open');
    await app.close();
    await strategy.close();
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });

  it('tells the status, its changes, and the client beneath', async () => {
    const broker = memoryBroker();
    const bus = { ...QUICK, transport: memoryTransport({ broker }) };
    const app = await newApplication({ bus });
    const strategy = app.get(EventBusStrategy);
    const microservice = app.connectMicroservice({ strategy });
    const states: ConnectionState[] = [];
    const changes: string[] = [];
    strategy.status.subscribe((state) => states.push(state));
    microservice.on('disconnected', (status: { readonly state: string }) => changes.push(status.state));
    await app.init();
    await app.startAllMicroservices();
    broker.stop();
    broker.start();
    expect(states).toEqual(['disconnected', 'connecting', 'connected', 'disconnected', 'connected']);
    expect(changes).toEqual(['disconnected']);
    expect(microservice.unwrap()).toBe(broker);
    await app.close();
    expect(states.at(-1)).toBe('closed');
  });

  it('connects a named bus by its token', async () => {
    const app = await newApplication({
      imports: [EventBusModule.forRoot({ ...QUICK, name: 'audit' })],
      providers: [Seen],
      controllers: [Orders],
    });
    app.connectMicroservice({ strategy: app.get<EventBusStrategy>(getEventBusStrategyToken('audit')) });
    await app.init();
    await app.startAllMicroservices();
    await app.get<EventBusService>('EVENT_BUS:audit').publish('audit-only', 'x');
    await eventually(() => expect(app.get(Seen).calls).toEqual(['audit x']));
  });
});

@Injectable()
class Doubling implements PipeTransform {
  transform(value: unknown): unknown {
    return `${String(value)}${String(value)}`;
  }
}

describe('a microservice', () => {
  const providers = [Seen, InProvider];
  @Module({})
  class Root {}
  const module = { module: Root, imports: [EventBusModule.forRoot(QUICK)], providers, controllers: [Orders] };

  it('handles each event once', async () => {
    const app = await NestFactory.createMicroservice(module, {
      useFactory: (strategy: EventBusStrategy) => ({ strategy }),
      inject: [EventBusStrategy],
      logger: false,
    });
    closeAfterTest(app);
    await app.listen();
    await expectEachOnce(app.get(EventBusService), app.get(Seen).calls);
  });

  it('applies its own global pipes: it has no HTTP they could be meant for', async () => {
    const app = await NestFactory.createMicroservice(module, {
      useFactory: (strategy: EventBusStrategy) => ({ strategy }),
      inject: [EventBusStrategy],
      logger: false,
    });
    closeAfterTest(app);
    app.useGlobalPipes(new Doubling());
    await app.listen();
    await app.get(EventBusService).publish('ours', 'x');
    await eventually(() => expect(app.get(Seen).calls).toContain('ours xx'));
  });

  it('drains when it is closed, though Nest closes the strategy before any hook', async () => {
    const testing = await Test.createTestingModule({ imports: [module] })
      .setLogger(new LogLines())
      .compile();
    const app = testing.createNestMicroservice({ strategy: testing.get(EventBusStrategy, { strict: false }) });
    await app.listen();
    const bus = app.get(EventBusService);
    await app.close();
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });
});
