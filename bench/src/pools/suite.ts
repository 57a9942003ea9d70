import type { Configuration } from '../measure/configuration.js';
import { DISPATCH } from './dispatch.js';

/** What needs no broker. */
export const POOLS_SUITE: readonly Configuration[] = [...DISPATCH];
