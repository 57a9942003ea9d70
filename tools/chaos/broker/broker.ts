import type { BrokerControls } from '../../brokers/index.js';
import type { FaultProxy } from '../../faults/index.js';
import type { BrokerOrders } from '../instance/orders.js';
import type { SettledRecord } from '../records.js';
import type { FinalView } from '../oracle/oracle.js';

export const TRANSPORTS = ['kafka', 'nats'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** The names of a run on its broker. */
export interface RunNames {
  readonly topic: string;
  readonly group: string;
  readonly stream: string;
}

/** What a run needs to know about its broker's timing. */
export interface Lease {
  /** An instance that was silent for so long has lost what it owned. */
  readonly expiresMs: number;
  /** Events that may be handled twice for each thing that can cause it, as the guarantees say. */
  readonly duplicatesPerCause: number;
}

/** A broker as the harness has it: to be looked at directly, and for each instance through a way of its own. */
export interface ChaosBroker {
  readonly transport: TransportName;
  readonly version: string;
  readonly lease: Lease;
  /** Absent for one that others use too. */
  readonly controls: BrokerControls | undefined;
  /** By slot, for one of our own; the publisher has the last. */
  readonly proxies: readonly FaultProxy[];
  /** How an instance reaches it. */
  orders(slot: number): BrokerOrders;
  /** How the publisher does. */
  publisherOrders(): BrokerOrders;
  /** The progress of every source. @throws Error while it is away */
  look(): Promise<SettledRecord[]>;
  /** Deliveries not settled, and messages not delivered. @throws Error while it is away */
  unsettled(): Promise<number>;
  /** The log and the dead letters, all of them. */
  finalView(): Promise<FinalView>;
  close(): Promise<void>;
}

/** Slots for instances; one more is the publisher's. */
export const INSTANCE_SLOTS = 8;
