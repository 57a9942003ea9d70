import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { TRANSPORTS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';
import { WAYS_TO_FAIL } from './support/ways-to-fail.js';

const KEYS = keysOf(8);
const EVENTS_PER_KEY = 2 * WAYS_TO_FAIL.length;

describe.each(TRANSPORTS)('F9: handlers that throw, reject and throw what is no error, on $name', (transport) => {
  const faults = useFaults(transport);

  it('dead-letters the events of handlers that fail in any way, and handles all others once and in order', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic(), t.group()];
    const struck = new Map<string, number>();
    const work = ({ n }: { readonly n: number }): unknown => {
      const way = WAYS_TO_FAIL[(n - 1) / 2];
      if (way === undefined) return undefined;
      struck.set(way.name, (struck.get(way.name) ?? 0) + 1);
      return way.fail();
    };
    const app = await t.app({
      group,
      retry: { maxAttempts: 2, initialDelayMs: 5 },
      handlers: [{ on: topic, handle: t.bare(topic, group, work) }],
    });

    await t.publishNumbered(app, topic, KEYS, EVENTS_PER_KEY);

    await t.handled(KEYS.length * WAYS_TO_FAIL.length);
    const deadLetters = KEYS.length * WAYS_TO_FAIL.length;
    const { verdict } = await t.accountsForAll(topic, group, { deadLetters });
    expect(verdict).toMatchObject({ handled: deadLetters, gaps: { length: deadLetters } });
    const attempts = Object.fromEntries(WAYS_TO_FAIL.map(({ name }) => [name, 2 * KEYS.length]));
    expect(Object.fromEntries(struck), 'attempts of each way').toEqual(attempts);
  });

  it('handles in order, once each, what fails a few times in any way and then succeeds', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic(), t.group()];
    let struck = 0;
    const work = ({ n }: { readonly n: number }, { attempt }: { readonly attempt: number }): unknown => {
      if (attempt > 2) return undefined;
      struck += 1;
      return WAYS_TO_FAIL[n % WAYS_TO_FAIL.length]?.fail();
    };
    const app = await t.app({
      group,
      retry: { maxAttempts: 3, initialDelayMs: 5 },
      handlers: [{ on: topic, handle: t.bare(topic, group, work) }],
    });

    await t.publishNumbered(app, topic, KEYS, WAYS_TO_FAIL.length);

    await t.handled(KEYS.length * WAYS_TO_FAIL.length);
    const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 0 });
    expect(verdict.gaps).toEqual([]);
    expect(struck).toBe(2 * KEYS.length * WAYS_TO_FAIL.length);
  });
});
