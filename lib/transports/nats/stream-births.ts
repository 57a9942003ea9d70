import type { NatsConnection } from '@nats-io/transport-node';
import { codeOf, type JetStreamApi, STREAM_NOT_FOUND } from './jetstream-api.js';

/**
 * When streams were made: one that was deleted and made again under its name counts its sequences from 1, and what we know of the old one's
 * says nothing about it. (When a durable was made is no such mark: nats-server 2.9 tells another time after a restart.)
 */
export class StreamBirths {
  /** Stream → when it was made, as asked on a connection. */
  readonly #known = new Map<string, { readonly on: NatsConnection; readonly created: Promise<string | undefined> }>();

  constructor(private readonly api: JetStreamApi) {}

  /** Asked once a stream and connection; undefined while there is none. @throws what the server refuses */
  of(stream: string, on: NatsConnection): Promise<string | undefined> {
    const known = this.#known.get(stream);
    if (known?.on === on) return known.created;
    const created = this.#ask(stream);
    this.#known.set(stream, { on, created });
    return created;
  }

  /** Something of it is gone: it is to be asked again. */
  forget(stream: string): void {
    this.#known.delete(stream);
  }

  async #ask(stream: string): Promise<string | undefined> {
    try {
      return (await this.api.ask((manager) => manager.streams.info(stream))).created;
    } catch (error) {
      this.forget(stream);
      if (codeOf(error) === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }
}
