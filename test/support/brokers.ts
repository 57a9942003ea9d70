import { inject } from 'vitest';
import type { KafkaAddress, NatsAddress } from '../../tools/brokers/index.js';
import { askStarter } from './starter.js';

export {
  BrokerStartError,
  BrokerUnavailableError,
  freePort,
  KAFKA_VERSION,
  kafkaTools,
  NATS_VERSION,
  startKafka,
  startNats,
  SUPPORTED_KAFKA_VERSIONS,
  SUPPORTED_NATS_VERSIONS,
} from '../../tools/brokers/index.js';
export type {
  KafkaNode,
  KafkaServer,
  KafkaServerOptions,
  NatsServer,
  NatsServerOptions,
} from '../../tools/brokers/index.js';

/** This run's shared JetStream server, started when first asked for: use names from `unique()`, and never stop it. */
export function natsServer(): Promise<NatsAddress> {
  return askStarter(inject('brokerStarter'), 'nats');
}

/** This run's shared Kafka, started when first asked for: use names from `unique()`, and never stop it. */
export function kafkaBroker(): Promise<KafkaAddress> {
  return askStarter(inject('brokerStarter'), 'kafka');
}
