import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  type ConfirmedPublish,
  diagnostics,
  EventBusModule,
  EventBusService,
  EventHandler,
  memoryBroker,
  memoryTransport,
  NotOpenError,
  OnPublishResults,
  type PublishResult,
  TopologyError,
  type Transport,
} from 'nestjs-eventbus';
import { eventually } from '../../support/eventually.js';
import { altered } from './support/altered.js';
import { closeAfterTest, LogLines, newApplication, QUICK, startApplication } from './support/applications.js';
import { Gate } from './support/gate.js';

@Injectable()
class Order {
  readonly events: string[] = [];
}

/** Hooks of a module that knows nothing of the bus's place among the modules. */
@Injectable()
class Hooks implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    readonly order: Order,
    readonly bus: EventBusService,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.publish('init');
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.publish('bootstrap');
    await new Promise((resolve) => setTimeout(resolve, 30));
    this.order.events.push('bootstrapped');
  }

  async onModuleDestroy(): Promise<void> {
    this.order.events.push('destroying');
    await this.publish('destroy');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.publish('shutdown');
  }

  async publish(from: string): Promise<void> {
    const { outcome } = await this.bus.publish('hooks', from, { key: 'one' });
    this.order.events.push(`${from} ${outcome}`);
  }
}

@Injectable()
class Slow {
  readonly gate = new Gate();

  constructor(readonly order: Order) {}

  @EventHandler('hooks')
  onHook(from: string): void {
    this.order.events.push(`handled ${from}`);
  }

  @EventHandler('slow')
  async onSlow(): Promise<void> {
    await this.gate.passed;
    this.order.events.push('handled slow');
  }
}

@Module({ providers: [Order, Hooks, Slow], exports: [Order] })
class ApplicationModule {}

@Controller()
class SlowController {
  readonly gate = new Gate();
  confirmed: ConfirmedPublish | undefined;

  constructor(readonly bus: EventBusService) {}

  @Post('orders')
  async place(): Promise<string> {
    await this.gate.passed;
    this.confirmed = await this.bus.publish('placed', {});
    return this.confirmed.outcome;
  }
}

function post(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ port, path: '/orders', method: 'POST', agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(body));
    });
    call.on('error', reject);
    call.end();
  });
}

describe('starting and stopping', () => {
  it('publishes from the first hook to the last, handles after the last bootstrap hook and drains before the first destroy hook', async () => {
    const { app, bus } = await startApplication({ imports: [ApplicationModule] });
    const order = app.get(Order, { strict: false });
    const slow = app.get(Slow, { strict: false });
    await eventually(() => expect(order.events).toContain('handled bootstrap'));
    await bus.publish('slow', {});
    await eventually(() => expect(slow.gate.waiting).toBe(1));

    const closed = app.close();
    await eventually(() => expect(bus.snapshot().state).toBe('draining'));
    expect(order.events).not.toContain('destroying');
    slow.gate.open();
    await closed;

    expect(order.events).toEqual([
      'init confirmed',
      'bootstrap confirmed',
      'bootstrapped',
      'handled init',
      'handled bootstrap',
      'handled slow',
      'destroying',
      'destroy confirmed',
      'shutdown confirmed',
    ]);
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });

  it('lets an HTTP request in progress at shutdown publish', async () => {
    const { app, bus } = await startApplication({ controllers: [SlowController] });
    await app.listen(0);
    const controller = app.get(SlowController);
    const { port }: AddressInfo = app.getHttpServer().address();
    const answer = post(port);
    await eventually(() => expect(controller.gate.waiting).toBe(1));

    const closed = app.close();
    await eventually(() => expect(bus.snapshot().state).toBe('publishing-only'));
    controller.gate.open();
    expect(await answer).toBe('confirmed');
    await closed;
    expect(bus.snapshot().state).toBe('closed');
  });

  it('takes no publish any more once it is closed', async () => {
    const { app, bus } = await startApplication({});
    await app.close();
    await expect(bus.publish('t', {})).rejects.toThrow(NotOpenError);
    expect(bus.enqueue('t', {})).toMatchObject({ accepted: false, reason: 'closing' });
  });

  it('closes once, however often it is asked to', async () => {
    const logs = new LogLines();
    const { app } = await startApplication({ logs });
    await Promise.all([app.close(), app.close()]);
    await app.close();
    expect(logs.matching(/^log: Closed connection "memory broker"/)).toHaveLength(1);
  });

  it('says of each handle that it is closed, and names what is left at the deadline', async () => {
    const logs = new LogLines();
    const { app, bus } = await startApplication({
      bus: { ...QUICK, shutdownTimeoutMs: 200 },
      providers: [Order, Slow],
      logs,
    });
    await bus.publish('slow', {}, { key: 'k' });
    const { gate } = app.get(Slow);
    await eventually(() => expect(gate.waiting).toBe(1));
    await app.close();
    expect(logs.matching(/deadline has passed.*Slow.onSlow running on slow key "k"/)).toHaveLength(1);
    expect(logs.matching(/^log: Closed timer "watch"/)).toHaveLength(1);
    expect(logs.matching(/^log: Closed connection/)).toHaveLength(1);
    const left = { handler: 'Slow.onSlow', topic: 'slow', key: 'k', state: 'running' };
    expect(bus.snapshot()).toMatchObject({
      state: 'closed',
      leftBehind: { why: 'shutdown', count: 1, lost: 0, events: [left] },
      totals: { overlapsAfterDeadline: 1 },
    });
    gate.open();
  });

  it('leaves nothing open when a module has failed to start', async () => {
    @Injectable()
    class Failing implements OnModuleInit {
      onModuleInit(): void {
        throw new Error('not today');
      }
    }
    const app = await newApplication({ providers: [Failing] });
    const bus = app.get(EventBusService);
    await expect(app.init()).rejects.toThrow('not today');
    await app.close();
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });
});

describe('a broker that is away at the start', () => {
  it('does not keep the application from starting; publishes wait, and events are handled when it comes', async () => {
    const broker = memoryBroker();
    broker.stop();
    const logs = new LogLines();
    const { app, bus } = await startApplication({
      bus: { ...QUICK, transport: memoryTransport({ broker }), connectTimeoutMs: 50 },
      providers: [Order, Slow],
      logs,
    });
    expect(bus.snapshot()).toMatchObject({ state: 'starting', consuming: false });
    expect(logs.matching(/memory cannot be reached yet/)).toHaveLength(1);
    const published = bus.publish('hooks', 'early');
    broker.start();
    expect(await published).toMatchObject({ outcome: 'confirmed' });
    await eventually(() => expect(app.get(Order).events).toEqual(['handled early']));
    expect(bus.snapshot()).toMatchObject({ state: 'running', consuming: true });
  });

  it('fails the start when it is required', async () => {
    const broker = memoryBroker();
    broker.stop();
    const transport = memoryTransport({ broker });
    const app = await newApplication({ bus: { transport, startup: 'require', connectTimeoutMs: 30 } });
    const bus = app.get(EventBusService);
    await expect(app.init()).rejects.toThrow(/EVENT_BUS_CONNECTION_FAILED.*not ready within 30 ms/);
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });

  it('can be closed while it is still away', async () => {
    const broker = memoryBroker();
    broker.stop();
    const transport = memoryTransport({ broker });
    const { app, bus } = await startApplication({ bus: { transport, connectTimeoutMs: 20, shutdownTimeoutMs: 300 } });
    const published = bus.publish('t', {}).catch((error: unknown) => error);
    await app.close();
    expect(await published).toMatchObject({ code: 'EVENT_BUS_PUBLISH_REJECTED' });
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });

  it('leaves nothing open when the process is held up until every deadline of the shutdown has passed', async () => {
    const broker = memoryBroker();
    broker.stop();
    const transport = memoryTransport({ broker });
    const { app, bus } = await startApplication({ bus: { transport, connectTimeoutMs: 20, shutdownTimeoutMs: 300 } });
    const published = bus.publish('t', {}).catch((error: unknown) => error);
    const closing = app.close();
    await eventually(() => expect(bus.snapshot().handles.map(({ name }) => name)).toContain('publishing closes'));
    holdUp(400);
    await closing;
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
    expect(await published).toMatchObject({ code: 'EVENT_BUS_PUBLISH_REJECTED' });
  });
});

/** Stands still, with everything that is due meanwhile. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const fail = () => Promise.reject(new TopologyError('no stream covers "hooks"'));

describe('what goes wrong at the start', () => {
  it.each<[string, keyof Transport]>([
    ['at connecting', 'connect'],
    ['at preparing', 'prepare'],
    ['at consuming', 'consume'],
  ])('and cannot be mended fails it, %s', async (_name, method) => {
    const app = await newApplication({
      bus: { transport: altered(() => ({ [method]: fail })) },
      providers: [Order, Slow],
    });
    const bus = app.get(EventBusService);
    await expect(app.init()).rejects.toThrow(/EVENT_BUS_TOPOLOGY: no stream covers "hooks"/);
    expect(bus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });

  it('and may pass is tried again', async () => {
    let failures = 2;
    const transport = altered(() => ({
      prepare: async () => {
        if (failures-- > 0) throw new NotOpenYet();
      },
    }));
    const { bus } = await startApplication({ bus: { transport } });
    expect(bus.snapshot().state).toBe('running');
    expect(failures).toBe(-1);
  });
});

describe('what was declared', () => {
  it('is there before anything is sent', async () => {
    const order: string[] = [];
    const transport = altered((given) => ({
      prepare: async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        order.push('prepared');
      },
      publish: (message, slot) => {
        order.push('sent');
        Object.getPrototypeOf(given).publish.call(given, message, slot);
      },
    }));
    @Injectable()
    class Early implements OnModuleInit {
      constructor(readonly bus: EventBusService) {}

      async onModuleInit(): Promise<void> {
        await this.bus.publish('t', {});
      }
    }
    await startApplication({ bus: { transport }, providers: [Early] });
    expect(order).toEqual(['prepared', 'sent']);
  });

  it('is worth a warning when it is a group without handlers', async () => {
    const logs = new LogLines();
    await startApplication({ bus: { groups: { biling: {} } }, providers: [Order, Slow], logs });
    expect(logs.matching(/^warn: No handler is in these groups of the options: biling/)).toHaveLength(1);
  });
});

describe('diagnostics', () => {
  it('say when a pool has been saturated for a while, once', async () => {
    const reports: unknown[] = [];
    const report = (message: unknown) => void reports.push(message);
    diagnostics.saturated.subscribe(report);
    const pools = { keyed: { workers: 1 }, saturatedAfterMs: 20 };
    const { app, bus } = await startApplication({ bus: { pools }, providers: [Order, Slow] });
    for (const key of ['a', 'b']) await bus.publish('slow', {}, { key });
    await eventually(() => expect(reports).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(reports).toEqual([{ bus: 'default', pool: 'keyed', waiting: 1, sinceMs: expect.any(Number) }]);
    diagnostics.saturated.unsubscribe(report);
    app.get(Slow).gate.open();
  });

  it('say how the connection is', async () => {
    const states: unknown[] = [];
    const report = (message: unknown) => void states.push(Object(message).status);
    diagnostics.transportStatus.subscribe(report);
    const { app } = await startApplication({});
    await app.close();
    diagnostics.transportStatus.unsubscribe(report);
    expect(states).toEqual(['connecting', 'connected', 'closed']);
  });
});

class NotOpenYet extends NotOpenError {
  override readonly retryable = true;

  constructor() {
    super('prepare', 'not there yet');
  }
}

describe('pausing', () => {
  it('keeps events of a group at the broker until it is resumed', async () => {
    const { app, bus } = await startApplication({ providers: [Order, Slow] });
    bus.pause('default');
    await bus.publish('hooks', 'while paused');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(app.get(Order).events).toEqual([]);
    bus.resume('default');
    await eventually(() => expect(app.get(Order).events).toEqual(['handled while paused']));
  });
});

describe('a process that only publishes', () => {
  it('is one by option', async () => {
    const logs = new LogLines();
    const { app, bus } = await startApplication({ bus: { consume: false }, providers: [Order, Slow], logs });
    await bus.publish('hooks', 'unheard');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(app.get(Order).events).toEqual([]);
    expect(bus.snapshot()).toMatchObject({ state: 'running', consuming: false, consumesByOption: false });
    expect(logs.matching(/only publishes/)).toHaveLength(1);
  });

  it('is one under createApplicationContext, unless told otherwise', async () => {
    const broker = memoryBroker();
    const moduleWith = (consume: { consume?: boolean }) => ({
      module: ApplicationModule,
      imports: [EventBusModule.forRoot({ ...consume, transport: memoryTransport({ broker }) })],
    });
    const only = closeAfterTest(await NestFactory.createApplicationContext(moduleWith({}), { logger: false }));
    expect(only.get(EventBusService).snapshot()).toMatchObject({ consuming: false, consumesByOption: false });
    const both = await NestFactory.createApplicationContext(moduleWith({ consume: true }), { logger: false });
    closeAfterTest(both);
    await eventually(() => expect(both.get(Order).events).toContain('handled init'));
  });
});

@Injectable()
class Outbox {
  readonly batches: (readonly PublishResult[])[] = [];
  failures = 1;

  @OnPublishResults()
  mark(results: readonly PublishResult[]): void {
    if (this.failures-- > 0) throw new Error('the database is away');
    this.batches.push(results);
  }
}

describe('@OnPublishResults', () => {
  it('gets every result, again when it has thrown, and flush waits for it', async () => {
    const { app, bus } = await startApplication({ providers: [Outbox] });
    const accepted = bus.enqueue('t', {});
    await bus.flush();
    expect(app.get(Outbox).batches.flat()).toMatchObject([
      { id: accepted.accepted && accepted.id, topic: 't', outcome: 'confirmed' },
    ]);
  });
});
