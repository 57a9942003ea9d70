import { toError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import type { JetStreamApi } from './jetstream-api.js';
import { partitionsOf } from './stream-config.js';

/** Bounds what is remembered. */
const MOST_STREAMS = 10_000;

/** Streams that a publish was stored in and that are not declared here: one that has partitions, this process does not use them. */
export class UndeclaredStreams {
  readonly #known: Set<string>;

  constructor(
    declared: readonly string[],
    private readonly api: JetStreamApi,
    private readonly logger: BusLogger,
  ) {
    this.#known = new Set(declared);
  }

  /** Called with every confirm: looks at a stream once. */
  met(stream: string): void {
    if (this.#known.has(stream) || this.#known.size >= MOST_STREAMS) return;
    this.#known.add(stream);
    void this.#look(stream);
  }

  async #look(stream: string): Promise<void> {
    try {
      const { config } = await this.api.once((manager) => manager.streams.info(stream));
      const subjects = config.subjects.filter((subject) => !/^\d+\./.test(subject));
      const partitions = partitionsOf(subjects, config.subjects);
      if (partitions === 0) return;
      this.logger.warn(
        `NATS: stream "${stream}" has partitions, and what is published here goes into none of them: add streams: [{ name: '${stream}', subjects: ${JSON.stringify(subjects).replaceAll('"', "'")}, partitions: ${partitions} }] to natsTransport()`,
        { stream, partitions },
      );
    } catch (error) {
      this.logger.debug(`NATS: whether stream "${stream}" has partitions is not known`, { error: toError(error) });
    }
  }
}
