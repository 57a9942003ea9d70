import type { Credit, Source, SourceProgress } from '../../transport/transport.js';

/** What a source asks its consumer. */
export interface SourceOwner {
  lease(): 'held' | 'unsure';
  replenished(): void;
}

/** One period in which this process owns a JetStream consumer, or takes part in it. */
export class NatsSource implements Source, SourceProgress {
  /** Given once the bus knows the source. */
  #credit: Credit = { messages: 0, bytes: 0 };
  #largestCredit = 0;
  lag: number | undefined;
  lastProgressAt: number | undefined;
  #isLost = false;

  constructor(
    readonly name: string,
    readonly group: string,
    readonly fetchBytes: number,
    private readonly owner: SourceOwner,
  ) {}

  get credit(): Credit {
    this.#largestCredit = Math.max(this.#largestCredit, this.#credit.messages);
    return this.#credit;
  }

  set credit(credit: Credit) {
    this.#credit = credit;
  }

  /** The most messages of credit that were ever seen: what half is measured by. */
  get largestCredit(): number {
    return this.#largestCredit;
  }

  get progress(): SourceProgress {
    return this;
  }

  lease(): 'held' | 'unsure' | 'lost' {
    return this.#isLost ? 'lost' : this.owner.lease();
  }

  replenished(): void {
    if (!this.#isLost) this.owner.replenished();
  }

  /** It never comes back. */
  end(): void {
    this.#isLost = true;
  }
}
