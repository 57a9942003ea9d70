import { setTimeout as delay } from 'node:timers/promises';

const SETTLE_MS = 2_000;
const SAMPLE_EVERY_MS = 50;

/** Highest memory and handle count of this process, sampled by a timer, never per event. */
export class Peaks {
  memoryBytes = 0;
  handles = 0;
  readonly #timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS).unref();

  stop(): void {
    this.#sample();
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.memoryBytes = Math.max(this.memoryBytes, process.memoryUsage.rss());
    this.handles = Math.max(this.handles, process.getActiveResourcesInfo().length);
  }
}

/** What the process holds after two seconds of quiet and a garbage collection. */
export async function settledResources(): Promise<{ handles: number; heapBytes: number }> {
  await delay(SETTLE_MS);
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  collect();
  await delay(100);
  return { handles: process.getActiveResourcesInfo().length, heapBytes: process.memoryUsage().heapUsed };
}
