import { describe, expect, it } from 'vitest';
import type { Numbered } from '../../../lib/testing/contract/tools.js';
import { TRANSPORTS } from './support/environment.js';
import { type FaultTools, useFaults } from './support/fault-tools.js';
import { poisonFor } from './support/poison.js';

const BATCH = 8;
const KEYS = ['a', 'b'];

/** Every place of a batch alone, then the first and the last, every second one, and all. */
const POISONED: readonly (readonly [name: string, isPoisoned: (place: number) => boolean])[] = [
  ...Array.from(
    { length: BATCH },
    (_, at) => [`at place ${at + 1} of ${BATCH}`, (place: number) => place === at] as const,
  ),
  ['first and last', (place) => place === 0 || place === BATCH - 1],
  ['every second one', (place) => place % 2 === 1],
  ['all', () => true],
];

describe.each(TRANSPORTS)('F10: poison payloads among good ones, on $name', (transport) => {
  const faults = useFaults(transport);
  const poison = poisonFor(transport.capabilities);

  it.each(POISONED)(
    'dead-letters each poison payload of a batch, and handles every good one once and in order: %s',
    async (_, isPoisoned) => {
      const t = faults();
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      let poisoned = 0;
      for (let place = 0; place < BATCH; place += 1) {
        for (const key of KEYS) {
          const isBad = isPoisoned(place);
          await t.produce(topic, { key, n: place + 1 }, isBad ? worst(poisoned) : good({ key, n: place + 1 }));
          poisoned += Number(isBad);
        }
      }
      const app = await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic) }] });

      const total = BATCH * KEYS.length;
      const { verdict } = await t.accountsForAll(topic, group, { deadLetters: poisoned });
      expect(verdict).toMatchObject({ handled: total - poisoned, duplicates: [] });
      expect(poisoned, 'poison payloads').toBeGreaterThan(0);
      await goesOn(t, { topic, group, poisoned }, app.bus);
    },
  );

  function worst(count: number) {
    return poison[count % poison.length] ?? { body: Buffer.from('{') };
  }
});

function good(event: Numbered) {
  return { body: Buffer.from(JSON.stringify(event)) };
}

/** What comes after the batch is handled as ever. */
async function goesOn(
  t: FaultTools,
  { topic, group, poisoned }: { readonly topic: string; readonly group: string; readonly poisoned: number },
  bus: Parameters<FaultTools['publishNumbered']>[0]['bus'],
): Promise<void> {
  for (const key of KEYS) {
    const result = await bus.publish(topic, { key, n: BATCH + 1 }, { key });
    t.recorder.published({ topic, key, sequence: BATCH + 1 }, result);
  }
  const { verdict } = await t.accountsForAll(topic, group, { deadLetters: poisoned });
  expect(verdict.handled).toBe((BATCH + 1) * KEYS.length - poisoned);
}
