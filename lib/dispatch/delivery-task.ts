import type { Task } from '../pools/worker-pool.js';
import type { DeadLetter } from './dead-letter.js';
import type { InFlight } from './in-flight.js';
import type { OwnedSource } from './owned-source.js';

/** What a run leads to: undefined when the task has ended, else the milliseconds until it is run again. */
export type Next = number | undefined;

/** A dead letter on its way into the store. */
export class PendingLetter {
  /** How often storing it has failed. */
  failures = 0;

  /** Why it could not be stored the last time. */
  error: Error | undefined;

  constructor(readonly letter: DeadLetter) {}
}

/** What tasks need of the stage that runs them. */
export interface LetterStage {
  storeLetter(task: DeliveryTask, pending: PendingLetter): Promise<Next>;
  /** Nobody knows whether its source is still ours: it waits. */
  unsure(task: DeliveryTask): Next;
  /** It was unsure and is not any more. */
  sureAgain(task: DeliveryTask): void;
  dropped(task: DeliveryTask): void;
}

/** One thing to do with a delivery, as the pools see it. It ends when it was handled, or when its dead letter is stored. */
export abstract class DeliveryTask implements Task {
  /** Set once the event is given up on; from then on a run is a try to store it. */
  pending: PendingLetter | undefined;

  /** Since when it has had turns and could not end: monotonic milliseconds. Undefined for most, to the end. */
  heldUpSince: number | undefined;

  /** Whether its delivery has been told that it has ended. */
  isOver = false;

  /** The lease as it was right before this start. */
  #lease: 'held' | 'unsure' | 'lost' = 'held';

  constructor(
    private readonly letters: LetterStage,
    readonly inFlight: InFlight,
  ) {}

  /** `Class.method`, or `none`. */
  abstract readonly handler: string;

  /** Attempts begun. */
  abstract readonly attempt: number;

  get group(): string {
    return this.inFlight.delivery.source.group;
  }

  get origin(): OwnedSource {
    return this.inFlight.owned;
  }

  isCurrent(): boolean {
    const { owned, isSettled } = this.inFlight;
    this.#lease = owned.source.lease();
    if (this.#lease === 'lost') return false;
    return owned.phase === 'owned' || (owned.phase === 'revoking' && isSettled);
  }

  run(): Next | Promise<Next> {
    if (this.#lease === 'unsure') return this.letters.unsure(this);
    if (this.heldUpSince !== undefined) this.letters.sureAgain(this);
    return this.pending === undefined ? this.start() : this.letters.storeLetter(this, this.pending);
  }

  dropped(): void {
    this.letters.dropped(this);
  }

  /** One attempt. */
  protected abstract start(): Next | Promise<Next>;
}

/** An event that reaches no handler: all there is to do is to store its dead letter. */
export class LetterTask extends DeliveryTask {
  readonly handler = 'none';
  readonly attempt = 0;

  /** Not reached: it is made with its letter. */
  protected start(): undefined {
    return undefined;
  }

  constructor(letters: LetterStage, inFlight: InFlight, letter: DeadLetter) {
    super(letters, inFlight);
    this.pending = new PendingLetter(letter);
  }
}
