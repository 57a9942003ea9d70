import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import { natsServer } from '../support/brokers.js';
import { NatsEnvironment } from './nats.environment.js';
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
      restarts: false,
    },
    createEnvironment: () => NatsEnvironment.connect(url),
  },
);
