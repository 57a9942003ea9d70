import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContractSubject } from '../../lib/testing/contract/subject.js';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import { natsServer, startNats } from '../support/brokers.js';
import { NatsEnvironment, RestartableNats } from './nats.environment.js';
import { report } from './report.js';

const { url, version } = await natsServer();

const runner = { describe, it, expect, beforeAll, afterAll, report };
const subject: ContractSubject = {
  name: `nats-server ${version}`,
  capabilities: {
    deduplicates: true,
    tombstones: false,
    keys: false,
    credit: 'messages',
    headerValues: 'single-line',
    ownership: 'exclusive',
  },
  createEnvironment: () => NatsEnvironment.connect(url),
  createRestartable: async () => RestartableNats.start(await startNats({ version })),
};

transportContract(runner, subject);

const { createRestartable: _, ...others } = subject;
transportContract(runner, {
  ...others,
  name: `nats-server ${version}, streams of 3 partitions`,
  createEnvironment: () => NatsEnvironment.connect(url, 3),
});
