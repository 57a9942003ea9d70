import type { Patch } from './workbench.js';

/** Mechanisms that a control removes from a copy of the built library. */
export const MECHANISMS = {
  /** NATS: an owner begins with what its predecessor left, before anything newer. */
  takeOver: {
    file: 'transports/nats/take-over.js',
    find: 'while (port.isActive()) {',
    replace: 'port.caughtUp(await port.info()); while (false) {',
  },
  /** NATS: what was settled here is known again when a server that has forgotten it delivers it anew. */
  settledOnes: {
    file: 'transports/nats/in-hand.js',
    find: 'return this.#settled.get(streamSequence) === storedNanos;',
    replace: 'return false;',
  },
  /** NATS: after a reconnect the consumer is set up again … */
  reconnect: {
    file: 'transports/nats/consumer.js',
    find: /(state\.phase = 'running';)\s*this\.#loop\.open\(state\.connection\);\s*this\.#doubt\(\);\s*this\.#go\(\);/,
    replace: '$1',
  },
  /** … and if that were not enough, the watchdog would see it. */
  watchdog: { file: 'transports/nats/watchdog.js', find: 'tick() {', replace: 'tick() { return;' },
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
