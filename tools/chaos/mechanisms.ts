import type { Patch } from './workbench.js';

/** Mechanisms that a control removes from a copy of the built library. */
export const MECHANISMS = {
  /** NATS: an owner begins with what its predecessor left, before anything newer. */
  takeOver: {
    file: 'transports/nats/take-over.js',
    find: 'while (port.isActive()) {',
    replace: 'port.caughtUp(await port.info()); while (false) {',
  },
  /** A partition is handed over once what runs has ended. */
  drain: {
    file: 'dispatch/dispatcher.js',
    find: 'return this.#parts.ownership.revoking(source)',
    replace: 'return Promise.resolve(source)',
  },
  /** Kafka: a handler starts only while the group's session certainly holds. */
  kafkaLease: {
    file: 'transports/kafka/consuming/partition-source.js',
    find: "return this.owner.leaseHolds() ? 'held' : 'unsure';",
    replace: "return 'held';",
  },
} as const satisfies Record<string, Patch>;
