import { monotonicNow } from '../../../core/clock.js';
import type { Epoch, MemberOptions } from './driver.js';

/** While another round is expected: at the usual pace the group would wait for the slowest member to hear of it. */
const QUICK_MS = 25;
const QUICK_FOR_MS = 10_000;
/** Of the session time-out: what is left is for another connection, before the group gives us up. */
const SILENT_PART = 0.4;

/** What heartbeats tell. */
export interface HeartbeatListener {
  /** The coordinator has answered what was sent at this monotonic time. */
  alive(sentAt: number): void;
  failed(error: unknown): void;
  /** No answer for so long that the connection is taken for dead. */
  unanswered(): void;
}

/** Shows the group that a member lives, by a timer of its own: kafkajs does it between two fetches only, and a fetch may take long. */
export class Heartbeats {
  #timer: NodeJS.Timeout | undefined;
  #quickUntil = 0;

  constructor(
    private readonly options: Pick<MemberOptions, 'heartbeatIntervalMs' | 'sessionTimeoutMs'>,
    private readonly listener: HeartbeatListener,
  ) {}

  /** From now on for this epoch. @param pace `quick` for some seconds, when another round is expected */
  start(epoch: Epoch, pace: 'usual' | 'quick'): void {
    this.stop();
    this.#quickUntil = pace === 'quick' ? monotonicNow() + QUICK_FOR_MS : 0;
    this.#schedule(epoch);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(epoch: Epoch): void {
    const { heartbeatIntervalMs: usualMs } = this.options;
    const delayMs = monotonicNow() < this.#quickUntil ? Math.min(QUICK_MS, usualMs) : usualMs;
    const timer = setTimeout(() => void this.#beat(epoch, timer), delayMs);
    this.#timer = timer;
  }

  async #beat(epoch: Epoch, timer: NodeJS.Timeout): Promise<void> {
    const sentAt = monotonicNow();
    const isOver = (): boolean => this.#timer !== timer;
    const silence = setTimeout(() => {
      if (!isOver()) this.listener.unanswered();
    }, this.options.sessionTimeoutMs * SILENT_PART);
    try {
      await epoch.coordinator.heartbeat(epoch);
      if (!isOver()) this.listener.alive(sentAt);
    } catch (error) {
      if (!isOver()) this.listener.failed(error);
    } finally {
      clearTimeout(silence);
    }
    if (!isOver()) this.#schedule(epoch);
  }
}
