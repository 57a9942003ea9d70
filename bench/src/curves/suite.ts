import type { Configuration } from '../measure/configuration.js';
import { growth } from './growth.js';
import { MEMORY } from './memory.js';
import { poolSizes, queueSizes } from './pools.js';
import { STORAGE } from './storage.js';

const BROKERS = ['nats', 'kafka'] as const;

/** How figures move with a parameter: a process for each curve, its points one after another in each repetition. */
export const CURVES_SUITE: readonly Configuration[] = [
  ...BROKERS.flatMap((on) => [...poolSizes(on), ...queueSizes(on), ...growth(on)]),
  ...STORAGE,
  ...MEMORY,
];
