/** Tests that break brokers, networks and processes: they take long and have a command of their own, `npm run test:faults`. */
export const FAULT_TESTS: readonly string[] = ['test/faults', 'test/chaos/control.spec.ts', 'test/chaos/cli.spec.ts'];
