import 'reflect-metadata';
import { Controller, type INestApplicationContext, type LogLevel, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientKafka,
  type ClientNats,
  type ClientProvider,
  ClientsModule,
  Ctx,
  EventPattern,
  type KafkaContext,
  type MicroserviceOptions,
  type NatsContext,
  NatsRecordBuilder,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { logLevel } from 'kafkajs';
import { lastValueFrom } from 'rxjs';
import type { EventData } from '../measure/events.js';
import type { Peer, PeerEvent, PeerHandle, PeerTask } from './contract.js';

const LOGGER: LogLevel[] = ['error', 'fatal'];
const CLIENT = 'EVENTS';
const NOTHING = { defaultValue: undefined };

/** Nest's own transporter for NATS, as its documentation shows it: core NATS, without a stream. */
export const NEST_NATS: Peer = {
  place: ({ topic }) => ({ stream: '', subject: topic }),
  prepare: () => Promise.resolve(),

  consume: ({ servers, topic, group }, handle) => {
    @Controller()
    class Handlers {
      // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- it chooses the overload that knows of no map of events
      @EventPattern<string>(topic)
      onEvent(@Payload() data: EventData, @Ctx() context: NatsContext): unknown {
        return handle(data, context.getHeaders()?.get('ce-partitionkey'));
      }
    }
    return listen(Handlers, { transport: Transport.NATS, options: { servers: [...servers], queue: group } });
  },

  open: async ({ servers, topic }) => {
    const app = await publishing({ transport: Transport.NATS, options: { servers: [...servers] } });
    const client = app.get<ClientNats>(CLIENT, { strict: false });
    const connection = await client.connect();
    return {
      batch: 1_000,
      lanes: 1,
      // Nothing confirms: what was written is all that can be waited for.
      publish: async (events) => {
        for (const event of events) await lastValueFrom(client.emit(topic, natsRecord(event)), NOTHING);
        await connection.flush();
      },
      close: () => app.close(),
    };
  },
};

/** Nest's own transporter for Kafka, with its defaults. @param emits one at a time by 1,000 callers, or as lists of 1,000 */
export function nestKafka(emits: 'each' | 'batch'): Peer {
  return {
    place: ({ topic }) => ({ stream: topic, subject: topic }),

    consume: ({ servers, topic, group }, handle) => {
      const options = {
        client: kafkaOptions(servers),
        consumer: { groupId: group },
        subscribe: { fromBeginning: true },
        postfixId: '',
      };
      return listen(kafkaHandlers(topic, handle), { transport: Transport.KAFKA, options });
    },

    open: async ({ servers, topic }: PeerTask) => {
      const options = { client: kafkaOptions(servers), producerOnlyMode: true, send: { acks: -1 } };
      const app = await publishing({ transport: Transport.KAFKA, options });
      const client = app.get<ClientKafka>(CLIENT, { strict: false });
      await client.connect();
      const each = async (event: PeerEvent): Promise<unknown> => lastValueFrom(client.emit(topic, kafkaRecord(event)));
      return {
        batch: emits === 'each' ? 1 : 1_000,
        lanes: emits === 'each' ? 1_000 : 1,
        publish: async (events) => {
          if (emits === 'batch') await lastValueFrom(client.emitBatch(topic, { messages: events.map(kafkaRecord) }));
          else for (const event of events) await each(event);
        },
        close: () => app.close(),
      };
    },
  };
}

function kafkaHandlers(topic: string, handle: PeerHandle): Type {
  @Controller()
  class Handlers {
    // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- as above
    @EventPattern<string>(topic)
    onEvent(@Payload() data: EventData, @Ctx() context: KafkaContext): unknown {
      return handle(data, context.getMessage().headers?.['ce_partitionkey']?.toString());
    }
  }
  return Handlers;
}

function natsRecord({ id, data, headers }: PeerEvent): unknown {
  const head = natsHeaders();
  head.set('Nats-Msg-Id', id);
  for (const [name, value] of Object.entries(headers)) head.set(name, value);
  return new NatsRecordBuilder(data).setHeaders(head).build();
}

function kafkaRecord({ data, headers }: PeerEvent): { key: string; value: EventData; headers: PeerEvent['headers'] } {
  return { key: data.key, value: data, headers };
}

function kafkaOptions(servers: readonly string[]): { brokers: string[]; logLevel: logLevel } {
  return { brokers: [...servers], logLevel: logLevel.NOTHING };
}

function publishing(options: ClientProvider): Promise<INestApplicationContext> {
  class App {}
  Module({ imports: [ClientsModule.register([{ name: CLIENT, ...options }])] })(App);
  return NestFactory.createApplicationContext(App, { logger: LOGGER });
}

async function listen(handlers: Type, options: MicroserviceOptions): Promise<() => Promise<void>> {
  class App {}
  Module({ controllers: [handlers] })(App);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(App, { logger: LOGGER, ...options });
  await app.listen();
  return () => app.close();
}
