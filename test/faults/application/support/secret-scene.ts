import { expect } from 'vitest';
import type { PublishResult, TransportFactory } from 'nestjs-eventbus';
import { ContractApp } from '../../../../lib/testing/contract/contract-app.js';
import { numbered } from '../../../../lib/testing/contract/tools.js';
import { EventRecorder } from '../../../../lib/testing/event-recorder.js';
import { eventually } from '../../../support/eventually.js';
import { unique } from '../../../support/unique.js';

const EVENTS = 10;
/** How long refusals are counted, and the most there may be meanwhile. */
export const STORM = { ms: 3_000, attempts: 25 };
export const PATIENCE = { timeoutMs: 20_000 };

/** An application that publishes to itself, with its record. */
export class Scene {
  readonly recorder = new EventRecorder();
  readonly topic = unique('secret');
  #app: ContractApp | undefined;
  #next = 1;

  async start(transport: TransportFactory, startup: 'background' | 'require' = 'background'): Promise<ContractApp> {
    const { topic, recorder } = this;
    const handle = (data: unknown): Promise<void> => {
      const { key, n } = numbered(data);
      return recorder.run({ topic, key, sequence: n }, () => undefined);
    };
    const options = { startup, group: unique('g'), pools: { ack: { timeoutMs: 1_000 } } };
    return (this.#app = await ContractApp.start(transport, { ...options, handlers: [{ on: topic, handle }] }));
  }

  async publish(count = EVENTS): Promise<PublishResult[]> {
    const requests = Array.from({ length: count }, () => ({ key: 'k', n: this.#next++ }));
    const results = await this.#app?.bus.publishMany(
      requests.map((data) => ({ topic: this.topic, data, options: { key: 'k' } })),
    );
    for (const [index, result] of (results ?? []).entries()) {
      this.recorder.published({ topic: this.topic, key: 'k', sequence: requests[index]?.n ?? 0 }, result);
    }
    return [...(results ?? [])];
  }

  /** Publishes until that works, and then everything that was confirmed has been handled, in order. */
  async recovers(): Promise<void> {
    await eventually(async () => expect(await this.publish(1)).toMatchObject([{ outcome: 'confirmed' }]), PATIENCE);
    for (const { outcome } of await this.publish()) expect(outcome).toBe('confirmed');
    await eventually(() => expect(this.recorder.verdict().lost).toEqual([]), PATIENCE);
    expect(this.recorder.verdict()).toMatchObject({ orderViolations: [] });
  }

  close(): Promise<void> | undefined {
    return this.#app?.close();
  }
}

export function expectUnstored(results: readonly PublishResult[]): void {
  for (const one of results) {
    expect(one).toMatchObject({ outcome: 'rejected', error: { code: expect.stringMatching(/^EVENT_BUS_/) as string } });
  }
}
