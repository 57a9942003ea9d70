import 'reflect-metadata';
import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import {
  ClientKafka,
  ClientNats,
  type ClientProxy,
  Ctx,
  EventPattern,
  KafkaContext,
  type MicroserviceOptions,
  NatsContext,
  NatsRecordBuilder,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { logLevel } from 'kafkajs';
import { type EventBusService, nestCodec } from 'nestjs-eventbus';
import { lastValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { only, startOurs, transports } from './support/buses.js';
import { ForeignKafka } from './support/foreign-kafka.js';
import { ForeignNats } from './support/foreign-nats.js';

const kafka = await kafkaBroker();
const nats = await natsServer();

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** What a controller of Nest's own transport was given. */
interface Seen {
  readonly data: unknown;
  readonly context: KafkaContext | NatsContext;
}

/** A microservice of Nest's own transport, with one `@EventPattern`. */
async function startNests(pattern: string, options: MicroserviceOptions): Promise<readonly Seen[]> {
  const seen: Seen[] = [];

  @Controller()
  class Listener {
    @EventPattern([pattern])
    take(@Payload() data: unknown, @Ctx() context: KafkaContext | NatsContext): void {
      seen.push({ data, context });
    }
  }

  const controllers: Type<unknown>[] = [Listener];
  const module = await Test.createTestingModule({ controllers }).compile();
  const service: INestMicroservice = module.createNestMicroservice<MicroserviceOptions>({ ...options, logger: false });
  open.push(service);
  await service.listen();
  return seen;
}

async function emit(client: Pick<ClientProxy, 'emit'>, pattern: string, data: unknown): Promise<void> {
  await lastValueFrom(client.emit(pattern, data), { defaultValue: undefined });
}

/** Alike on both brokers. */
const ALIKE: readonly (readonly [string, unknown])[] = [
  ['an object', { total: 12.5, lines: [{ sku: 'ä' }, null] }],
  ['an array', [1, 'two', null]],
  ['text', 'Größe ✓'],
];

describe(`Nest's stock Kafka transport, on Kafka ${kafka.version}`, () => {
  let foreign: ForeignKafka;
  beforeAll(async () => {
    foreign = await ForeignKafka.connect();
  });
  afterAll(() => foreign.close());

  const client = { clientId: 'nests', brokers: [...kafka.brokers], logLevel: logLevel.NOTHING };

  async function nestsClient(): Promise<ClientKafka> {
    const made = new ClientKafka({ client, producerOnlyMode: true });
    open.push(made);
    await made.connect();
    return made;
  }

  it.each(ALIKE)('handles what ClientKafka emits: %s', async (_, data) => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, nestCodec());
    const theirs = await nestsClient();
    await emit(theirs, topic, data);
    await emit(theirs, topic, { key: 'order-7', value: data, headers: { 'x-own': 'grün' } });

    const handled = await ours.next(2);
    expect(handled.map((one) => one.data)).toEqual([data, data]);
    const keyed = handled.find(({ event }) => event.key !== undefined);
    expect(keyed?.event).toMatchObject({ key: 'order-7', type: topic });
    expect({ ...keyed?.event.headers }).toEqual({ 'x-own': 'grün' });
  });

  it('handles as text the number that ClientKafka emits, which Kafka carries as text, and null as null', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, nestCodec());
    const theirs = await nestsClient();
    await emit(theirs, topic, { key: 'k', value: 5 });
    await emit(theirs, topic, { key: 'k', value: null });

    expect((await ours.next(2)).map(({ data }) => data)).toEqual(['5', null]);
  });

  it("is handled by Nest's own microservice: data, key and headers", async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, nestCodec());
    const seen = await startNests(topic, {
      transport: Transport.KAFKA,
      options: { client, consumer: { groupId: unique('nests') }, subscribe: { fromBeginning: true } },
    });
    for (const [, data] of ALIKE) await ours.bus.publish(topic, data, { key: 'order-7', headers: { 'x-own': 'grün' } });

    await eventually(() => expect(seen.map(({ data }) => data)).toEqual(ALIKE.map(([, data]) => data)), {
      timeoutMs: 25_000,
    });
    const { context } = seen[0] ?? {};
    const { key, headers } = context instanceof KafkaContext ? context.getMessage() : {};
    expect(String(key)).toBe('order-7');
    expect(headers).toMatchObject({ 'x-own': 'grün', ce_source: ours.group });
    expect((await ours.next(3)).map(({ data }) => data)).toEqual(ALIKE.map(([, data]) => data));
  });
});

/** Nest's NATS server listens before its subscription has reached the broker, and core NATS keeps nothing. */
async function untilSubscribed(bus: EventBusService, topic: string, seen: readonly Seen[]): Promise<void> {
  await eventually(
    async () => {
      await bus.publish(topic, 'are you there?');
      expect(seen.length).toBeGreaterThan(0);
    },
    { intervalMs: 100 },
  );
}

describe(`Nest's stock NATS transport, on nats-server ${nats.version}`, () => {
  let foreign: ForeignNats;
  beforeAll(async () => {
    foreign = await ForeignNats.connect();
  });
  afterAll(() => foreign.close());

  async function nestsClient(): Promise<ClientNats> {
    const made = new ClientNats({ servers: [nats.url] });
    open.push(made);
    await made.connect();
    return made;
  }

  it.each([...ALIKE, ['a number', 5] as const])(
    'handles what ClientNats emits, once a stream covers its subject: %s',
    async (_, data) => {
      const topic = await foreign.topic();
      const ours = await startOurs(transports.nats(nats.url), topic, nestCodec());
      const theirs = await nestsClient();
      await emit(theirs, topic, data);

      const { data: got, event } = only(await ours.next());
      expect(got).toEqual(data);
      expect(event).toMatchObject({ type: topic, key: undefined, id: expect.stringMatching(/^sha1-/) });
    },
  );

  it('handles the record that ClientNats emits with headers of its own', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(nats.url), topic, nestCodec());
    const headers = natsHeaders();
    headers.set('x-own', 'grün');
    await emit(await nestsClient(), topic, new NatsRecordBuilder({ a: 1 }).setHeaders(headers).build());

    const { data, event } = only(await ours.next());
    expect(data).toEqual({ a: 1 });
    expect({ ...event.headers }).toEqual({ 'x-own': 'grün' });
  });

  it("is handled by Nest's own microservice: data and headers", async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(nats.url), topic, nestCodec());
    const seen = await startNests(topic, { transport: Transport.NATS, options: { servers: [nats.url] } });
    await untilSubscribed(ours.bus, topic, seen);
    const before = seen.length;
    const all = [...ALIKE.map(([, data]) => data), 5, null];
    for (const data of all) await ours.bus.publish(topic, data, { key: 'order-7', headers: { 'x-own': 'grün' } });

    await eventually(() => expect(seen.slice(before).map(({ data }) => data)).toEqual(all));
    const { context } = seen[before] ?? {};
    const headers = context instanceof NatsContext ? context.getHeaders() : undefined;
    expect(headers?.get('x-own')).toBe('grün');
  });
});
