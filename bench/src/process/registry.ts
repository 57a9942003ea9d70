import type { Configuration } from '../measure/configuration.js';

/** The suites, by name; a process loads only its own. */
export const SUITES = {
  nats: () => import('../nats/suite.js').then(({ NATS_SUITE }) => NATS_SUITE),
  kafka: () => import('../kafka/suite.js').then(({ KAFKA_SUITE }) => KAFKA_SUITE),
  pools: () => import('../pools/suite.js').then(({ POOLS_SUITE }) => POOLS_SUITE),
  scenarios: () => import('../scenarios/suite.js').then(({ SCENARIOS_SUITE }) => SCENARIOS_SUITE),
  curves: () => import('../curves/suite.js').then(({ CURVES_SUITE }) => CURVES_SUITE),
  sweep: () => import('../sweep/suite.js').then(({ SWEEP_SUITE }) => SWEEP_SUITE),
} as const;

export type SuiteName = keyof typeof SUITES;

/** @throws Error when there is none of that name */
export async function configuration(id: string): Promise<Configuration> {
  const suite = id.slice(0, id.indexOf('/'));
  if (!(suite in SUITES)) throw new Error(`There is no suite "${suite}".`);
  const all = await SUITES[suite as SuiteName]();
  const found = all.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`There is no configuration "${id}".`);
  return found;
}
