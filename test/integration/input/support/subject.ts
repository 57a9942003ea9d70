import { createTestBus, type TestBus } from 'nestjs-eventbus/testing';
import type { EventBusOptions, HeaderEntry, TransportFactory } from 'nestjs-eventbus';
import { eventually } from '../../../support/eventually.js';
import { unique } from '../../../support/unique.js';
import type { RawInput, Where } from './case.js';

/** What a handler was given, put down in plain words. */
export interface HandledEvent {
  readonly topic: string;
  readonly data: unknown;
  readonly key: string | undefined;
  readonly id: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: readonly HeaderEntry[];
}

/** A dead letter as a foreign client reads it. */
export interface StoredLetter {
  readonly body: Uint8Array | null;
  readonly headers: readonly HeaderEntry[];
}

/** The outside of a broker: who sends there and reads there without this library. */
export interface Outside {
  readonly where: Where;
  readonly transport: TransportFactory;
  /** The topic of the test; the handler's pattern takes in others that begin with it. */
  readonly topic: string;
  readonly pattern: string;
  /** Resolves once it is stored. */
  send(input: RawInput): Promise<void>;
  /** All there are on a dead-letter topic, in their order; empty while there is no such topic. */
  letters(deadTopic: string): Promise<readonly StoredLetter[]>;
  close(): Promise<void>;
}

/** One application that lives through all cases of a broker. */
export class Subject {
  readonly group = unique('input');
  readonly handled: HandledEvent[] = [];
  #test: TestBus | undefined;
  #next = 0;

  private constructor(readonly outside: Outside) {}

  static async open(outside: Outside, options: EventBusOptions = {}): Promise<Subject> {
    const subject = new Subject(outside);
    subject.#test = await createTestBus({
      transport: outside.transport,
      group: subject.group,
      ...options,
      testHandlers: [
        {
          on: outside.pattern,
          handle: (data, { topic, key, id, type, headers, message }) =>
            void subject.handled.push({
              topic,
              data,
              key,
              id,
              type,
              headers: { ...headers },
              rawHeaders: message.headers.entries(),
            }),
        },
      ],
    });
    return subject;
  }

  get test(): TestBus {
    if (this.#test === undefined) throw new Error('It is not open.');
    return this.#test;
  }

  get deadTopic(): string {
    return `dead.${this.group}.${this.outside.topic}`;
  }

  get lettersStored(): number {
    return this.test.snapshot().totals.deadLettersStored;
  }

  /** Dead letters as a foreign client reads them, as soon as there are as many as the bus has counted. */
  letters(): Promise<readonly StoredLetter[]> {
    return eventually(
      async () => {
        const letters = await this.outside.letters(this.deadTopic);
        if (letters.length < this.lettersStored)
          throw new Error(`${letters.length} of ${this.lettersStored} are there`);
        return letters;
      },
      { timeoutMs: 20_000, intervalMs: 50 },
    );
  }

  /** Publishes an event that nothing is wrong with, and resolves once it is handled. */
  async handlesTheNext(key: string | undefined): Promise<void> {
    const data = { next: (this.#next += 1) };
    await this.test.bus.publish(this.outside.topic, data, { key });
    await eventually(
      () => {
        if (!this.handled.some((one) => isNext(one) && JSON.stringify(one.data) === JSON.stringify(data))) {
          throw new Error('The event after it was not handled.');
        }
      },
      { timeoutMs: 20_000 },
    );
  }

  /** What was handled besides the events between the cases. */
  get inputs(): readonly HandledEvent[] {
    return this.handled.filter((one) => !isNext(one));
  }

  async close(): Promise<void> {
    await this.#test?.close();
    await this.outside.close();
  }
}

function isNext({ data }: HandledEvent): boolean {
  return typeof data === 'object' && data !== null && 'next' in data;
}
