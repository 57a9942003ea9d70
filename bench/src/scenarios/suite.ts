import type { Configuration } from '../measure/configuration.js';
import { runLoads, runScenario, type Workload } from './run-scenario.js';
import { awaited, enqueued, paced, type Send } from './senders.js';

/** The four loads of the reference, and the one that shows a rate rather than a start. */
const LOADS = [500, 2_000, 5_000, 10_000];
const MOST = 100_000;
/** Two seconds at 1,000 a second. */
const PACED = 2_000;
/** 500 aggregates with 10 versions. */
const SLOW = 5_000;

const by = 'ours';
const axis = 'messages';
const MODES: readonly { name: string; title: string; send: Send; loads: readonly number[] }[] = [
  { name: 'enqueue', title: 'enqueue, as the reference sends', send: enqueued, loads: [...LOADS, MOST] },
  { name: 'awaited', title: 'each publish awaited', send: awaited, loads: LOADS },
];

function workloads(on: Workload['on'], kind: Workload['kind']): Configuration[] {
  const bursts = MODES.map(({ name, title, send, loads }): Configuration => ({
    id: `scenarios/${on}-${kind}/${name}`,
    title,
    by,
    on,
    axis,
    ...(send === awaited ? { repetitions: 2 } : {}),
    run: (setting) => runLoads({ on, kind, send }, loads, setting),
  }));
  const atPace: Configuration = {
    id: `scenarios/${on}-${kind}-paced/ours`,
    title: '1,000 a second',
    by,
    on,
    run: (setting) => runScenario({ on, kind, send: paced }, PACED, setting),
  };
  return [...bursts, atPace];
}

function slow(on: Workload['on']): Configuration {
  return {
    id: `scenarios/${on}-slow/ours`,
    title: '10 ms handler, 500 aggregates',
    by,
    on,
    axis,
    run: (setting) => runLoads({ on, kind: 'envelope', send: enqueued, handlerMs: 10 }, [SLOW], setting),
  };
}

const BROKERS = ['nats', 'kafka'] as const;

/** The workloads of the reference bus, through the public API: publisher and handlers in one process, as there. */
export const SCENARIOS_SUITE: readonly Configuration[] = BROKERS.flatMap((on) => [
  ...workloads(on, 'raw'),
  ...workloads(on, 'envelope'),
  slow(on),
]);
