import { Module } from '@nestjs/common';
import { DeadLetterDesk } from '../dead-letters/dead-letter-desk.js';
import { Mailer } from '../mail/mailer.js';
import { Ledger } from './ledger.js';
import { OrdersController } from './orders.controller.js';

@Module({
  controllers: [OrdersController],
  providers: [Ledger, Mailer, DeadLetterDesk],
  exports: [Ledger, Mailer, DeadLetterDesk],
})
export class OrdersModule {}
