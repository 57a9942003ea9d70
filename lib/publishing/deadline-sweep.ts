import type { MonotonicClock } from '../core/clock.js';
import { NotConnectedError } from '../core/errors.js';
import type { Handle, HandleRegister } from '../core/handle-register.js';
import type { PendingPublish } from './pending-publish.js';
import { FullError, PublishTimeoutError } from './publish.errors.js';
import type { AckPoolBounds } from './room.js';

/** Longest time a timer is left without a look: so soon after the last publish has ended there is none. */
const LONGEST_MS = 1000;

/** What is swept. */
export interface Sweepable {
  readonly isEmpty: boolean;
  /** Ends some of what is due. @returns the earliest deadline that is left, Infinity when there is none */
  sweep(now: number): number;
}

/** One timer for the deadlines of all publishes, and none while there are none. */
export class DeadlineSweep {
  #timer: NodeJS.Timeout | undefined;
  #handle: Handle | undefined;
  #firesAt = Infinity;
  /** No deadline is earlier. */
  #earliest = Infinity;

  constructor(
    private readonly swept: Sweepable,
    private readonly handles: HandleRegister,
    private readonly now: MonotonicClock,
  ) {}

  watch(deadline: number): void {
    if (deadline < this.#earliest) this.#earliest = deadline;
    if (deadline < this.#firesAt) this.#arm();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#handle?.closed();
    this.#timer = undefined;
    this.#handle = undefined;
    this.#firesAt = Infinity;
  }

  #arm(): void {
    const now = this.now();
    const waitMs = Math.min(Math.max(Math.ceil(this.#earliest - now), 1), LONGEST_MS);
    clearTimeout(this.#timer);
    this.#handle ??= this.handles.open('timer', 'publish deadlines');
    this.#firesAt = now + waitMs;
    this.#timer = setTimeout(() => this.#fire(), waitMs);
  }

  #fire(): void {
    const now = this.now();
    if (now >= this.#earliest) this.#earliest = this.swept.sweep(now);
    if (this.swept.isEmpty) {
      this.#earliest = Infinity;
      this.close();
      return;
    }
    this.#arm();
  }
}

/** Why a publish that is due has not been confirmed: no room, perhaps stored, or never sent. */
export function timeoutError(publish: PendingPublish, bounds: AckPoolBounds, transport = 'the broker'): Error {
  if (publish.state === 'queued') return new FullError(bounds);
  if (publish.mayBeStored || publish.state === 'sent') return new PublishTimeoutError(publish.error);
  return new NotConnectedError(transport, publish.error);
}
