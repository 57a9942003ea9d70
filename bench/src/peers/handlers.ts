import { setTimeout as sleep } from 'node:timers/promises';
import type { Oracle } from '../measure/oracle.js';
import type { PeerHandle } from './contract.js';

export type HandlerOf = (oracle: Oracle) => PeerHandle;

/** Events for what handles one after the other: at 10 ms each, they take three seconds. */
export const SERIAL_EVENTS = 300;

/** Looks at an event and does nothing else. */
export const noOp: HandlerOf = (oracle) => (data, key) => oracle.take(data, key);

/** Takes 10 ms as waiting for a database would. */
export const slow: HandlerOf = (oracle) => async (data, key) => {
  oracle.begin();
  await sleep(10);
  oracle.take(data, key);
};
