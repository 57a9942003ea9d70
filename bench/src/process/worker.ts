import type { Repetition, Setting } from '../measure/configuration.js';
import { Profiler } from '../measure/profiler.js';
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
    Profiler.ask(profile);
    return { repetition: await run(setting) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
