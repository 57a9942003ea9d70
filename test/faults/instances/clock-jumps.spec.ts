import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectKept, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);
const HOUR_MS = 3_600_000;
const NEAR_MS = 60_000;

describe.each(TRANSPORTS)('F16: the clock of every instance jumps by an hour, forth and back, on %s', (transport) => {
  let folder: string;
  let clock: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(() => {
    const library = LIBRARIES.find((path) => existsSync(path));
    if (library === undefined) throw new Error('libfaketime is missing: apt-get install libfaketime');
    folder = mkdtempSync(join(tmpdir(), 'eventbus-clock-'));
    clock = join(folder, 'offset');
    writeFileSync(clock, '+0\n');
    env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('loses nothing, keeps the order, and moves no partition', { timeout: RUN_TIMEOUT_MS }, async () => {
    const jump = async (seconds: string): Promise<void> => {
      await sleep(2_500);
      writeFileSync(clock, `${seconds}\n`);
    };
    const result = await underFaults(transport, {
      lengthMs: 10_000,
      schedule: [],
      env,
      sampleEveryMs: 500,
      samplesCollect: false,
      meanwhile: async () => {
        await jump('+3600');
        await jump('-3600');
        await jump('+0');
      },
    });
    expectKept(result, []);
    const drifts = result.samples.map(({ wallMs, atMs }) => wallMs - atMs);
    const [first = 0] = drifts;
    for (const hours of [HOUR_MS, -HOUR_MS]) {
      expect(
        drifts.some((drift) => Math.abs(drift - first - hours) < NEAR_MS),
        'the clock was seen to jump',
      ).toBe(true);
    }
    expect(result.verdict.duplicates.redelivered, 'nobody lost what he owned').toEqual([]);
  });
});
