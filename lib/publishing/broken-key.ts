import { OvertakenError } from './publish.errors.js';
import type { PendingPublish } from './pending-publish.js';
import { type Resendable, type ResendQueue, resendDelay } from './resend-queue.js';

/** What a broken key asks of the pool. */
export interface BrokenKeyPort {
  send(publish: PendingPublish): void;
  /** Ends it: unknown when it may be stored, else rejected. */
  giveUp(publish: PendingPublish, error: Error): void;
  /** Everything has been sent: publishes of the key go straight out again. */
  mended(key: BrokenKey): void;
}

/**
 * A key whose sending has stopped, from its first failure until all that waits has been sent again.
 * - failed: those whose attempt failed
 * - unsent: later ones, which wait behind them
 * - outstanding: sent, not answered
 *
 * breaking: until no answer is outstanding; then what was overtaken ends · backing off · sending, back to breaking at the next failure.
 */
export class BrokenKey implements Resendable {
  #state: 'breaking' | 'backing-off' | 'sending' | 'mended' = 'breaking';
  #failed: PendingPublish[] = [];
  #unsent: PendingPublish[] = [];
  #nextUnsent = 0;
  #isCounted = false;
  /** Complete once it is counted. */
  #outstanding = 0;
  /** The latest slot of the key that is stored. */
  #lastStored = -1;
  /** The latest slot that was cut off since all was sent last: it may be stored. */
  #lastCutOff = -1;

  constructor(
    readonly topic: string,
    readonly key: string,
    private readonly port: BrokenKeyPort,
    private readonly resends: ResendQueue,
  ) {}

  /** Whether the pool's publishes are still to be looked through for those of this key. */
  get isUncounted(): boolean {
    return !this.#isCounted;
  }

  /** What was found of one publish of the key when the pool's publishes were looked through. */
  found(publish: PendingPublish): void {
    if (publish.state === 'sent') this.#outstanding += 1;
    this.#learn(publish);
  }

  /** All have been looked through: what is outstanding is known. */
  counted(): void {
    this.#isCounted = true;
  }

  /** To be called once after it was counted: there may have been nothing outstanding, and then no answer calls for it. */
  decide(): void {
    this.#resolveWhenAnswered();
  }

  /** A later one: it waits. */
  park(publish: PendingPublish): void {
    publish.state = 'parked';
    this.#unsent.push(publish);
  }

  /** An attempt failed and is worth another. */
  failed(publish: PendingPublish): void {
    publish.state = 'parked';
    this.#failed.push(publish);
    this.#learn(publish);
    if (this.#state === 'sending') this.#state = 'breaking';
    this.#answered();
  }

  /** One of the key has ended. @param wasSent it was outstanding until now */
  ended(publish: PendingPublish, wasSent: boolean): void {
    this.#learn(publish);
    if (wasSent) this.#answered();
  }

  resend(most: number): { readonly sent: number; readonly isDone: boolean } {
    if (this.#state === 'breaking' || this.#state === 'mended') return { sent: 0, isDone: true };
    this.#state = 'sending';
    let sent = 0;
    while (sent < most) {
      const publish = this.#unsent[this.#nextUnsent];
      if (publish === undefined) {
        this.#state = 'mended';
        this.port.mended(this);
        return { sent, isDone: true };
      }
      this.#nextUnsent += 1;
      if (publish.hasEnded) continue;
      sent += 1;
      this.#outstanding += 1;
      this.port.send(publish);
      if (!this.#isSending) return { sent, isDone: true };
    }
    return { sent, isDone: false };
  }

  /** A method, since sending may change it. */
  get #isSending(): boolean {
    return this.#state === 'sending';
  }

  #learn({ slot, state, wasCutOff }: PendingPublish): void {
    if (state === 'confirmed') this.#lastStored = Math.max(this.#lastStored, slot);
    else if (wasCutOff && state !== 'sent') this.#lastCutOff = Math.max(this.#lastCutOff, slot);
  }

  #answered(): void {
    if (!this.#isCounted) return;
    this.#outstanding -= 1;
    this.#resolveWhenAnswered();
  }

  /** With every answer in, what was overtaken ends, and the rest is sent again in call order. */
  #resolveWhenAnswered(): void {
    if (this.#state !== 'breaking' || !this.#isCounted || this.#outstanding > 0) return;
    this.#state = 'backing-off';
    const failed = this.#failed;
    this.#failed = [];
    if (failed.length > 1) failed.sort((a, b) => a.slot - b.slot);
    const later = this.#unsent.length === 0 ? this.#unsent : this.#unsent.slice(this.#nextUnsent);
    this.#unsent = failed.filter((publish) => !this.#isOvertaken(publish));
    this.#nextUnsent = 0;
    for (const publish of later) this.#unsent.push(publish);
    this.resends.add(this, resendDelay(this.#unsent[0]?.attempts ?? 0));
    for (const publish of failed) {
      if (this.#isOvertaken(publish)) this.port.giveUp(publish, new OvertakenError(publish.error));
    }
    this.#lastCutOff = -1;
  }

  /**
   * What is cut off on one wire is a suffix of what was sent: of two that were cut off, the later is stored only if the earlier is. But when the
   * earlier was refused and the later cut off, the later may be stored alone.
   */
  #isOvertaken({ slot, wasCutOff, mayBeOvertaken }: PendingPublish): boolean {
    return slot < this.#lastStored || (slot < this.#lastCutOff && !wasCutOff) || mayBeOvertaken;
  }
}
