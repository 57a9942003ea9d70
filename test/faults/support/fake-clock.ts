import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);

/** The wall clock of processes that are started with `env`; their monotonic clock is left alone, and so is the system's. */
export class FakeClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'eventbus-clock-'));
  readonly #file = join(this.#folder, 'offset');
  readonly env: Readonly<Record<string, string>>;

  /** @throws Error without libfaketime */
  constructor() {
    const library = LIBRARIES.find((path) => existsSync(path));
    if (library === undefined) throw new Error('libfaketime is missing: apt-get install libfaketime');
    this.jumpTo(0);
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // with its fix for old C libraries every wait by the monotonic clock of a JVM takes ten times as long
      FAKETIME_FORCE_MONOTONIC_FIX: '0',
      FAKETIME_CACHE_DURATION: '1',
    };
  }

  /** So many seconds before or after what the system says; seen within a second. */
  jumpTo(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
