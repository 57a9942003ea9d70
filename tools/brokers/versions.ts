/** The nats-server that `npm test` and docker-compose.yml run. */
export const NATS_VERSION = '2.12.8';

/** The Kafka that `npm test` and docker-compose.yml run. */
export const KAFKA_VERSION = '4.1.0';

/** Every nats-server the library is tested on, oldest first. */
export const SUPPORTED_NATS_VERSIONS = ['2.9.10', NATS_VERSION, '2.15.1'] as const;

/** Every Kafka the library is tested on, oldest first. */
export const SUPPORTED_KAFKA_VERSIONS = ['3.9.1', KAFKA_VERSION] as const;
