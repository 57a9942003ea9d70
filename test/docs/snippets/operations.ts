import { Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  type DeadLetterDiagnostic,
  type DeadLetterHistory,
  EventBusService,
  type EventContext,
  EventHandler,
  readDeadLetterHeaders,
} from 'nestjs-eventbus';
import { subscribe } from 'node:diagnostics_channel';

declare const counter: { increment(labels: Readonly<Record<string, string>>): void };

// #region desk
@Injectable()
export class DeadLetterDesk {
  readonly letters: { readonly history: DeadLetterHistory; readonly data: unknown }[] = [];

  constructor(private readonly bus: EventBusService) {}

  @EventHandler('dead.billing.>', { group: 'billing-desk', pool: 'global' })
  keep(@Payload() data: unknown, @Ctx() event: EventContext): void {
    const history = readDeadLetterHeaders(event.message.headers.entries());
    if (history !== undefined) this.letters.push({ history, data }); // a real one writes them into a database
  }

  /** As a new event, to every group that reads the topic. */
  async replay({ history, data }: DeadLetterDesk['letters'][number]): Promise<void> {
    const { topic, key, eventId, eventType: type } = history;
    await this.bus.publish(topic, data, {
      ...(typeof key === 'string' ? { key } : {}),
      type,
      causedBy: eventId === undefined ? undefined : { id: eventId },
    });
  }
}
// #endregion

export function metrics(): void {
  // #region diagnostics
  subscribe('event-bus:dead-letter', (message) => {
    const { group, topic, stored } = message as DeadLetterDiagnostic;
    counter.increment({ group, topic, stored: String(stored) });
  });
  // #endregion
}

export function steering(bus: EventBusService): void {
  // #region steering
  bus.pause('billing'); // stops fetching; what is in hand is still handled
  bus.resume('billing');
  bus.resize('keyed', 512); // handlers at once, from now on
  console.log(bus.snapshot().pools.keyed.waiting);
  // #endregion
}
