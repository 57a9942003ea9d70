import { Controller, Get, Injectable, Module, type Type } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, it } from 'vitest';
import {
  EventBusModule,
  EventBusService,
  EventHandler,
  memoryBroker,
  memoryTransport,
  TopologyError,
  type Transport,
} from 'nestjs-eventbus';
import { EventBusHealthIndicator, EventBusHealthModule, getEventBusHealthToken } from 'nestjs-eventbus/health';
import { eventually } from '../../support/eventually.js';
import { altered } from './support/altered.js';
import { QUICK, startApplication } from './support/applications.js';
import { Gate } from './support/gate.js';

@Controller('health')
class HealthController {
  constructor(
    readonly health: HealthCheckService,
    readonly bus: EventBusHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  all() {
    return this.health.check([() => this.bus.isHealthy('eventBus')]);
  }

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.bus.isLive('eventBus')]);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.bus.isReady('eventBus')]);
  }
}

@Injectable()
class Ledger {
  @EventHandler('orders.placed')
  onPlaced(): void {}
}

@Injectable()
class Waiting {
  constructor(readonly gate: Gate) {}

  @EventHandler('waiting')
  async onWaiting(): Promise<void> {
    await this.gate.passed;
  }
}

function healthModule(thresholds: object): Type<unknown> {
  @Module({
    imports: [TerminusModule, EventBusHealthModule.register({ thresholds })],
    controllers: [HealthController],
    providers: [Ledger],
  })
  class ApplicationModule {}
  return ApplicationModule;
}

async function setup(thresholds = {}) {
  const broker = memoryBroker();
  const { app, bus } = await startApplication({
    bus: { ...QUICK, transport: memoryTransport({ broker }) },
    imports: [healthModule(thresholds)],
  });
  await app.listen(0);
  const url = await app.getUrl();
  const get = async (path: string) => {
    const response = await fetch(`${url}/health${path}`);
    const body: { status: string; details: { eventBus: object } } = Object(await response.json());
    return { code: response.status, body };
  };
  return { app, bus, broker, get };
}

describe('EventBusHealthIndicator', () => {
  it('shows what the bus is doing', async () => {
    const { bus, get } = await setup();
    await bus.publish('orders.placed', {}, { key: 'a' });
    await eventually(() => expect(bus.snapshot().totals.handled).toBe(1));
    const { code, body } = await get('');
    expect([code, body.status]).toEqual([200, 'ok']);
    expect(body.details.eventBus).toMatchObject({
      status: 'up',
      bus: 'default',
      state: 'running',
      transport: { name: 'memory', state: 'connected' },
      pools: { global: { workers: 256, running: 0 }, keyed: { workers: 256, running: 0, waiting: 0 } },
      ack: { pending: 0 },
      totals: { published: 1, handled: 1, retried: 0, ignored: 0, deadLettersStored: 0 },
      handles: { connection: { count: 1 } },
    });
  });

  it('goes degraded, then down, when the broker goes away, and comes back', async () => {
    const { broker, get } = await setup({ disconnectedMs: 1_000 });
    broker.stop();
    expect(await get('')).toMatchObject({ code: 200, body: { status: 'degraded' } });
    expect(await get('/ready')).toMatchObject({ code: 503 });
    expect(await get('/live')).toMatchObject({ code: 200 });
    await eventually(async () => expect(await get('')).toMatchObject({ code: 503, body: { status: 'error' } }));
    broker.start();
    expect(await get('')).toMatchObject({ code: 200, body: { status: 'ok' } });
    expect(await get('/ready')).toMatchObject({ code: 200 });
  });

  it('is not ready from the begin of the shutdown on, before anything of it is waited for, and live till the end', async () => {
    const gate = new Gate();
    const seen = new Map<string, unknown>();
    const look = (when: string) => {
      const { status: ready, state } = indicator.isReady('bus').bus;
      seen.set(when, { ready, live: indicator.isLive('bus').bus.status, state });
    };
    const stopFetching = (transport: Transport) => () => {
      if (!seen.has('fetching is stopped')) look('fetching is stopped');
      return Object.getPrototypeOf(transport).stopFetching.call(transport);
    };
    const transport = altered((given) => ({ stopFetching: stopFetching(given) }));
    const { app, bus } = await startApplication({
      bus: { ...QUICK, transport },
      imports: [EventBusHealthModule.register()],
      providers: [{ provide: Gate, useValue: gate }, Waiting],
    });
    const indicator = app.get(EventBusHealthIndicator, { strict: false });
    await bus.publish('waiting', {});
    await eventually(() => expect(gate.waiting).toBe(1));
    look('it runs');
    const closed = app.close();
    await eventually(() => expect(bus.snapshot().state).toBe('draining'));
    look('a handler is waited for');
    gate.open();
    await closed;
    look('it is over');

    expect([...seen]).toEqual([
      ['it runs', { ready: 'up', live: 'up', state: 'running' }],
      ['fetching is stopped', { ready: 'down', live: 'up', state: 'draining' }],
      ['a handler is waited for', { ready: 'down', live: 'up', state: 'draining' }],
      ['it is over', { ready: 'down', live: 'up', state: 'closed' }],
    ]);
  });

  it('is down, named, and not live when the bus cannot start once the application is up', async () => {
    const broker = memoryBroker();
    broker.stop();
    const prepare = () => Promise.reject(new TopologyError('no stream covers "orders"'));
    const { app, bus } = await startApplication({
      bus: {
        transport: altered(() => ({ prepare }), memoryTransport({ broker })),
        connectTimeoutMs: 20,
        pools: { ack: { timeoutMs: 200 } },
      },
      imports: [EventBusHealthModule.register({ readiness: { broker: 'degraded' } })],
      providers: [Ledger],
    });
    const indicator = app.get(EventBusHealthIndicator, { strict: false });
    expect(indicator.isReady('bus')).toMatchObject({ bus: { status: 'degraded', state: 'starting' } });
    expect(indicator.isLive('bus')).toMatchObject({ bus: { status: 'up' } });

    broker.start();
    await eventually(() => expect(bus.snapshot().state).toBe('failed'));
    const why = 'the bus cannot start, and does not try again: EVENT_BUS_TOPOLOGY: no stream covers "orders"';
    const down = { bus: { status: 'down', state: 'failed', reasons: [why] } };
    expect(indicator.isReady('bus')).toMatchObject(down);
    expect(indicator.isLive('bus')).toMatchObject(down);
    expect(indicator.isHealthy('bus')).toMatchObject(down);
    expect(indicator.isHealthy('bus').bus).toMatchObject({ failure: expect.stringContaining('no stream covers') });
    await expect(bus.publish('orders.placed', {})).rejects.toMatchObject({
      code: 'EVENT_BUS_PUBLISH_REJECTED',
      cause: { cause: { cause: { code: 'EVENT_BUS_TOPOLOGY' } } },
    });
    await app.close();
    expect(indicator.isLive('bus')).toMatchObject({ bus: { status: 'up', state: 'closed' } });
  });

  it('is degraded for a while after the event loop was blocked, and says for how long it was', async () => {
    const { app } = await startApplication({
      bus: { blockedAfterMs: 400 },
      imports: [EventBusHealthModule.register({ thresholds: { eventLoopMs: 1_000 } })],
    });
    const indicator = app.get(EventBusHealthIndicator, { strict: false });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const until = performance.now() + 1_500;
    while (performance.now() < until) Math.random();
    await eventually(() => {
      const reasons = [expect.stringMatching(/^the event loop was blocked for \d{3,} ms, \d+ ms ago$/)];
      expect(indicator.isHealthy('bus')).toMatchObject({
        bus: { status: 'degraded', reasons, eventLoop: { blocks: expect.any(Number) } },
      });
    });
    await eventually(() => expect(indicator.isHealthy('bus')).toMatchObject({ bus: { status: 'up' } }));
  });

  it('reports on a named bus', async () => {
    const imports = [EventBusModule.forRoot({ name: 'audit' }), EventBusHealthModule.register({ name: 'audit' })];
    const { app } = await startApplication({ imports });
    const indicator = app.get<EventBusHealthIndicator>(getEventBusHealthToken('audit'), { strict: false });
    expect(indicator.isHealthy('bus')).toMatchObject({ bus: { bus: 'audit', status: 'up' } });
    expect(app.get(EventBusService).name).toBe('default');
  });
});
