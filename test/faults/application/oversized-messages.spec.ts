import { UnrecoverableError } from 'nestjs-eventbus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { codeOf } from '../../../lib/testing/contract/promises/publishing.js';
import { TOO_SMALL, type Trouble } from './support/dead-letter-troubles.js';
import { TRANSPORTS } from './support/environment.js';
import { FaultTools, useFaults } from './support/fault-tools.js';

const KEYS = ['a', 'b', 'c'];
const EVENTS = 9;
const TOO_LARGE = 'EVENT_BUS_MESSAGE_TOO_LARGE';
const OVERSIZED = 5_000_000;
/** Just below what the brokers take: with a dead letter's headers it is above. */
const LARGEST = 1_047_300;

describe.each(TRANSPORTS)('F11: oversized messages, on $name', (transport) => {
  const faults = useFaults(transport);

  it('rejects each oversized publish among others of its key with a typed error, and stores all others in order', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic(), t.group()];
    const app = await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic) }] });

    const publishes = KEYS.flatMap((key) =>
      Array.from({ length: EVENTS }, async (_, index) => {
        const [n, pad] = [index + 1, index % 3 === 1 ? 'x'.repeat(OVERSIZED) : ''];
        const code = await codeOf(app.bus.publish(topic, { key, n, pad }, { key }));
        t.recorder.published({ topic, key, sequence: n }, code === 'resolved' ? 'confirmed' : 'rejected');
        return code;
      }),
    );
    const codes = await Promise.all(publishes);

    expect(codes.filter((code) => code === TOO_LARGE)).toHaveLength((KEYS.length * EVENTS) / 3);
    expect(codes.filter((code) => code === 'resolved')).toHaveLength((KEYS.length * EVENTS * 2) / 3);
    const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 0 });
    expect(verdict).toMatchObject({ handled: (KEYS.length * EVENTS * 2) / 3, duplicates: [] });
  });

  it('stores the dead letter of the largest event there can be, whole, and goes on with its key', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic(), t.group()];
    const refuse = ({ n }: { readonly n: number }): void => {
      if (n === 2) throw new UnrecoverableError('refused '.repeat(1_000));
    };
    const app = await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic, refuse) }] });

    for (const key of KEYS) {
      for (const n of [1, 2, 3]) {
        const pad = n === 2 ? 'x'.repeat(LARGEST) : '';
        t.recorder.published({ topic, key, sequence: n }, await app.bus.publish(topic, { key, n, pad }, { key }));
      }
    }

    await t.eventually(() => expect(app.snapshot().totals.deadLettersStored).toBe(KEYS.length));
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    const bytes = (await t.env.readBack(`dead.${group}.${topic}`)).reduce(
      (sum, { body }) => sum + (body?.length ?? 0),
      0,
    );
    expect(bytes, 'bytes stored').toBeGreaterThanOrEqual(KEYS.length * LARGEST);
    for (const key of KEYS) t.recorder.deadLettered({ topic, key, sequence: 2 }, group);
    expect(t.recorder.verdict()).toMatchObject({
      lost: [],
      duplicates: [],
      orderViolations: [],
      handled: 2 * KEYS.length,
    });
  });
});

describe.each(TOO_SMALL)('F11: dead letters that are oversized for $name, on $on.name', ({ on, open }) => {
  let trouble: Trouble;
  let tools: FaultTools;
  let app: ContractApp | undefined;
  beforeEach(async () => {
    trouble = await open();
    tools = new FaultTools(trouble.faults, on);
  });
  afterEach(async () => {
    await app?.close();
    await tools.close();
    await trouble.close();
  });

  it('stay in flight with the rest of their key, beside those that fit, until the topic takes them', async () => {
    const [topic, group] = [await tools.env.topic({ partitions: 1 }), tools.group()];
    const dead = `dead.${group}.${topic}`;
    await trouble.strike(dead);
    const refuse = ({ n }: { readonly n: number }): void => {
      if (n === 1) throw new UnrecoverableError('refused');
    };
    const started = (app = await ContractApp.start(trouble.transport, {
      group,
      handlers: [{ on: topic, handle: tools.recorded(topic, refuse) }],
    }));

    for (const key of KEYS) {
      for (const n of [1, 2]) {
        const pad = key === 'a' ? 'x'.repeat(50_000) : '';
        tools.recorder.published(
          { topic, key, sequence: n },
          await started.bus.publish(topic, { key, n, pad }, { key }),
        );
      }
    }
    await tools.handled(2);
    await tools.eventually(() => expect(started.snapshot().totals).toMatchObject({ deadLettersStored: 2 }));
    await tools.eventually(() => expect(started.snapshot().totals.deadLettersFailed).toBeGreaterThanOrEqual(1));
    expect(tools.recorder.completions).toBe(2);
    await trouble.mend(dead);

    const { verdict } = await tools.accountsForAll(topic, group, { deadLetters: 3 });
    expect(verdict).toMatchObject({ handled: 3, duplicates: [] });
  });
});
