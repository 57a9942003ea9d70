import { InvalidOptionsError } from './core/errors.js';
import { optionFaults } from './core/option-faults.js';
import type { EventBusLifecycle } from './event-bus.lifecycle.js';
import { workersSchema } from './event-bus.options.schema.js';
import type { BusSnapshot } from './event-bus.snapshot.js';
import type { PublishOptions } from './publishing/publish-options.js';
import type { ConfirmedPublish, EnqueueResult, PublishRequest, PublishResult } from './publishing/publish-result.js';

/** One bus of the application: what is injected to publish events and to steer how they are handled. */
export class EventBusService {
  constructor(private readonly lifecycle: EventBusLifecycle) {}

  /** The bus's name; `default` unless the module was given one. */
  get name(): string {
    return this.lifecycle.name;
  }

  /**
   * Publishes an event. Waits for room in the ACK pool, and, while the broker is away, for the broker. Events of one key are stored
   * in the order of the calls.
   *
   * @param data what the codec can write: JSON values, and with CloudEvents text and bytes by content type
   * @returns the broker's confirm, with the event's id and position
   * @throws EventBusError: InvalidTopicError and the like before anything is sent; PublishRejectedError: certainly not stored;
   * PublishUnknownError: may be stored, publish again with the same id; NotOpenError before onModuleInit and after shutdown
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<ConfirmedPublish> {
    return this.lifecycle.parts.publisher.publish(topic, data, options);
  }

  /**
   * Publishes several events in their order. One failing takes no other down.
   *
   * @returns one result an event, at its index, failures included
   * @throws NotOpenError
   */
  publishMany(events: readonly PublishRequest<PublishOptions>[]): Promise<PublishResult[]> {
    return this.lifecycle.parts.publisher.publishMany(events);
  }

  /**
   * Takes an event in at once, or says why not: `full`, `closing`, `invalid`. How an accepted one ends is a publish result: see
   * `@OnPublishResults()`. Never throws, never waits.
   */
  enqueue(topic: string, data: unknown, options?: PublishOptions): EnqueueResult {
    return this.lifecycle.parts.publisher.enqueue(topic, data, options);
  }

  /** Resolves when all publishes so far have ended and `@OnPublishResults()` methods have taken their results. */
  flush(): Promise<void> {
    return this.lifecycle.parts.publisher.flush();
  }

  /**
   * Stops fetching; what is in hand is still handled.
   * @param group one group @default all groups
   * @throws NotOpenError once the bus shuts down
   */
  pause(group?: string): void {
    this.lifecycle.pause(group);
  }

  /**
   * Fetches again.
   * @param group one group; one paused together with all others stays paused until all are resumed @default all groups
   * @throws NotOpenError once the bus shuts down
   */
  resume(group?: string): void {
    this.lifecycle.resume(group);
  }

  /**
   * Changes how many handlers a pool runs at once; nothing that runs or waits is lost. A `queueSize` by default follows.
   * @param workers 1 to 100,000
   * @throws InvalidOptionsError
   */
  resize(pool: 'global' | 'keyed', workers: number): void {
    const faults = optionFaults(workersSchema, { pool, workers });
    if (faults.length > 0) throw new InvalidOptionsError(faults);
    this.lifecycle.parts.pools[pool].resize(workers);
    this.lifecycle.parts.dispatcher.limitsChanged();
  }

  /** What the bus is doing: live state only, nothing is asked of the broker. Free of secrets. */
  snapshot(): BusSnapshot {
    return this.lifecycle.snapshot();
  }
}
