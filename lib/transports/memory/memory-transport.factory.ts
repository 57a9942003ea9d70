import type { Transport, TransportContext, TransportFactory } from '../../transport/transport.js';
import { type MemoryBrokerOptions, memoryBrokerFaults } from './memory.options.js';
import { MemoryBroker } from './memory-broker.js';
import { MemoryTransport } from './memory.transport.js';

/** Options of `memoryTransport()`: a broker to share, or the options of its own. */
export interface MemoryTransportOptions extends MemoryBrokerOptions {
  /** A broker shared with other buses, or with the next application. @default one of its own, gone with the bus */
  readonly broker?: MemoryBroker;
}

/**
 * A broker in this process's memory, for a first run and for tests: the same semantics as the real ones, but it keeps nothing
 * across a restart, and says so at start.
 */
export function memoryTransport(options: MemoryTransportOptions = {}): TransportFactory {
  const { broker, ...brokerOptions } = options;
  return {
    name: 'memory',
    durable: false,
    validate: () => faultsOf(broker, brokerOptions),
    create: (context: TransportContext): Transport =>
      new MemoryTransport(context, broker ?? new MemoryBroker(brokerOptions)),
  };
}

function faultsOf(broker: unknown, options: MemoryBrokerOptions): string[] {
  if (broker === undefined) return memoryBrokerFaults(options);
  const beside = Object.keys(options).map(
    (name) => `transport.${name} must not be given beside a broker: it is the broker's`,
  );
  return broker instanceof MemoryBroker ? beside : ['transport.broker must be made by memoryBroker()', ...beside];
}
