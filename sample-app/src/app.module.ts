import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { EventBusModule } from 'nestjs-eventbus';
import { EventBusHealthModule } from 'nestjs-eventbus/health';
import { Demonstration } from './demonstration.js';
import { HealthController } from './health/health.controller.js';
import { OrdersModule } from './orders/orders.module.js';
import { transportFromEnvironment } from './transport.js';

@Module({
  imports: [
    EventBusModule.forRoot({ transport: transportFromEnvironment(process.env), group: 'orders' }),
    EventBusHealthModule.register(),
    TerminusModule,
    OrdersModule,
  ],
  controllers: [HealthController],
  providers: [Demonstration],
})
export class AppModule {}
