import { Controller, Get, Injectable, Module, type Type } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, it } from 'vitest';
import { EventBusModule, EventBusService, EventHandler, memoryBroker, memoryTransport } from 'nestjs-eventbus';
import { EventBusHealthIndicator, EventBusHealthModule, getEventBusHealthToken } from 'nestjs-eventbus/health';
import { eventually } from '../../support/eventually.js';
import { QUICK, startApplication } from './support/applications.js';

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
    const { broker, get } = await setup({ disconnectedMs: 100 });
    broker.stop();
    expect(await get('')).toMatchObject({ code: 200, body: { status: 'degraded' } });
    expect(await get('/ready')).toMatchObject({ code: 503 });
    expect(await get('/live')).toMatchObject({ code: 200 });
    await eventually(async () => expect(await get('')).toMatchObject({ code: 503, body: { status: 'error' } }));
    broker.start();
    expect(await get('')).toMatchObject({ code: 200, body: { status: 'ok' } });
    expect(await get('/ready')).toMatchObject({ code: 200 });
  });

  it('is not ready from the begin of the shutdown on, and live till the end', async () => {
    const { app } = await setup();
    const indicator = app.get(EventBusHealthIndicator, { strict: false });
    await app.close();
    expect(indicator.isReady('bus')).toMatchObject({ bus: { status: 'down', state: 'closed' } });
    expect(indicator.isLive('bus')).toMatchObject({ bus: { status: 'up' } });
  });

  it('reports on a named bus', async () => {
    const imports = [EventBusModule.forRoot({ name: 'audit' }), EventBusHealthModule.register({ name: 'audit' })];
    const { app } = await startApplication({ imports });
    const indicator = app.get<EventBusHealthIndicator>(getEventBusHealthToken('audit'), { strict: false });
    expect(indicator.isHealthy('bus')).toMatchObject({ bus: { bus: 'audit', status: 'up' } });
    expect(app.get(EventBusService).name).toBe('default');
  });
});
