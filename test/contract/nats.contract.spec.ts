import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import { natsServer, startNats } from '../support/brokers.js';
import { NatsEnvironment, RestartableNats } from './nats.environment.js';
import { report } from './report.js';

const { url, version } = await natsServer();

transportContract(
  { describe, it, expect, beforeAll, afterAll, report },
  {
    name: `nats-server ${version}`,
    capabilities: {
      deduplicates: true,
      tombstones: false,
      keys: false,
      credit: 'messages',
      headerValues: 'single-line',
    },
    createEnvironment: () => NatsEnvironment.connect(url),
    createRestartable: async () => RestartableNats.start(await startNats({ version })),
  },
);
