import 'reflect-metadata';
import {
  getJetStreamTransportToken,
  JetstreamClientModule,
  JetstreamServerModule,
  type JetstreamTransport,
} from '@horizon-republic/nestjs-jetstream';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type BaseRpcContext, type ClientProxy, Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { JsMsg, NatsConnection } from 'nats';
import { lastValueFrom } from 'rxjs';
import type { EventData } from '../../src/measure/events.js';
import type { Peer, PeerHandle, PeerTask } from '../../src/peers/contract.js';

const logger = ['error', 'fatal'] as const;

/** @horizon-republic/nestjs-jetstream as its README shows it. It names and makes its streams itself. */
export const PEER: Peer = {
  place: ({ topic, group }) => ({
    stream: `${group}__microservice_ev-stream`,
    subject: `${group}__microservice.ev.${topic}`,
  }),

  prepare: async (task) => {
    const stop = await listen(task);
    await stop();
  },

  consume: (task, handle) => listen(task, controller(task.topic, handle)),

  open: async ({ servers, topic, group }) => {
    class App {}
    Module({ imports: [JetstreamClientModule.forFeature({ name: group, servers: [...servers] })] })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: [...logger] });
    const client = app.get<ClientProxy>(group, { strict: false });
    await client.connect();
    return {
      batch: 1_000,
      lanes: 1,
      // It returns before the server has confirmed, and says nothing of it afterwards: what was written is all that can be waited for.
      publish: async (events) => {
        for (const { data } of events) await lastValueFrom(client.emit(topic, data), { defaultValue: undefined });
        await client.unwrap<NatsConnection>().flush();
      },
      close: async () => {
        await client.close();
        await app.close();
      },
    };
  },
};

async function listen({ servers, group }: PeerTask, handlers?: Type): Promise<() => Promise<void>> {
  class App {}
  Module({
    imports: [JetstreamServerModule.forRoot({ name: group, servers: [...servers] })],
    controllers: handlers === undefined ? [] : [handlers],
  })(App);
  const app = await NestFactory.create(App, { logger: [...logger] });
  const transport = app.get<JetstreamTransport>(getJetStreamTransportToken(group));
  app.connectMicroservice(transport, { inheritAppConfig: true });
  await app.startAllMicroservices();
  return () => app.close();
}

/** Its own headers are all that it writes: the key is the one in the data. */
function controller(topic: string, handle: PeerHandle): Type {
  @Controller()
  class Handlers {
    @EventPattern(topic)
    onEvent(@Payload() data: EventData, @Ctx() context: BaseRpcContext): unknown {
      const message: JsMsg = context.getArgByIndex(0);
      return handle(data, message.headers?.get('ce-partitionkey') || data.key);
    }
  }
  return Handlers;
}
