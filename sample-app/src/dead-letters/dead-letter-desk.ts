import { Injectable, Logger } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { type EventContext, EventHandler, readDeadLetterHeaders } from 'nestjs-eventbus';
import type { Order } from '../orders/order.js';

/** Where somebody would look at what could not be handled. */
@Injectable()
export class DeadLetterDesk {
  private readonly log = new Logger(DeadLetterDesk.name);
  private readonly reasonsByOrder = new Map<string, string[]>();

  @EventHandler('dead.orders.orders.placed', { group: 'dead-letter-desk', pool: 'global' })
  onDead(@Payload() order: Order, @Ctx() event: EventContext): void {
    const reason = readDeadLetterHeaders(event.message.headers.entries())?.error.message ?? 'unknown';
    this.reasonsByOrder.set(order.id, [...this.of(order.id), reason]);
    this.log.warn(`order ${order.id} is a dead letter: ${reason}`);
  }

  of(orderId: string): readonly string[] {
    return this.reasonsByOrder.get(orderId) ?? [];
  }
}
