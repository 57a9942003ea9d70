// #region quick-start
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventBusModule, EventBusService, type EventContext, EventHandler } from 'nestjs-eventbus';
import { natsTransport } from 'nestjs-eventbus/nats';

@Injectable()
class Billing {
  constructor(private readonly bus: EventBusService) {}

  @EventHandler('orders.placed') // one after another per key, different keys side by side
  async onPlaced(@Payload() order: { id: string; amount: number }, @Ctx() event: EventContext) {
    await this.bus.publish('invoices.due', { amount: order.amount }, { key: order.id, causedBy: event });
  }
}

@Module({
  imports: [
    EventBusModule.forRoot({
      transport: natsTransport({
        connection: { servers: process.env['NATS_URL'] ?? 'localhost:4222' },
        streams: [{ name: 'SHOP', subjects: ['orders.>', 'invoices.>'] }],
      }),
      group: 'billing',
    }),
  ],
  providers: [Billing],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks(); // drains on SIGTERM
await app.listen(process.env['PORT'] ?? 3000);
await app.get(EventBusService).publish('orders.placed', { id: 'o-1', amount: 50 }, { key: 'o-1' });
// #endregion

export { app };
