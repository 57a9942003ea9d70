import type { HeaderEntry, OutgoingMessage } from '../transport/message.js';
import type { PublishResult } from './publish-result.js';

/**
 * - queued: waits for room in the pool
 * - parked: in the pool, to be sent, or sent again, later
 * - sent: with the transport, not answered yet
 * - confirmed, failed: ended
 */
export type PublishState = 'queued' | 'parked' | 'sent' | 'confirmed' | 'failed';

/** What is published. */
export interface PublishedEvent {
  readonly message: OutgoingMessage;
  readonly type: string;
  /** Body plus headers. */
  readonly sizeBytes: number;
}

/** Since when, until when, and who is told. */
export interface PendingPublishOptions {
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Monotonic milliseconds: when it ends, whatever its state. */
  readonly deadline: number;
  /** Told how it ended, once. */
  readonly onEnd: ((result: PublishResult) => void) | undefined;
}

/** One publish from its call to its end: the only object the ACK pool keeps of it. */
export class PendingPublish {
  readonly type: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly id: string;
  readonly isDead: boolean;
  readonly sizeBytes: number;
  readonly startedAt: number;
  readonly onEnd: ((result: PublishResult) => void) | undefined;
  readonly deadline: number;
  /** Undefined once it has ended, so that a remembered one pins no body. */
  message: OutgoingMessage | undefined;
  /** Its place in call order, and its slot: never used twice. */
  slot = 0;
  state: PublishState = 'queued';
  /** Attempts that failed. */
  attempts = 0;
  /** Why the latest one failed. */
  error: Error | undefined;
  /** An attempt was cut off: the broker may have it. */
  mayBeStored = false;
  /** The latest attempt was. */
  wasCutOff = false;
  /** What was confirmed after it is no longer remembered: it is treated as overtaken. */
  mayBeOvertaken = false;

  constructor(event: PublishedEvent, options: PendingPublishOptions) {
    const { message } = event;
    this.type = event.type;
    this.topic = message.topic;
    this.key = message.key;
    this.id = message.id;
    this.isDead = message.dead === true;
    this.sizeBytes = event.sizeBytes;
    this.startedAt = options.startedAt;
    this.onEnd = options.onEnd;
    this.deadline = options.deadline;
    this.message = message;
  }

  get hasEnded(): boolean {
    return this.message === undefined;
  }
}

/** Body plus headers, in bytes: what a broker's limit is about. */
export function sizeOf({ body, headers }: OutgoingMessage): number {
  let sum = body === null ? 0 : lengthOf(body);
  for (const entry of headers) sum += headerLength(entry);
  return sum;
}

function headerLength([name, value]: HeaderEntry): number {
  return name.length + lengthOf(value);
}

function lengthOf(value: string | Uint8Array): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}
