import { createTestBus } from 'nestjs-eventbus/testing';
import { Ledger } from './testing-ledger.js';
// #region instances
import { memoryBroker, memoryTransport } from 'nestjs-eventbus';

const broker = memoryBroker();
const first = await createTestBus({ transport: memoryTransport({ broker }), providers: [Ledger] });
await first.close();
const second = await createTestBus({ transport: memoryTransport({ broker }), providers: [Ledger] }); // goes on where the first one was
// #endregion
await second.close();
