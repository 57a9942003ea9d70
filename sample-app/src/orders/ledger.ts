import { Injectable, Logger } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventBusService, type EventContext, EventHandler } from 'nestjs-eventbus';
import { type Order, type OrderReserved, UNOBTAINABLE } from './order.js';

export interface LedgerEntry {
  readonly event: string;
  readonly eventId: string;
  readonly attempt: number;
  readonly at: string;
}

/**
 * Keeps what happened to each order, in the order it happened: its handlers are keyed by the order's id. An event may come twice, when
 * its settle was lost or its handler failed half-way: it is written once, and what follows from it has the same id each time.
 */
@Injectable()
export class Ledger {
  private readonly log = new Logger(Ledger.name);
  private readonly entriesByOrder = new Map<string, LedgerEntry[]>();

  constructor(private readonly bus: EventBusService) {}

  @EventHandler('orders.placed', { retry: { maxAttempts: 3, initialDelayMs: 50 } })
  async onPlaced(@Payload() order: Order, @Ctx() event: EventContext): Promise<void> {
    if (order.item === UNOBTAINABLE) throw new Error(`No warehouse has ${order.quantity} × ${order.item}`);
    this.write(order.id, event);
    const reserved: OrderReserved = { orderId: order.id, item: order.item, quantity: order.quantity };
    await this.bus.publish('orders.reserved', reserved, {
      id: `${event.id}-reserved`,
      key: order.id,
      causedBy: event,
    });
  }

  @EventHandler('orders.reserved')
  onReserved(@Payload() reserved: OrderReserved, @Ctx() event: EventContext): void {
    this.write(reserved.orderId, event);
  }

  entriesOf(orderId: string): readonly LedgerEntry[] | undefined {
    return this.entriesByOrder.get(orderId);
  }

  private write(orderId: string, event: EventContext): void {
    const entries = this.entriesByOrder.get(orderId) ?? [];
    if (entries.some(({ eventId }) => eventId === event.id)) return;
    entries.push({ event: event.topic, eventId: event.id, attempt: event.attempt, at: new Date().toISOString() });
    this.entriesByOrder.set(orderId, entries);
    this.log.log(`order ${orderId}: ${event.topic} (entry ${entries.length})`);
  }
}
