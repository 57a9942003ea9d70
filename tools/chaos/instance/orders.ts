/** Where the broker is, for the process that gets it. */
export type BrokerOrders =
  | {
      readonly kind: 'kafka';
      readonly brokers: readonly string[];
      readonly sessionTimeoutMs: number;
      readonly partitions: number;
    }
  | {
      readonly kind: 'nats';
      readonly servers: string;
      readonly stream: string;
      readonly ackWaitMs: number;
      readonly memberTtlMs: number;
      readonly partitions: number;
    };

/** What every process of a run is told, as JSON in its first argument. */
export interface ProcessOrders {
  readonly name: string;
  /** The file all of them append to. */
  readonly history: string;
  /** Folder of the built library. */
  readonly library: string;
  readonly broker: BrokerOrders;
  readonly topic: string;
  readonly seed: number;
}

/** How handlers behave: decided by seed and event, not by who handles it. */
export interface HandlerLoad {
  /** Most handlers take a random time below this. */
  readonly quickMs: number;
  /** Share of events whose handlers take long. */
  readonly slowShare: number;
  readonly slowMs: readonly [least: number, most: number];
  /** Share of events whose first attempt throws. */
  readonly failShare: number;
  /** Share of events that become dead letters. */
  readonly refuseShare: number;
}

export interface InstanceOrders extends ProcessOrders {
  readonly group: string;
  readonly load: HandlerLoad;
  readonly shutdownTimeoutMs: number;
  readonly rebalanceDrainMs: number;
  /** Keeps something of each event for ever, so that a control can see a leak reported. @default false */
  readonly leaks?: boolean;
}

export interface PublisherOrders extends ProcessOrders {
  readonly keys: number;
  readonly perSecond: number;
}

/** From the harness to a process. */
export type Command =
  | { readonly do: 'close' }
  | { readonly do: 'block'; readonly ms: number }
  | { readonly do: 'sample'; readonly collects: boolean }
  | { readonly do: 'details' };

/** From a process to the harness. */
export type Answer =
  | { readonly is: 'up' }
  | { readonly is: 'closed' }
  | { readonly is: 'sampled' }
  | { readonly is: 'details'; readonly details: Readonly<Record<string, unknown>> };
