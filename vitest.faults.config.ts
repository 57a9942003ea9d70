import { defineConfig } from 'vitest/config';
import { FAULT_TESTS } from './tools/ci/fault-tests.js';
import tests from './vitest.config.js';

/** The faults of docs/faults.md, and the controls of the chaos harness. */
export default defineConfig({
  ...tests,
  test: { ...tests.test, exclude: ['**/node_modules/**'], include: FAULT_TESTS.map(specsOf) },
});

function specsOf(path: string): string {
  return path.endsWith('.spec.ts') ? path : `${path}/**/*.spec.ts`;
}
