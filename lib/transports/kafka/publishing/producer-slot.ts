import type { Handle, HandleRegister } from '../../../core/handle-register.js';
import type { KafkaDriver, KafkaProducer, ProducerMessage, TopicPartition } from '../driver/driver.js';
import { isDefinite } from './publish-failure.js';

/** A producer in use. */
interface Lent {
  readonly producer: KafkaProducer;
  readonly handle: Handle;
  readonly connected: Promise<void>;
  sends: number;
}

/**
 * The producer that all partitions share, replaced after every failure that leaves its numbering in doubt: the broker could
 * take the next batch for one that it has. A replaced one ends with the last send it has in flight.
 */
export class ProducerSlot {
  #current: Lent | undefined;
  readonly #open = new Set<Lent>();
  #isClosed = false;
  #replaced = 0;

  constructor(
    private readonly driver: KafkaDriver,
    private readonly handles: HandleRegister,
  ) {}

  /** How often a producer was given up. */
  get replaced(): number {
    return this.#replaced;
  }

  /** As KafkaProducer.send. After a rejection or an answer without our partition the next send has another producer. */
  async send(target: TopicPartition, messages: readonly ProducerMessage[]): Promise<bigint | undefined> {
    const lent = (this.#current ??= this.#create());
    lent.sends += 1;
    try {
      await lent.connected;
      const offset = await lent.producer.send(target, messages);
      if (offset === undefined) this.#replace(lent);
      return offset;
    } catch (error) {
      if (!isDefinite(error)) this.#replace(lent);
      throw error;
    } finally {
      lent.sends -= 1;
      if (lent.sends === 0 && this.#current !== lent) await this.#end(lent);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#current = undefined;
    await Promise.all([...this.#open].map((lent) => this.#end(lent)));
  }

  #create(): Lent {
    if (this.#isClosed) throw new Error('the transport is closed');
    const producer = this.driver.createProducer();
    const handle = this.handles.open('producer', 'kafka producer');
    const lent: Lent = { producer, handle, connected: producer.connect(), sends: 0 };
    this.#open.add(lent);
    return lent;
  }

  #replace(lent: Lent): void {
    if (this.#current !== lent) return;
    this.#current = undefined;
    this.#replaced += 1;
  }

  async #end(lent: Lent): Promise<void> {
    if (!this.#open.delete(lent)) return;
    await lent.producer.close();
    lent.handle.closed();
  }
}
