import type { EventData } from '../measure/events.js';

/**
 * What is asked of a peer: an application that handles and one that publishes, each as the peer's documentation shows it. Measuring, judging and
 * cleaning up are not its duty.
 */
export interface Peer {
  /** The stream or topic that its events end up in, and under which name on the wire. */
  place(task: PeerTask): PeerPlace;
  /** Makes what it wants to have before anything is published, where it makes that itself. */
  prepare?(task: PeerTask): Promise<void>;
  /** Resolves when events are handled. @returns how to stop */
  consume(task: PeerTask, handle: PeerHandle): Promise<() => Promise<void>>;
  open(task: PeerTask): Promise<PeerPublisher>;
}

export interface PeerTask {
  /** Addresses of the broker. */
  readonly servers: readonly string[];
  readonly topic: string;
  /** Safe in names of groups, streams and services; the same in both processes of a pair. */
  readonly group: string;
  /** As many deliveries as may be out, where a peer can be told. */
  readonly maxAckPending: number;
}

export interface PeerPlace {
  readonly stream: string;
  readonly subject: string;
}

/** Given every event; where the peer lets its user acknowledge, that is after this has ended. */
export type PeerHandle = (data: EventData, key: string | undefined) => unknown;

export interface PeerEvent {
  readonly id: string;
  readonly data: EventData;
  /** What the library writes beside the data. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface PeerPublisher {
  /** How many events a call is given, and how many calls are under way at once. */
  readonly batch: number;
  readonly lanes: number;
  /** Resolves when the peer says that they are published, whatever that means with it. */
  publish(events: readonly PeerEvent[]): Promise<void>;
  close(): Promise<void>;
}
