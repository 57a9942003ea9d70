import type { Position } from '../../transport/message.js';
import type { PublisherPort } from '../../transport/transport.js';
import type { Appended } from './memory-topic.js';

interface Answer {
  readonly slot: number;
  readonly appended: Appended;
}

/** Answers publishes in the next turn of the event loop, as a broker does: never from within the publish. */
export class Confirms {
  #waiting: Answer[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(private readonly publisher: PublisherPort) {}

  add(slot: number, appended: Appended): void {
    this.#waiting.push({ slot, appended });
    this.#turn ??= setImmediate(() => this.flush());
  }

  /** Answers what waits, now. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const answers = this.#waiting;
    this.#waiting = [];
    for (const { slot, appended } of answers) {
      if ('error' in appended) this.publisher.failed(slot, 'rejected', appended.error);
      else this.#confirm(slot, appended.position, appended.duplicate);
    }
  }

  #confirm(slot: number, position: Position, duplicate: boolean): void {
    this.publisher.confirmed(slot, position, duplicate);
  }
}
