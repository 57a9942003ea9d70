import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import { kafkaBroker, startKafka } from '../support/brokers.js';
import { KafkaEnvironment, RestartableKafka } from './kafka.environment.js';
import { report } from './report.js';

const { brokers, version } = await kafkaBroker();

transportContract(
  { describe, it, expect, beforeAll, afterAll, report },
  {
    name: `Kafka ${version}`,
    capabilities: {
      deduplicates: false,
      tombstones: true,
      keys: true,
      credit: 'fetch',
      headerValues: 'any',
      ownership: 'exclusive',
    },
    createEnvironment: () => KafkaEnvironment.connect(brokers),
    createRestartable: async () => RestartableKafka.start(await startKafka({ version })),
    testTimeoutMs: 60_000,
  },
);
