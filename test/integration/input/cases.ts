import { BODIES } from './cases.bodies.js';
import { HEADERS } from './cases.headers.js';
import { KEYS_AND_TOPICS } from './cases.keys.js';
import { LARGE } from './cases.large.js';
import type { InputRow } from './support/case.js';

const AFTER_LARGE = BODIES.findIndex(({ row }) => row.startsWith('a tombstone'));

/** The rows of docs/input.md in its order, with what is sent for each. A row may come twice: its large messages need other brokers. */
export const ROWS: readonly InputRow[] = [
  ...BODIES.slice(0, AFTER_LARGE),
  ...LARGE,
  ...BODIES.slice(AFTER_LARGE),
  ...HEADERS,
  ...KEYS_AND_TOPICS,
];
