import 'reflect-metadata';
import {
  NatsJetStreamClientProxy,
  type NatsJetStreamContext,
  NatsJetStreamRecordBuilder,
  NatsJetStreamServer,
  NatsJetStreamTransport,
} from '@nestjs-plugins/nestjs-nats-jetstream-transport';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { EventData } from '../../src/measure/events.js';
import type { Peer, PeerEvent, PeerHandle, PeerTask } from '../../src/peers/contract.js';

const logger = ['error', 'warn'] as const;

/** @nestjs-plugins/nestjs-nats-jetstream-transport as its README shows it, but that an event is acknowledged after it was handled, not before. */
export const PEER: Peer = {
  place: ({ topic }) => ({ stream: topic.replaceAll('.', '_').toUpperCase(), subject: topic }),

  consume: async (task, handle) => {
    const app = await NestFactory.createMicroservice(application(controller(task.topic, handle)), {
      logger: [...logger],
      strategy: new NatsJetStreamServer({
        connectionOptions: { servers: [...task.servers], name: `${task.group}-listener` },
        consumerOptions: {
          durable: task.group,
          deliverGroup: task.group,
          deliverTo: task.group,
          deliverPolicy: 'All',
          manualAck: true,
          ackPolicy: 'Explicit',
          maxAckPending: task.maxAckPending,
        },
      }),
    });
    await app.listen();
    return () => app.close();
  },

  open: async ({ servers, topic, group }: PeerTask) => {
    class App {}
    const connectionOptions = { servers: [...servers], name: `${group}-publisher` };
    Module({ imports: [NatsJetStreamTransport.register({ connectionOptions })] })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: [...logger] });
    const client = app.get(NatsJetStreamClientProxy, { strict: false });
    await client.connect();
    const emit = async (event: PeerEvent): Promise<void> => {
      await lastValueFrom(client.emit(topic, recordOf(event)));
    };
    return {
      batch: 1,
      lanes: 1_024,
      publish: async (events) => {
        for (const event of events) await emit(event);
      },
      close: async () => {
        await client.close();
        await app.close();
      },
    };
  },
};

function recordOf({ id, data, headers }: PeerEvent): unknown {
  const record = new NatsJetStreamRecordBuilder(data);
  record.setMsgId(id);
  for (const [name, value] of Object.entries(headers)) record.appendHeader(name, value);
  return record.build();
}

function controller(topic: string, handle: PeerHandle): Type {
  @Controller()
  class Handlers {
    @EventPattern(topic)
    async onEvent(@Payload() data: EventData, @Ctx() context: NatsJetStreamContext): Promise<void> {
      await handle(data, context.message.headers?.get('ce-partitionkey'));
      context.message.ack();
    }
  }
  return Handlers;
}

function application(handlers: Type): Type {
  class App {}
  Module({ controllers: [handlers] })(App);
  return App;
}
