import type { Configuration } from '../measure/configuration.js';
import { DISPATCH } from './dispatch.js';
import { MEMORY } from './memory.js';
import { START } from './start.js';

/** What needs no broker. */
export const POOLS_SUITE: readonly Configuration[] = [...DISPATCH, ...MEMORY, ...START];
