import type { Configuration } from '../measure/configuration.js';
import type { Load } from '../measure/work.js';
import { PARTITIONS } from './client.js';
import { type LoadRun, oursOverLoad } from './load.js';

/** As many keys as are few: each lane is long, and what passes between two of its events counts. */
const KEYS = 20;
const EVENTS = 10_000;
const WORKERS = 256;

/** A load of few keys whose handlers wait so long. */
export function fewKeys(workMs: number): LoadRun {
  const load: Load = { events: EVENTS, keys: KEYS, workMs };
  return { load, partitions: PARTITIONS, workers: WORKERS };
}

export const FEW_KEYS: readonly Configuration[] = [2, 10].map((ms) => ({
  id: `kafka/few-keys-${ms}ms/ours`,
  title: `${ms} ms handler, ${KEYS} keys, ${WORKERS} workers`,
  by: 'ours',
  run: (setting) => oursOverLoad(setting, fewKeys(ms)),
}));
