import { Injectable } from '@nestjs/common';
import { EventBusService, OnPublishResults, type PublishResult } from 'nestjs-eventbus';

const orders = { markSent: async (_ids: readonly string[]) => undefined };

// #region publishing
@Injectable()
export class Outbox {
  constructor(private readonly bus: EventBusService) {}

  async publishing() {
    const { position } = await this.bus.publish('orders.placed', { id: 'o-1' }, { key: 'o-1' }); // the broker has it
    const results = await this.bus.publishMany([
      { topic: 'orders.placed', data: { id: 'o-2' }, options: { key: 'o-2' } },
      { topic: 'orders.placed', data: { id: 'o-3' }, options: { key: 'o-3' } },
    ]); // one result an event; one failing takes no other down
    const taken = this.bus.enqueue('orders.placed', { id: 'o-4' }, { key: 'o-4' }); // at once, never waits
    if (!taken.accepted) throw taken.error; // reason: full, closing or invalid
    await this.bus.flush(); // all of the above have ended
    return { position, results };
  }

  @OnPublishResults() // every result of every publish of this process, in batches; one that throws gets the same batch again
  async ended(results: readonly PublishResult[]) {
    await orders.markSent(results.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id));
  }
}
// #endregion
