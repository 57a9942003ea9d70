import { expect, it } from 'vitest';
import { Ledger } from './testing-ledger.js';
// #region test-bus
import { createTestBus } from 'nestjs-eventbus/testing';

it('writes an order into the ledger', async () => {
  const testBus = await createTestBus({ providers: [Ledger] });

  await testBus.bus.publish('orders.placed', { id: 1 }, { key: 'order-1' });
  await testBus.idle();

  expect(testBus.app.get(Ledger).entries).toHaveLength(1);
  await testBus.close();
});
// #endregion
