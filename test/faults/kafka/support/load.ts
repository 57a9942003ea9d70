import { setTimeout as sleep } from 'node:timers/promises';
import type { TestBus, TestBusOptions } from '../../../integration/kafka/harness.js';

const KEYS = 60;

/** Mostly quick, now and then slow: with quick ones alone even the naive way looks right. */
export const handleSlowly: NonNullable<TestBusOptions['handle']> = async ({ position }) => {
  await sleep('offset' in position && position.offset % 41 === 7 ? 500 + (position.offset % 1_000) : 3);
  return 'settle';
};

/** Publishes `<key> <number>` until it is told to end, which resolves then with what was confirmed. */
export class Load {
  readonly #confirmed = new Set<string>();
  readonly #done = new AbortController();
  readonly #running: Promise<void>;

  /** @param publisher started */
  constructor(publisher: TestBus, topic: string, perSecond = 250) {
    this.#running = this.#run(publisher, topic, 1_000 / perSecond);
  }

  async end(): Promise<ReadonlySet<string>> {
    this.#done.abort();
    await this.#running;
    return this.#confirmed;
  }

  async #run(publisher: TestBus, topic: string, everyMs: number): Promise<void> {
    for (let i = 0; !this.#done.signal.aborted; i += 1) {
      const key = `k${i % KEYS}`;
      const body = `${key} ${Math.floor(i / KEYS) + 1}`;
      const { how } = await publisher.publish(topic, body, { key });
      if (how === 'confirmed') this.#confirmed.add(body);
      await sleep(everyMs);
    }
  }
}

/** Bodies that were handled to the end, once for each time. */
export function handledBy(members: readonly TestBus[]): string[] {
  return members.flatMap(({ handled }) => handled.map(({ body }) => body ?? ''));
}
