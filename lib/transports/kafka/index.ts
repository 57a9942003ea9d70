import type { TransportContext, TransportFactory } from '../../transport/transport.js';
import { kafkaOptionFaults, resolveKafkaOptions } from './kafka-options.schema.js';
import type { KafkaTransportOptions } from './kafka.options.js';
import { KafkaTransport } from './kafka.transport.js';

export type {
  KafkaConnectionOptions,
  KafkaSasl,
  KafkaTls,
  KafkaTopicOptions,
  KafkaTopicPolicy,
  KafkaTransportOptions,
} from './kafka.options.js';

/** The bus over Apache Kafka 3.9 to 4.1, by kafkajs 2.2.4. See docs/transports/kafka.md. */
export function kafkaTransport(options: KafkaTransportOptions): TransportFactory {
  return {
    name: 'kafka',
    durable: true,
    validate: () => kafkaOptionFaults(options),
    create: (context: TransportContext) => new KafkaTransport(resolveKafkaOptions(options), context),
  };
}
