import { EventBusModule, type EventBusOptions, memoryBroker, memoryTransport } from 'nestjs-eventbus';

declare function startApp(options: EventBusOptions): Promise<{ close(): Promise<void> }>;

// #region memory
EventBusModule.forRoot({ transport: memoryTransport({ partitions: 6, maxMessages: 100_000 }) });
// #endregion

export async function twoInstances(): Promise<object> {
  // #region two-instances
  const broker = memoryBroker({ partitions: 2 });
  const first = await startApp({ transport: memoryTransport({ broker }) });
  const second = await startApp({ transport: memoryTransport({ broker }) }); // one partition each
  await first.close(); // both are the second's

  broker.stop(); // every bus is disconnected
  broker.start(); // and back
  broker.stored('orders'); // messages ever stored in a topic
  broker.unsettled('billing'); // what a group has not settled yet
  // #endregion
  return second;
}
