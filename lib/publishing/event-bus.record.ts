import type { PublishOptions } from './publish-options.js';

/** Data with publish options, for `EventBusClientProxy.emit`: what Nest's own clients have as `NatsRecord` or Kafka's `{ key, value }`. */
export class EventBusRecord<Data = unknown> {
  constructor(
    readonly data: Data,
    readonly options: PublishOptions = {},
  ) {}
}

/** Builds an EventBusRecord step by step. */
export class EventBusRecordBuilder<Data = unknown> {
  #options: PublishOptions = {};

  constructor(private readonly data: Data) {}

  /** The ordering key. */
  setKey(key: string): this {
    return this.setOptions({ key });
  }

  setHeaders(headers: Readonly<Record<string, string>>): this {
    return this.setOptions({ headers });
  }

  /** Any other publish options; those set before stay. */
  setOptions(options: PublishOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }

  build(): EventBusRecord<Data> {
    return new EventBusRecord(this.data, this.#options);
  }
}
