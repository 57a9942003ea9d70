import { TOPIC_COUNT } from './workload.js';

/** The names of one run on its broker; unique, so that runs can share it. */
export interface RunNames {
  readonly stream: string;
  readonly group: string;
  readonly topics: readonly string[];
}

export function namesOf(run: string): RunNames {
  return {
    stream: `SCENARIO_${run.toUpperCase()}`,
    group: `scenario-${run}`,
    topics: Array.from({ length: TOPIC_COUNT }, (_, topic) => `scenario.${run}.topic${topic}`),
  };
}
