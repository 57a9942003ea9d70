import { Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventBusService, type EventContext, EventHandler, type TransportFactory } from 'nestjs-eventbus';
import { createTestBus } from 'nestjs-eventbus/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { transports } from './support/buses.js';
import { ForeignKafka } from './support/foreign-kafka.js';
import { ForeignNats } from './support/foreign-nats.js';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const TRACESTATE = 'vendor=opaque,other=1';
const TRACE = { traceparent: TRACEPARENT, tracestate: TRACESTATE };

/** A Nest application whose handler of `placed` publishes `due` because of it. */
async function startChain(transport: TransportFactory, placed: string, due: string) {
  const group = unique('chain');

  @Injectable()
  class Invoices {
    constructor(private readonly bus: EventBusService) {}

    @EventHandler(placed)
    async onPlaced(@Payload() data: unknown, @Ctx() event: EventContext): Promise<void> {
      await this.bus.publish(due, data, { key: event.key, causedBy: event });
    }
  }

  return createTestBus({ transport, group, providers: [Invoices] });
}

const kafkaVersion = (await kafkaBroker()).version;
const natsVersion = (await natsServer()).version;

describe(`the trace context, on Kafka ${kafkaVersion}`, () => {
  let foreign: ForeignKafka;
  beforeAll(async () => {
    foreign = await ForeignKafka.connect();
  });
  afterAll(() => foreign.close());

  async function passed(start: (chain: Awaited<ReturnType<typeof startChain>>, placed: string) => Promise<unknown>) {
    const [placed, due] = [await foreign.topic(), await foreign.topic()];
    const chain = await startChain(transports.kafka(foreign.brokers), placed, due);
    try {
      const read = await foreign.read(due);
      await start(chain, placed);
      await eventually(() => expect(read).toHaveLength(1), { timeoutMs: 20_000 });
      return read[0]?.headers;
    } finally {
      await chain.close();
    }
  }

  const EXPECTED = { ...TRACE, ce_traceparent: TRACEPARENT, ce_tracestate: TRACESTATE };

  it('goes from a publish through the handler and what it publishes to a foreign reader', async () => {
    const headers = await passed(({ bus }, placed) => bus.publish(placed, 1, { id: 'first', headers: TRACE }));
    expect(headers).toMatchObject({ ...EXPECTED, ce_causationid: 'first', ce_correlationid: 'first' });
  });

  it.each([
    ['plain headers', TRACE],
    ['CloudEvents attributes', { ce_id: 'i', ce_source: 's', ce_traceparent: TRACEPARENT, ce_tracestate: TRACESTATE }],
  ])('goes on from a foreign publisher that writes it in %s', async (_, headers) => {
    expect(await passed((__, placed) => foreign.send(placed, { value: '1', headers }))).toMatchObject(EXPECTED);
  });

  it('is not made up, and one that is none is not passed on', async () => {
    const headers = await passed((__, placed) =>
      foreign.send(placed, { value: '1', headers: { traceparent: 'no trace\r\nat all' } }),
    );
    expect(Object.keys(headers ?? {}).filter((name) => name.includes('trace'))).toEqual([]);
  });
});

describe(`the trace context, on nats-server ${natsVersion}`, () => {
  let foreign: ForeignNats;
  beforeAll(async () => {
    foreign = await ForeignNats.connect();
  });
  afterAll(() => foreign.close());

  async function passed(start: (chain: Awaited<ReturnType<typeof startChain>>, placed: string) => Promise<unknown>) {
    const [placed, due] = [await foreign.topic(), await foreign.topic()];
    const chain = await startChain(transports.nats(foreign.url), placed, due);
    try {
      await start(chain, placed);
      const [message] = await foreign.read(due, 1);
      return message?.headers;
    } finally {
      await chain.close();
    }
  }

  const EXPECTED = { traceparent: TRACEPARENT, tracestate: TRACESTATE, 'ce-traceparent': TRACEPARENT };

  it('goes from a publish through the handler and what it publishes to a foreign reader', async () => {
    const headers = await passed(({ bus }, placed) => bus.publish(placed, 1, { id: 'first', headers: TRACE }));
    expect(headers).toMatchObject({ ...EXPECTED, 'ce-causationid': 'first', 'ce-correlationid': 'first' });
  });

  it.each([
    ['plain headers', TRACE],
    ['CloudEvents attributes', { 'ce-id': 'i', 'ce-traceparent': TRACEPARENT, 'ce-tracestate': TRACESTATE }],
  ])('goes on from a foreign publisher that writes it in %s', async (_, headers) => {
    expect(await passed((__, placed) => foreign.send(placed, '1', headers))).toMatchObject(EXPECTED);
  });

  it('is not made up, and one that is none is not passed on', async () => {
    const headers = await passed((__, placed) => foreign.send(placed, '1', { traceparent: 'no trace at all' }));
    expect(Object.keys(headers ?? {}).filter((name) => name.includes('trace'))).toEqual([]);
  });
});
