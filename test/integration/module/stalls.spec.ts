import { Injectable } from '@nestjs/common';
import { Ctx } from '@nestjs/microservices';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  diagnostics,
  type EventBusOptions,
  type EventContext,
  EventHandler,
  memoryBroker,
  memoryTransport,
  type StallDiagnostic,
  type Transport,
  type TransportFactory,
} from 'nestjs-eventbus';
import { EventBusHealthIndicator, EventBusHealthModule } from 'nestjs-eventbus/health';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { startApplication } from './support/applications.js';
import { Gate } from './support/gate.js';

const TOPIC = unique('stalling');

/** So large that one fetch of Kafka's brings a few of them. */
const BODY = 'x'.repeat(30_000);

@Injectable()
class Ledger {
  readonly gate = new Gate();

  @EventHandler(TOPIC)
  async onPlaced(_data: unknown, @Ctx() { key }: EventContext): Promise<void> {
    if (key === 'stuck') await this.gate.passed;
  }
}

const TRANSPORTS: readonly (readonly [string, () => Promise<TransportFactory>])[] = [
  ['memory', () => Promise.resolve(memoryTransport({ broker: memoryBroker() }))],
  [
    'NATS',
    async () => {
      const { url } = await natsServer();
      return natsTransport({ connection: { servers: url }, streams: [{ name: TOPIC, subjects: [TOPIC] }] });
    },
  ],
  [
    'Kafka',
    async () => {
      const { brokers } = await kafkaBroker();
      return kafkaTransport({
        connection: { brokers },
        topics: [{ name: TOPIC, partitions: 1, replicationFactor: 1 }],
      });
    },
  ],
];

/** A bus for which 300 ms without progress are a stall. */
async function setup(transport: TransportFactory, options: EventBusOptions = {}) {
  const stalls = recordStalls();
  const { app, bus } = await startApplication({
    bus: { transport, group: unique('billing'), stalledAfterMs: 300, handlers: { timeoutMs: 50 }, ...options },
    imports: [EventBusHealthModule.register()],
    providers: [Ledger],
  });
  const { gate } = app.get(Ledger);
  onTestFinished(() => gate.open());
  const indicator = app.get(EventBusHealthIndicator, { strict: false });
  const health = () => indicator.isHealthy('bus').bus;
  const told = () => stalls.map(({ phase, kind, heldBy }) => `${kind} ${phase}: ${heldBy}`);
  return { bus, gate, stalls, told, health };
}

function recordStalls(): StallDiagnostic[] {
  const stalls: StallDiagnostic[] = [];
  const record = (message: unknown) => {
    const [stall]: StallDiagnostic[] = [Object(message)];
    if (stall !== undefined) stalls.push(stall);
  };
  diagnostics.stall.subscribe(record);
  onTestFinished(() => {
    diagnostics.stall.unsubscribe(record);
  });
  return stalls;
}

const HANDLER_ONCE = ['handler began: handler', 'handler ended: handler'];
const SOURCE_ONCE = ['source began: handler', 'source ended: handler'];
const PATIENT = { timeoutMs: 50_000 };

describe.each(TRANSPORTS)('a handler that hangs, on %s', { timeout: 60_000 }, (_name, create) => {
  it('is named as what holds its source up, degrades health, and is told of once until it ends', async () => {
    const pools = { keyed: { workers: 4, queueSize: 4, queueSizePerKey: 2 } };
    const { bus, gate, stalls, told, health } = await setup(await create(), { pools });
    bus.pause();
    await bus.publishMany(Array.from({ length: 30 }, () => ({ topic: TOPIC, data: BODY, options: { key: 'stuck' } })));
    bus.resume();
    await eventually(() => expect(gate.waiting).toBe(1), PATIENT);
    const bothBegan = expect.arrayContaining(['handler began: handler', 'source began: handler']);
    await eventually(() => expect(told()).toEqual(bothBegan), PATIENT);

    const handler = stalls.find(({ kind }) => kind === 'handler');
    expect(handler).toMatchObject({ handler: 'Ledger.onPlaced', topic: TOPIC, key: 'stuck' });
    const source = stalls.find(({ kind }) => kind === 'source');
    expect(source?.why).toContain(`Ledger.onPlaced on ${TOPIC}, key "stuck", attempt 1, has been running for`);
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: expect.arrayContaining([
        expect.stringMatching(/^Ledger.onPlaced on \S+, key "stuck" has been stalled for/),
        expect.stringContaining(`${source?.source} has been stalled for`),
      ]),
    });

    gate.open();
    await eventually(() => expect(bus.snapshot().totals.handled).toBe(30), PATIENT);
    await eventually(() => expect(health()).toMatchObject({ status: 'up', stalls: [] }));
    const byHandler = told().filter((stall) => stall.endsWith('handler'));
    expect(byHandler.filter((stall) => stall.startsWith('handler'))).toEqual(HANDLER_ONCE);
    expect(byHandler.filter((stall) => stall.startsWith('source'))).toEqual(SOURCE_ONCE);
  });
});

describe('a group that is paused', () => {
  it('is named as what holds its source up once events wait for long', async () => {
    const { bus, told, health } = await setup(memoryTransport());
    bus.pause();
    await bus.publish(TOPIC, 'x');
    await eventually(() => expect(told()).toEqual(['source began: paused']));
    expect(health()).toMatchObject({ status: 'degraded', reasons: [expect.stringMatching(/the group \S+ is paused/)] });
    bus.resume();
    await eventually(() => expect(told()).toEqual(['source began: paused', 'source ended: paused']));
    expect(health()).toMatchObject({ status: 'up' });
  });
});

describe('a transport that delivers nothing', () => {
  it('is named when there are credit and a lag', async () => {
    const factory = memoryTransport();
    const made: Transport[] = [];
    const create: TransportFactory['create'] = (context) => {
      const transport = factory.create(context);
      made.push(transport);
      return transport;
    };
    const { bus, told, stalls } = await setup({ ...factory, create });
    made[0]?.pause(undefined);
    await bus.publish(TOPIC, 'x');
    await eventually(() => expect(told()).toEqual(['source began: transport']));
    expect(stalls[0]?.why).toBe('there is credit and a lag of 1, and nothing arrives');
    made[0]?.resume(undefined);
    await eventually(() => expect(told()).toEqual(['source began: transport', 'source ended: transport']));
  });
});
