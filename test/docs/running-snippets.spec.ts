import { UnrecoverableError } from 'nestjs-eventbus';
import { createTestBus } from 'nestjs-eventbus/testing';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { DeadLetterDesk } from './snippets/operations.js';

it('the desk of docs/operations.md keeps dead letters and replays them', async () => {
  let isBroken = true;
  const handled: unknown[] = [];
  const handle = (data: unknown): void => {
    if (isBroken) throw new UnrecoverableError('no such account');
    handled.push(data);
  };
  const testBus = await createTestBus({
    group: 'billing',
    providers: [DeadLetterDesk],
    testHandlers: [{ on: 'orders.placed', handle }],
  });
  const desk = testBus.app.get(DeadLetterDesk);

  await testBus.bus.publish('orders.placed', { id: 'o-1' }, { key: 'o-1', type: 'placed' });
  await eventually(() => expect(desk.letters).toHaveLength(1));
  const [letter] = desk.letters;
  expect(letter).toMatchObject({
    data: { id: 'o-1' },
    history: { topic: 'orders.placed', key: 'o-1', eventType: 'placed', attempts: 1 },
  });

  isBroken = false;
  if (letter !== undefined) await desk.replay(letter);
  await eventually(() => expect(handled).toEqual([{ id: 'o-1' }]));
  await testBus.close();
});

it('the pieces of docs/testing.md run', async () => {
  await import('./snippets/testing-instances.js');
  await import('./snippets/testing-recorder.js');
});
