import { UnrecoverableError } from 'nestjs-eventbus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assessHealth } from '../../../lib/health/assessment.js';
import { DEFAULT_HEALTH_OPTIONS } from '../../../lib/health/health.options.js';
import { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { TROUBLES, type Trouble } from './support/dead-letter-troubles.js';
import { FaultTools } from './support/fault-tools.js';

const FAILING = keysOf(4);
const FINE = ['fine', 'well'];
const EVENTS = 5;
const HEALTH = {
  ...DEFAULT_HEALTH_OPTIONS,
  thresholds: { ...DEFAULT_HEALTH_OPTIONS.thresholds, deadLettersFailingMs: 0 },
};

describe.each(TROUBLES)('F13: dead letters that cannot be stored, on $on.name: $name', ({ on, stored, open }) => {
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

  it('leaves their events in flight and their keys waiting, says so in health, and stores all when it can', async () => {
    const [topic, group] = [await tools.env.topic({ partitions: 2 }), tools.group()];
    const dead = `dead.${group}.${topic}`;
    await trouble.strike(dead);
    const refuse = ({ key }: { readonly key: string }): void => {
      if (FAILING.includes(key)) throw new UnrecoverableError('refused');
    };
    const started = (app = await ContractApp.start(trouble.transport, {
      group,
      pools: { ack: { timeoutMs: 2_000 } },
      handlers: [{ on: topic, handle: tools.recorded(topic, refuse) }],
    }));

    await tools.publishNumbered(started, topic, [...FAILING, ...FINE], EVENTS);
    await tools.handled(FINE.length * EVENTS);
    await tools.eventually(() =>
      expect(started.snapshot().totals.deadLettersFailed, 'refused').toBeGreaterThanOrEqual(FAILING.length),
    );
    expect(assessHealth(started.snapshot(), HEALTH)).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('dead letters cannot be stored')],
    });
    expect(await tools.env.readBack(dead)).toHaveLength(stored);
    expect(await trouble.faults.left(topic, group)).toBeGreaterThanOrEqual(FAILING.length * EVENTS - stored);

    await trouble.mend(dead);
    const { verdict } = await tools.accountsForAll(topic, group, { deadLetters: FAILING.length * EVENTS });
    expect(verdict).toMatchObject({ handled: FINE.length * EVENTS, duplicates: [] });
    expect(started.snapshot().deadLettersFailingSince).toBeUndefined();
    expect(assessHealth(started.snapshot(), HEALTH).status).toBe('up');
  });
});
