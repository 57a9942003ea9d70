import type { MonotonicClock } from '../core/clock.js';
import type { Handle, HandleRegister } from '../core/handle-register.js';

/** Sends in one turn of the event loop. */
const SENDS_PER_TURN = 500;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5000;
/** Deadlines closer together than this are met by one timer. */
const GRANULARITY_MS = 10;

/** What is to be sent again: a keyless publish, or all that waits of a key. */
export interface Resendable {
  /** Sends at most so many. @returns how many were sent, and whether some are left that may be sent at once */
  resend(most: number): { readonly sent: number; readonly isDone: boolean };
}

/** Milliseconds to wait after so many failed attempts. */
export function resendDelay(attempts: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(attempts - 1, 0), LONGEST_DELAY_MS);
}

/** One publish. */
export function once(send: () => void): Resendable {
  return {
    resend: () => {
      send();
      return { sent: 1, isDone: true };
    },
  };
}

/**
 * When what failed is sent again: after a backoff, or at once when the transport is connected again, a part in each turn of the
 * event loop. While the transport is known to be away nothing is sent, and no timer is open.
 */
export class ResendQueue {
  #backingOff: { readonly what: Resendable; readonly dueAt: number }[] = [];
  /** To be sent in the next turns; from `#nextDue` on. */
  #due: Resendable[] = [];
  #nextDue = 0;
  #isHeld = false;
  #timer: NodeJS.Timeout | undefined;
  #handle: Handle | undefined;
  #firesAt = Infinity;
  #turn: NodeJS.Immediate | undefined;

  constructor(
    private readonly handles: HandleRegister,
    private readonly now: MonotonicClock,
  ) {}

  add(what: Resendable, delayMs: number): void {
    const dueAt = this.now() + delayMs;
    this.#backingOff.push({ what, dueAt });
    if (!this.#isHeld && dueAt + GRANULARITY_MS < this.#firesAt) this.#arm(dueAt);
  }

  /** The transport is away: nothing is sent. */
  hold(): void {
    this.#isHeld = true;
    this.#disarm();
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  /** The transport is connected: everything is sent, without waiting for its backoff. */
  release(): void {
    this.#isHeld = false;
    this.#disarm();
    for (const { what } of this.#backingOff) this.#due.push(what);
    this.#backingOff = [];
    this.#schedule();
  }

  close(): void {
    this.hold();
    this.#backingOff = [];
    this.#due = [];
    this.#nextDue = 0;
  }

  #fire(): void {
    this.#disarm();
    const now = this.now() + GRANULARITY_MS;
    const later = this.#backingOff.filter(({ dueAt }) => dueAt > now);
    for (const { what, dueAt } of this.#backingOff) if (dueAt <= now) this.#due.push(what);
    this.#backingOff = later;
    if (later.length > 0) this.#arm(later.reduce((earliest, { dueAt }) => Math.min(earliest, dueAt), Infinity));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isHeld || this.#nextDue === this.#due.length) return;
    this.#turn ??= setImmediate(() => this.#run());
  }

  #run(): void {
    this.#turn = undefined;
    let left = SENDS_PER_TURN;
    while (left > 0 && !this.#isHeld) {
      const what = this.#due[this.#nextDue];
      if (what === undefined) break;
      const { sent, isDone } = what.resend(left);
      left -= Math.max(sent, 1);
      if (isDone) this.#nextDue += 1;
    }
    if (this.#nextDue === this.#due.length) {
      this.#due = [];
      this.#nextDue = 0;
    }
    this.#schedule();
  }

  #arm(at: number): void {
    this.#disarm();
    this.#handle = this.handles.open('timer', 'publish resends');
    this.#firesAt = at;
    this.#timer = setTimeout(() => this.#fire(), Math.max(Math.ceil(at - this.now()), 1));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#handle?.closed();
    this.#handle = undefined;
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }
}
