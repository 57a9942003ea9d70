import { type ConsumerInfo, jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** The server as a client of its own sees it. */
export class BrokerView {
  private constructor(
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
  ) {}

  static async open(url: string): Promise<BrokerView> {
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    return new BrokerView(connection, await jetstreamManager(connection));
  }

  consumer(stream: string, durable: string): Promise<ConsumerInfo> {
    return this.manager.consumers.info(stream, durable);
  }

  stream(name: string): Promise<StreamInfo> {
    return this.manager.streams.info(name);
  }

  /** Messages not delivered, and delivered but not settled. */
  async left(stream: string, durable: string): Promise<[pending: number, ackPending: number]> {
    const info = await this.consumer(stream, durable);
    return [info.num_pending, info.num_ack_pending];
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
