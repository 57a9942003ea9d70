import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { unique } from '../../support/unique.js';

const CYCLES = 20;

interface Report {
  readonly cycle: number;
  /** What the handle register still holds after close. */
  readonly open: readonly string[];
  /** What the process holds beyond what it held before the first cycle. */
  readonly more: readonly string[];
}

describe(`opening and closing a bus ${CYCLES} times in a row leaves nothing behind`, () => {
  it.each([
    ['memory', () => Promise.resolve('')],
    ['nats', () => natsServer().then(({ url }) => url)],
    ['kafka', () => kafkaBroker().then(({ brokers }) => brokers.join(','))],
  ] as const)('on %s', { timeout: 240_000 }, async (transport, servers) => {
    const reports = await runCycles(transport, await servers());
    expect(reports).toEqual(
      Array.from({ length: CYCLES }, (_, index): Report => ({ cycle: index + 1, open: [], more: [] })),
    );
  });
});

function runCycles(transport: string, servers: string): Promise<Report[]> {
  const child = fork(
    fileURLToPath(new URL('cycles.child.ts', import.meta.url)),
    [transport, servers, String(CYCLES), unique('leaks').replaceAll(/[^a-z0-9]/gi, '')],
    { execArgv: ['--expose-gc', '--import', 'tsx'] },
  );
  const reports: Report[] = [];
  child.on('message', (report: Report) => void reports.push(report));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve(reports) : reject(new Error(`the child ended with ${code}`))));
  });
}
