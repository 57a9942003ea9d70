import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { EventHandler } from 'nestjs-eventbus';
import type { Order } from '../orders/order.js';

/** Sends a mail per order, in no order: a group of its own, so that a slow mail server holds up nothing else. */
@Injectable()
export class Mailer {
  private readonly log = new Logger(Mailer.name);
  sent = 0;

  @EventHandler('orders.placed', { group: 'mail', pool: 'global' })
  async onPlaced(@Payload() order: Order): Promise<void> {
    await delay(20);
    this.sent++;
    this.log.log(`mail to ${order.customerId}: thank you for ${order.quantity} × ${order.item}`);
  }
}
