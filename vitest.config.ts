import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { FAULT_TESTS } from './tools/ci/fault-tests.js';

const lib = (path: string): string => fileURLToPath(new URL(`./lib/${path}`, import.meta.url));

/** Set by scripts that read the results afterwards; `--reporter=json --outputFile.json=FILE` does the same. */
const jsonFile = process.env['EVENTBUS_TEST_JSON'];

export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    alias: [
      { find: /^nestjs-eventbus$/, replacement: lib('index.ts') },
      { find: /^nestjs-eventbus\/(kafka|nats)$/, replacement: `${lib('transports')}/$1/index.ts` },
      { find: /^nestjs-eventbus\/(health|testing)$/, replacement: `${lib('')}$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    exclude: [...configDefaults.exclude, ...FAULT_TESTS.map((path) => (path.endsWith('.ts') ? path : `${path}/**`))],
    globalSetup: ['test/support/global-setup.ts'],
    // patience, not promises: nothing is asserted about time, and a machine may be ten times slower than another
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: jsonFile ? ['default', ['json', { outputFile: jsonFile }]] : ['default'],
  },
});
