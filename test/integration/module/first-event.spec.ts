import { Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { EventHandler } from '../../../lib/handlers/event-handler.decorator.js';
import type { EventContext } from '../../../lib/handlers/event-context.js';
import { EventBusModule } from '../../../lib/event-bus.module.js';
import { EventBusService } from '../../../lib/event-bus.service.js';
import { eventually } from '../../support/eventually.js';

@Injectable()
class Ledger {
  readonly seen: unknown[] = [];

  @EventHandler('orders.placed')
  onPlaced(@Payload() order: object, @Ctx() event: EventContext): void {
    this.seen.push([order, event.topic, event.key]);
  }
}

describe('an application on the memory transport', () => {
  it('handles what it publishes', async () => {
    const module = await Test.createTestingModule({
      imports: [EventBusModule.forRoot()],
      providers: [Ledger],
    }).compile();
    const app = module.createNestApplication();
    await app.init();
    await app.get(EventBusService).publish('orders.placed', { id: 'a' }, { key: 'a' });
    await eventually(() => expect(app.get(Ledger).seen).toEqual([[{ id: 'a' }, 'orders.placed', 'a']]));
    await app.close();
  });
});
