import { Session } from 'node:inspector/promises';
import { writeFileSync } from 'node:fs';
import type { Repetition, Setting } from '../measure/configuration.js';
import { configuration } from './registry.js';

/** What is asked of a worker: one repetition. */
export interface Order {
  readonly setting: Setting;
  /** Where to leave a CPU profile of this repetition. */
  readonly profile?: string | undefined;
}

export type Answer = { readonly repetition: Repetition } | { readonly failure: string };

/** One configuration, in a process of its own, which stays for all its repetitions: `node worker.js ID`. */
const id = process.argv[2] ?? '';
const { run } = await configuration(id);

process.on('message', (order: Order) => {
  void answer(order).then((message) => process.send?.(message));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });

async function answer({ setting, profile }: Order): Promise<Answer> {
  try {
    if (profile === undefined) return { repetition: await run(setting) };
    return { repetition: await profiled(profile, () => run(setting)) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function profiled<T>(file: string, work: () => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  try {
    return await work();
  } finally {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  }
}
