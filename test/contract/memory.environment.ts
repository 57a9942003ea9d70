import { memoryBroker, type MemoryBroker } from '../../lib/transports/memory/memory-broker.js';
import { memoryTransport } from '../../lib/transports/memory/memory-transport.factory.js';
import type { RawMessage, RestartableEnvironment, StoredMessage } from '../../lib/testing/contract/subject.js';
import { unique } from '../support/unique.js';

/** The memory broker, written to and read from without the transport. */
export class MemoryEnvironment implements RestartableEnvironment {
  readonly #broker: MemoryBroker = memoryBroker();

  transport() {
    return memoryTransport({ broker: this.#broker });
  }

  async topic(): Promise<string> {
    return unique('topic');
  }

  async family(): Promise<string> {
    return unique('family');
  }

  async declare(topic: string): Promise<void> {
    this.#broker.declare(topic);
  }

  async produceRaw(topic: string, { key, body, headers = [] }: RawMessage): Promise<void> {
    const message = { topic, id: unique('raw'), key: key ?? undefined, body, headers };
    const appended = this.#broker.append(topic, message);
    if ('error' in appended) throw appended.error;
  }

  async readBack(topic: string): Promise<readonly StoredMessage[]> {
    if (!this.#broker.topics().includes(topic)) return [];
    return this.#broker.declare(topic).partitions.flatMap((log) =>
      Array.from({ length: log.end - log.start }, (_, index): StoredMessage => {
        const message = log.at(log.start + index);
        if (message === undefined) throw new RangeError('The log has a hole.');
        const { key, body, headers, partition, offset } = message;
        return {
          key: key === null ? null : Buffer.from(key).toString(),
          body,
          headers: headers.entries(),
          position: { partition, offset },
        };
      }),
    );
  }

  /** Events of a group, over all its topics, that are not settled. */
  unsettled(group: string): number {
    return this.#broker.unsettled(group);
  }

  async restart(): Promise<void> {
    this.#broker.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    this.#broker.start();
  }

  async close(): Promise<void> {
    this.#broker.stop();
  }
}
