import type { Configuration } from '../measure/configuration.js';

/** What needs no broker. */
export const POOLS_SUITE: readonly Configuration[] = [];
