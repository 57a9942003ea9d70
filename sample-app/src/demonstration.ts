import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { EventBusService } from 'nestjs-eventbus';
import { DeadLetterDesk } from './dead-letters/dead-letter-desk.js';
import { Mailer } from './mail/mailer.js';
import { Ledger } from './orders/ledger.js';
import { type Order, UNOBTAINABLE } from './orders/order.js';

const GOOD_ORDERS = 3;
const PATIENCE_MS = 30_000;

/** A short run of real events at start, so that the log shows the bus working. */
@Injectable()
export class Demonstration {
  private readonly log = new Logger(Demonstration.name);

  constructor(
    private readonly bus: EventBusService,
    private readonly ledger: Ledger,
    private readonly mailer: Mailer,
    private readonly deadLetters: DeadLetterDesk,
  ) {}

  async run(): Promise<void> {
    const run = Date.now().toString(36);
    const orders = [...this.goodOrders(run), this.order(`demo-${run}-bad`, UNOBTAINABLE)];
    this.log.log(`publishing ${orders.length} orders; the one of ${UNOBTAINABLE} will fail on purpose`);
    const results = await this.bus.publishMany(
      orders.map((order) => ({ topic: 'orders.placed', data: order, options: { key: order.id } })),
    );
    this.log.log(`confirmed by the broker: ${results.filter(({ outcome }) => outcome === 'confirmed').length}`);
    const isDone = await this.waitFor(() => this.isComplete(orders));
    if (!isDone) return this.log.error('the demonstration did not end in time: see the log above');
    this.log.log(`${GOOD_ORDERS} orders booked in order, ${this.mailer.sent} mails sent, 1 dead letter: the bus works`);
  }

  private goodOrders(run: string): Order[] {
    return Array.from({ length: GOOD_ORDERS }, (_, index) => this.order(`demo-${run}-${index + 1}`));
  }

  private order(id: string, item = 'teapot'): Order {
    return { id, item, quantity: 1, customerId: 'ada', amount: 25 };
  }

  private isComplete(orders: readonly Order[]): boolean {
    return orders.every(({ id, item }) =>
      item === UNOBTAINABLE ? this.deadLetters.of(id).length > 0 : this.ledger.entriesOf(id)?.length === 2,
    );
  }

  private async waitFor(condition: () => boolean): Promise<boolean> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(20)) if (condition()) return true;
    return false;
  }
}
