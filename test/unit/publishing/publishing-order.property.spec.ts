import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PublishResult } from '../../../lib/publishing/publish-result.js';
import { closeInFakedTime, pass, settled, setup, type Sent } from './harness.js';

type How = 'unsent' | 'unknown' | 'rejected';

/** What a step does: publish with one of three keys, answer one that is open, let time pass, or lose the connection for a while. */
const step = record({
  what: constantFrom(
    'publish',
    'publish',
    'publish',
    'confirm',
    'confirm',
    'unsent',
    'unknown',
    'rejected',
    'wait',
    'reconnect',
    'dead',
  ),
  key: constantFrom('k1', 'k2', undefined),
  /** Of those that are open, which one. */
  pick: integer({ min: 0, max: 1000 }),
  timeoutMs: constantFrom(undefined, undefined, 150),
  /** Whether an attempt that was cut off had been stored: decided on the wire's own terms, in call order. */
  wasStored: constantFrom(true, false),
});

/**
 * A broker behind one wire a key: attempts are answered in the order they were sent, and once one was cut off unstored, none that was sent
 * before the cut is stored by being cut off, too.
 */
class OrderedBroker {
  readonly log: string[] = [];
  /** Key → how many had been sent at its latest cut. */
  readonly #cutAt = new Map<string, number>();

  constructor(private readonly sent: readonly Sent[]) {}

  oldestOfKeys(open: readonly Sent[]): Sent[] {
    const seen = new Set<string>();
    return open.filter(({ message }) => {
      if (message.key === undefined) return true;
      return !seen.has(message.key) && seen.add(message.key).size > 0;
    });
  }

  store({ message }: Sent): void {
    if (message.key !== undefined) this.log.push(message.id);
  }

  cutOff(sent: Sent, wasStored: boolean): void {
    const key = sent.message.key ?? '';
    if (this.sent.indexOf(sent) < (this.#cutAt.get(key) ?? 0)) return;
    if (wasStored) this.store(sent);
    else this.#cutAt.set(key, this.sent.length);
  }
}

describe('publishing, whatever happens', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends every publish in exactly one result, and stores the events of a key in call order', async () => {
    await assert(
      asyncProperty(
        array(step, { minLength: 5, maxLength: 60 }),
        integer({ min: 1, max: 6 }),
        async (steps, maxPending) => {
          const { publisher, transport, handles } = setup({ maxPending, resultBufferSize: 3 });
          const broker = new OrderedBroker(transport.sent);
          const results: PublishResult[] = [];
          const relayed: string[] = [];
          const called: string[] = [];
          publisher.results.register('Test.note', (batch) => void relayed.push(...batch.map(({ id }) => id)));
          let [deadLetters, deadEnded] = [0, 0];

          const answer = (how: How | 'confirm', pick: number, wasStored: boolean): void => {
            const candidates = broker.oldestOfKeys(transport.open);
            const sent = candidates[pick % Math.max(candidates.length, 1)];
            if (sent === undefined) return;
            transport.take((id) => id === sent.message.id);
            if (how === 'confirm') broker.store(sent);
            if (how === 'unknown') broker.cutOff(sent, wasStored);
            if (how === 'confirm') publisher.port.confirmed(sent.slot, { partition: 0, offset: 0 }, false);
            else publisher.port.failed(sent.slot, how, new Error(how));
          };

          for (const { what, key, pick, timeoutMs, wasStored } of steps) {
            if (what === 'publish') {
              const id = `${called.length}`;
              called.push(id);
              const request = { topic: 'orders', data: 1, options: { id, key, timeoutMs } };
              void publisher.publishMany([request]).then((ended) => results.push(...ended));
            } else if (what === 'dead') {
              const id = `dead-${deadLetters}`;
              deadLetters += 1;
              const letter = { topic: 'dead.orders', key: undefined, id, body: null, headers: [] };
              publisher.storeDead(letter).then(
                () => (deadEnded += 1),
                () => (deadEnded += 1),
              );
            } else if (what === 'wait') {
              await pass(pick % 100);
            } else if (what === 'reconnect') {
              publisher.transportStatus({ state: 'disconnected' });
              await settled(1);
              publisher.transportStatus({ state: 'connected' });
              await settled(1);
            } else {
              answer(what, pick, wasStored);
            }
          }

          const progress = { isFlushed: false };
          const flushing = publisher.flush().then(() => {
            progress.isFlushed = true;
            return undefined;
          });
          for (let i = 0; i < 300 && !progress.isFlushed; i += 1) {
            publisher.transportStatus({ state: 'connected' });
            while (transport.open.length > 0) answer('confirm', 0, true);
            await pass(1);
          }
          expect(progress.isFlushed).toBe(true);
          await flushing;
          await closeInFakedTime({ publisher, transport, handles });

          expect(results.map(({ id }) => id).toSorted()).toEqual(called.toSorted());
          expect(relayed.toSorted()).toEqual(called.toSorted());
          expect(deadEnded).toBe(deadLetters);
          expect(publisher.snapshot).toMatchObject({ pending: 0, pendingBytes: 0, resultsWaiting: 0 });
          expect(handles.list()).toEqual([]);
          expectCallOrder(broker.log, steps, results);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Of each key, the first copies in the broker's log of what was confirmed are in call order; what is rejected is not in it. */
function expectCallOrder(
  log: readonly string[],
  steps: readonly { what: string; key: string | undefined }[],
  results: readonly PublishResult[],
): void {
  const keys = steps.filter(({ what }) => what === 'publish').map(({ key }) => key);
  for (const key of ['k1', 'k2']) {
    const stored = [...new Set(log)].filter((id) => keys[Number(id)] === key).map(Number);
    expect(stored).toEqual(stored.toSorted((a, b) => a - b));
  }
  for (const { id, outcome, key } of results) {
    if (key === undefined) continue;
    if (outcome === 'confirmed') expect(log).toContain(id);
    if (outcome === 'rejected') expect(log).not.toContain(id);
  }
}
