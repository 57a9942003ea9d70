import { toError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import type { JetStreamApi } from './jetstream-api.js';

/** How often the fill is asked for; nothing on the hot path depends on it. */
const EVERY_MS = 30_000;

/** How full a stream is, as health shows it. */
export interface StreamFill {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  /** Share of the nearest limit that is used, 0 to 1; undefined when the stream has none. */
  readonly fill: number | undefined;
}

/** Keeps the fill of the declared streams, asked for now and then. */
export class StreamWatch {
  #fills: readonly StreamFill[] = [];
  /** Monotonic milliseconds of the last question. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly api: JetStreamApi,
    private readonly logger: BusLogger,
    private readonly now: () => number,
  ) {}

  get fills(): readonly StreamFill[] {
    return this.#fills;
  }

  tick(names: readonly string[]): void {
    if (names.length > 0 && this.now() - this.#askedAt >= EVERY_MS) void this.ask(names);
  }

  /** Never rejects. */
  async ask(names: readonly string[]): Promise<void> {
    this.#askedAt = this.now();
    try {
      this.#fills = await Promise.all(names.map((name) => this.#fillOf(name)));
    } catch (error) {
      this.logger.debug('NATS: how full the streams are is not known', { error: toError(error) });
    }
  }

  async #fillOf(name: string): Promise<StreamFill> {
    const { config, state } = await this.api.once((manager) => manager.streams.info(name));
    const shares = [
      config.max_msgs > 0 ? state.messages / config.max_msgs : undefined,
      config.max_bytes > 0 ? state.bytes / config.max_bytes : undefined,
    ].filter((share) => share !== undefined);
    return {
      name,
      messages: state.messages,
      bytes: state.bytes,
      fill: shares.length === 0 ? undefined : Math.max(...shares),
    };
  }
}
