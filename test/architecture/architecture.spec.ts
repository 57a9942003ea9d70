import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readLib, stateViolations, violations } from './import-rules.js';

const lib = readLib(fileURLToPath(new URL('../../lib', import.meta.url)));

describe('the architecture', () => {
  it('has no import against the arrows', () => {
    expect(lib.length).toBeGreaterThan(20);
    expect(violations(lib)).toEqual([]);
  });

  it('has no module-level mutable state and reads no environment', () => {
    expect(stateViolations(lib)).toEqual([]);
  });

  it('keeps every file of lib below 250 lines', () => {
    expect(lib.filter(({ text }) => text.split('\n').length > 251).map(({ path }) => path)).toEqual([]);
  });

  it.each([
    ['pools/x.ts', "import { Y } from '../dispatch/y.js';", 'pools may not know dispatch'],
    ['pools/x.ts', "import type { Y } from '../transport/y.js';", 'pools may not know transport'],
    ['dispatch/x.ts', "import { Y } from '../transports/nats/y.js';", 'dispatch may not know transports/nats'],
    ['transports/nats/x.ts', "export { Y } from '../kafka/y.js';", 'transports/nats may not know transports/kafka'],
    ['handlers/x.ts', "import { Kafka } from 'kafkajs';", 'only transports/kafka may import it'],
    ['event-bus.module.ts', "import { X } from './transports/kafka/x.js';", 'root may not know transports/kafka'],
    ['dispatch/x.ts', "import { Y } from '../handlers/index.js';", 'no file in lib imports an index'],
    ['health/x.ts', "import { Y } from '../event-bus.module.js';", "health reads the lifecycle's snapshot"],
    ['event-bus.module.ts', "import { X } from '@nestjs/terminus';", 'only health may import it'],
  ])('sees a wrong import (control): %s', (path, text, fault) => {
    expect(violations([{ path, text }])).toEqual([expect.stringContaining(fault)]);
  });

  it.each(['const a = process.env.HOME;', 'let count = 0;', 'const seen = new Map();'])(
    'sees state in a module (control): %s',
    (text) => {
      expect(stateViolations([{ path: 'core/x.ts', text }])).toHaveLength(1);
    },
  );
});
