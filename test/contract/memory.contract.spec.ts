import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import { MemoryEnvironment } from './memory.environment.js';
import { report } from './report.js';

transportContract(
  { describe, it, expect, beforeAll, afterAll, report },
  {
    name: 'memory',
    capabilities: {
      deduplicates: true,
      tombstones: true,
      keys: true,
      credit: 'messages',
      headerValues: 'any',
      ownership: 'exclusive',
    },
    createEnvironment: () => Promise.resolve(new MemoryEnvironment()),
    createRestartable: () => Promise.resolve(new MemoryEnvironment()),
  },
);
