import { readFileSync } from 'node:fs';
import type { Repetition } from './configuration.js';
import { Profiler } from './profiler.js';

const MICROS_A_TICK = 10_000;

/** CPU that a process has used so far, in microseconds; undefined where the system does not tell. */
export function cpuOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MICROS_A_TICK;
  } catch {
    return undefined; // no /proc, or no such process
  }
}

/** Time and CPU between two moments, of this process and of the broker. */
export class Meter {
  readonly #brokerPid: number | undefined;
  #cpu = process.cpuUsage();
  #broker: number | undefined;
  #startedAt = 0;
  #endedAt = 0;
  #client = 0;
  #brokerUsed: number | undefined;

  constructor(brokerPid: number | undefined) {
    this.#brokerPid = brokerPid;
  }

  start(): void {
    Profiler.start();
    this.#broker = cpuOf(this.#brokerPid);
    this.#cpu = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  stop(): void {
    this.#endedAt = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#client = user + system;
    const broker = cpuOf(this.#brokerPid);
    this.#brokerUsed = broker === undefined || this.#broker === undefined ? undefined : broker - this.#broker;
    Profiler.stop();
  }

  get seconds(): number {
    return (this.#endedAt - this.#startedAt) / 1_000;
  }

  /** The repetition that this was. @param more of other processes' CPU, in microseconds */
  repetition(
    events: number,
    faults: readonly string[],
    more: Partial<Repetition> & { readonly otherMicros?: number } = {},
  ): Repetition {
    const { otherMicros = 0, ...rest } = more;
    return {
      events,
      seconds: this.seconds,
      clientMicros: (this.#client + otherMicros) / Math.max(1, events),
      brokerMicros: this.#brokerUsed === undefined ? undefined : this.#brokerUsed / Math.max(1, events),
      faults,
      ...rest,
    };
  }
}
