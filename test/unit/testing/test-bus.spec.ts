import { Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventContext } from '../../../lib/handlers/event-context.js';
import { EventHandler } from '../../../lib/handlers/event-handler.decorator.js';
import { Gate } from '../../../lib/testing/contract/gate.js';
import { createTestBus, type TestBus, type TestBusOptions } from '../../../lib/testing/test-bus.js';

@Injectable()
class Ledger {
  readonly placed: [data: unknown, key: string | undefined][] = [];

  @EventHandler('orders.placed')
  onPlaced(@Payload() order: unknown, @Ctx() event: EventContext): void {
    this.placed.push([order, event.key]);
  }
}

const open: TestBus[] = [];

async function setup(options: TestBusOptions = {}): Promise<TestBus> {
  const testBus = await createTestBus(options);
  open.push(testBus);
  return testBus;
}

afterEach(async () => {
  for (const testBus of open.splice(0)) await testBus.close();
});

describe('createTestBus', () => {
  it('runs the handlers of the providers under test on the memory transport', async () => {
    const testBus = await setup({ providers: [Ledger] });

    await testBus.bus.publish('orders.placed', { id: 1 }, { key: 'order-1' });
    await testBus.idle();

    expect(testBus.app.get(Ledger).placed).toEqual([[{ id: 1 }, 'order-1']]);
  });

  it('takes handlers without a class, with the options of the decorator', async () => {
    const seen: string[] = [];
    const testBus = await setup({
      testHandlers: [
        { on: 'orders.*', type: 'Placed', handle: (_, { topic }) => void seen.push(topic) },
        { on: 'orders.>', group: 'audit', handle: (_, { group }) => void seen.push(group) },
      ],
    });

    await testBus.bus.publish('orders.placed', {}, { type: 'Placed' });
    await testBus.bus.publish('orders.paid', {}, { type: 'Paid' });
    await testBus.idle();

    expect(seen.toSorted()).toEqual(['audit', 'audit', 'orders.placed']);
  });

  it('is idle only when what was published has been handled, retries included', async () => {
    const attempts: number[] = [];
    const handle = async (_: unknown, { attempt }: EventContext): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      attempts.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    };
    const testBus = await setup({ retry: { initialDelayMs: 5 }, testHandlers: [{ on: 'orders', handle }] });

    testBus.bus.enqueue('orders', {}, { key: 'k' });
    await testBus.idle();

    expect(attempts).toEqual([1, 2, 3]);
  });

  it('says what is in hand when it does not become idle in time', async () => {
    const gate = new Gate();
    const testBus = await setup({ testHandlers: [{ on: 'orders', handle: () => gate.pass() }] });
    await testBus.bus.publish('orders', {});

    await expect(testBus.idle(50)).rejects.toThrow('has 1 in flight');
    gate.open();
  });

  it('holds nothing after close, however often it is called', async () => {
    const testBus = await setup({ providers: [Ledger] });

    await testBus.close();
    await testBus.close();

    expect(testBus.snapshot()).toMatchObject({ state: 'closed', handles: [] });
  });
});
