import { Controller, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  EventBusClientProxy,
  EventBusModule,
  EventBusRecord,
  EventBusStrategy,
  getEventBusTransport,
  nestCodec,
} from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';

interface OrderPlaced {
  readonly id: string;
}
class AppModule {}
class Ledger {
  async book(_order: OrderPlaced): Promise<void> {}
}

// #region nest-codec
EventBusModule.forRoot({
  transport: kafkaTransport({ connection: { brokers: ['kafka-1:9092'] } }),
  group: 'billing-server', // Nest's server adds `-server` to its `groupId`: this goes on where it was
  codec: nestCodec(),
});
// #endregion

// #region strategy
@Controller()
export class OrdersController {
  constructor(private readonly ledger: Ledger) {}

  @EventPattern('orders.placed', getEventBusTransport()) // as it was, but for the second argument
  async onPlaced(@Payload() order: OrderPlaced) {
    await this.ledger.book(order);
  }
}

export async function main() {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice({ strategy: app.get(EventBusStrategy) });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(3000);
}
// #endregion

// #region client-proxy
@Injectable()
export class Checkout {
  constructor(private readonly client: EventBusClientProxy) {} // was: @Inject('KAFKA') client: ClientKafka

  place(order: OrderPlaced) {
    this.client.emit('orders.placed', new EventBusRecord(order, { key: order.id })); // was: { key, value: order }
  }
}
// #endregion
