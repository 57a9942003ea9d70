import type { Subscription } from '../transport/transport.js';
import { EventHandlerRegistry } from './handler.registry.js';
import type { HandlerRegistration, HandlerRegistry } from './registration.js';

/** Stands in for a registry until the application's handlers are known. */
export class LateRegistry implements HandlerRegistry {
  #current: HandlerRegistry = new EventHandlerRegistry([], () => ({
    delivery: 'at-least-once',
    startFrom: 'earliest',
  }));

  /** From now on this one answers. To be called before anything is delivered. */
  use(registry: HandlerRegistry): void {
    this.#current = registry;
  }

  get all(): readonly HandlerRegistration[] {
    return this.#current.all;
  }

  match(group: string, topic: string, type: string): readonly HandlerRegistration[] {
    return this.#current.match(group, topic, type);
  }

  hasTopic(group: string, topic: string): boolean {
    return this.#current.hasTopic(group, topic);
  }

  subscriptions(): readonly Subscription[] {
    return this.#current.subscriptions();
  }
}
