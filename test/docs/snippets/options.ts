import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { EventBusModule, EventBusService, EventHandler, InjectEventBus } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';

// #region async
@Module({
  imports: [
    EventBusModule.forRootAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        transport: kafkaTransport({ connection: { brokers: config.getOrThrow<string>('KAFKA_BROKERS').split(',') } }),
        group: 'billing',
      }),
    }),
  ],
})
export class AppModule {}
// #endregion

// #region named
@Module({
  imports: [
    EventBusModule.forRoot({ transport: kafkaTransport({ connection: { brokers: 'kafka:9092' } }), group: 'billing' }),
    EventBusModule.forRoot({
      name: 'audit',
      transport: natsTransport({ streams: [{ name: 'AUDIT', subjects: ['audit.>'] }] }),
      group: 'auditor',
    }),
  ],
})
export class TwoBusesModule {}

@Injectable()
export class Auditor {
  constructor(
    private readonly bus: EventBusService,
    @InjectEventBus('audit') private readonly audit: EventBusService,
  ) {}

  @EventHandler('orders.placed')
  onPlaced(order: object) {
    return this.audit.publish('audit.orders', order);
  }

  @EventHandler('audit.>', { bus: 'audit', pool: 'global' })
  onAudit(entry: object) {
    return this.bus.publish('orders.audited', entry);
  }
}
// #endregion
