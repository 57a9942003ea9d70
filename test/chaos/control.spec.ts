import { describe, expect, it } from 'vitest';
import type { TransportName } from '../../tools/chaos/broker/broker.js';
import type { HandlerLoad } from '../../tools/chaos/instance/orders.js';
import { coursesOf, isFlat } from '../../tools/chaos/flatness.js';
import { MECHANISMS } from '../../tools/chaos/mechanisms.js';
import { inconclusiveOf, type Verdict, violationsOf } from '../../tools/chaos/oracle/verdict.js';
import type { PlannedFault } from '../../tools/chaos/schedule.js';
import type { Patch } from '../../tools/chaos/workbench.js';
import { fault, LEASE_MS, RUN_TIMEOUT_MS, type ShortRun, underFaults } from '../faults/instances/support/chaos.js';
import { builtLibrary } from '../faults/instances/support/library.js';

/** A mechanism that is removed from a copy of the built library, and what the oracle says then. */
interface Control {
  readonly mechanism: string;
  readonly transport: TransportName;
  readonly patch: Patch;
  readonly schedule?: readonly PlannedFault[];
  readonly load?: Partial<HandlerLoad>;
  readonly options?: Partial<ShortRun>;
  readonly sees: RegExp;
}

const SLOW: Partial<HandlerLoad> = { slowShare: 0.05, slowMs: [500, 1_500] };
const LENGTH_MS = 5_000;

/** Partitions that move while handlers take longer than the move. */
const MOVES = {
  schedule: [fault('join', 1_500), fault('join', 3_500)],
  load: { slowShare: 0.05, slowMs: [3_000, 4_000] },
  options: { lengthMs: 10_000 },
} satisfies Partial<Control>;

/** Unsettled right after it was submitted, whatever becomes of it. */
const SETTLES_AT_ONCE: Patch = {
  file: 'dispatch/dispatcher.js',
  find: 'this.#submit(inFlight, envelope, handlers);',
  replace: 'this.#submit(inFlight, envelope, handlers); this.#options.settlement.settle(delivery);',
};

const CONTROLS: readonly Control[] = [
  {
    mechanism: 'the frontier, which commits pass no event that is not settled',
    transport: 'kafka',
    patch: {
      file: 'transports/kafka/consuming/frontier.js',
      find: 'return this.held?.offset ?? this.#position;',
      replace: 'return this.#position;',
    },
    load: SLOW,
    sees: /commits were ahead of the work/,
  },
  {
    mechanism: 'the drain before a partition is handed over',
    transport: 'kafka',
    patch: MECHANISMS.drain,
    ...MOVES,
    sees: /handlers overlapped after their signal/,
  },
  {
    mechanism: 'the lease that is asked before every handler start',
    transport: 'kafka',
    patch: MECHANISMS.kafkaLease,
    schedule: [fault('stop', 1_500, LEASE_MS.kafka * 1.6)],
    load: { quickMs: 300 },
    options: { lengthMs: 13_000, perSecond: 400, keys: 40 },
    sees: /"kind":"overlap"/,
  },
  {
    mechanism: 'the take-over of what a predecessor left',
    transport: 'nats',
    patch: MECHANISMS.takeOver,
    schedule: [fault('kill', 1_500), fault('kill', 4_000), fault('kill', 6_500)],
    load: { quickMs: 200 },
    options: { lengthMs: 9_000, perSecond: 400, keys: 40 },
    sees: /"kind":"(completed-late|overlap)"/,
  },
  {
    mechanism: 'the settle that waits for the handler',
    transport: 'nats',
    patch: SETTLES_AT_ONCE,
    schedule: [fault('kill', 2_000)],
    load: SLOW,
    sees: /events were lost[\s\S]*commits were ahead of the work/,
  },
  {
    mechanism: 'lanes, which let one handler of a key run after the other',
    transport: 'nats',
    patch: {
      file: 'dispatch/lane-names.js',
      find: "if (key === undefined || key === '')",
      replace: 'if (key !== null)',
    },
    load: SLOW,
    sees: /violations of the order of a key/,
  },
  {
    mechanism: 'the settle itself',
    transport: 'kafka',
    patch: {
      file: 'dispatch/settler.js',
      find: 'this.#options.settlement.settle(delivery);',
      replace: 'if (Math.random() < 0.99) this.#options.settlement.settle(delivery);',
    },
    schedule: [fault('leave', 2_500)],
    options: { quietMs: 5_000 },
    sees: /events were handled twice without a cause[\s\S]*deliveries were never settled/,
  },
  {
    mechanism: 'the store of a dead letter before its event is settled',
    transport: 'kafka',
    patch: { file: 'dispatch/dead-letters.js', find: 'await this.#options.port.store(pending.letter);', replace: '' },
    load: { refuseShare: 0.02 },
    sees: /events were lost/,
  },
  {
    mechanism: "the broker's word before a publish counts as confirmed",
    transport: 'nats',
    patch: {
      file: 'transports/nats/publisher.js',
      find: 'publish(message, slot) {',
      replace:
        "publish(message, slot) { if (message.id.endsWith('7')) return this.port.confirmed(slot, { stream: 'S', sequence: 1 }, false);",
    },
    sees: /events were confirmed and are not in the log/,
  },
  {
    mechanism: 'the fetch, after a while',
    transport: 'nats',
    patch: {
      file: 'dispatch/dispatcher.js',
      find: /if \(owned\?\.phase !== 'owned'\)\s*return;/,
      replace: "if (owned?.phase !== 'owned' || process.uptime() > 6) return;",
    },
    options: { quietMs: 6_000, stalledAfterMs: 5_000 },
    sees: /events were lost[\s\S]*sources stalled[\s\S]*deliveries were never settled/,
  },
];

describe('the chaos harness sees what becomes of events without', () => {
  it.each(CONTROLS)('$mechanism ($transport)', { timeout: RUN_TIMEOUT_MS }, async (control) => {
    const { verdict } = await underFaults(control.transport, {
      lengthMs: LENGTH_MS,
      schedule: control.schedule ?? [],
      library: { ...builtLibrary(), patches: [control.patch] },
      quietMs: 15_000,
      ...(control.load === undefined ? {} : { load: control.load }),
      ...control.options,
    });
    expect(seenIn(verdict)).toMatch(control.sees);
  });

  it(
    'nothing: with the drain, no handler overlaps when a partition is handed over',
    async () => {
      const { schedule, load, options } = MOVES;
      const { verdict } = await underFaults('kafka', { ...options, schedule, load });
      expect(seenIn(verdict)).toBe('');
      expect(verdict.duplicates.redelivered).toEqual([]);
    },
    RUN_TIMEOUT_MS,
  );
});

/** Violations, and what the verdict counts apart from them. */
function seenIn(verdict: Verdict): string {
  const { signalled } = verdict.excused;
  const apart = signalled > 0 ? [`${signalled} handlers overlapped after their signal`] : [];
  return [...violationsOf(verdict), ...apart].join('\n');
}

describe('the chaos harness', () => {
  it('says of a fault that hits nobody at work that the run is inconclusive', { timeout: RUN_TIMEOUT_MS }, async () => {
    const idle = { ...fault('kill', 500), waits: false };
    const { verdict } = await underFaults('nats', { lengthMs: 1_500, schedule: [idle], perSecond: 0.001 });
    expect(inconclusiveOf(verdict, ['kill'])).toContain('kill struck with nothing in flight');
  });

  it('sees an instance that keeps what it should let go', { timeout: RUN_TIMEOUT_MS }, async () => {
    const { samples } = await underFaults('nats', {
      lengthMs: 14_000,
      schedule: [],
      sampleEveryMs: 1_000,
      leaks: true,
    });
    const grows = coursesOf(samples).filter((course) => !isFlat(course));
    expect(grows.map(({ measure }) => measure)).toContain('heapBytes');
  });
});
