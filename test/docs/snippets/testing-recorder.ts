import { expect } from 'vitest';

const handle = async (data: unknown): Promise<unknown> => data;
// #region recorder
import { createTestBus, EventRecorder } from 'nestjs-eventbus/testing';

const recorder = new EventRecorder();
const topic = 'orders.placed';
const testBus = await createTestBus({
  testHandlers: [
    {
      on: topic,
      handle: (data, event) =>
        recorder.run({ topic, key: event.key, sequence: Number(data), attempt: event.attempt }, () => handle(data)),
    },
  ],
});

for (const n of [1, 2, 3]) {
  const result = await testBus.bus.publish(topic, n, { key: 'order-1' });
  recorder.published({ topic, key: 'order-1', sequence: n }, result);
}
await testBus.idle();
expect(recorder.verdict()).toMatchObject({ lost: [], duplicates: [], orderViolations: [] });
// #endregion
await testBus.close();
