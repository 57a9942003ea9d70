import { describe, expect, it } from 'vitest';
import type { BusSnapshot, PoolSnapshot } from '../../../lib/event-bus.snapshot.js';
import { assessHealth, assessReadiness } from '../../../lib/health/assessment.js';
import { DEFAULT_HEALTH_OPTIONS, resolveHealthOptions } from '../../../lib/health/health.options.js';

const NOW = 1_000_000;

const POOL: PoolSnapshot = {
  workers: 2,
  running: 0,
  waiting: 0,
  backingOff: 0,
  keys: 0,
  saturatedSince: undefined,
  longestRunning: undefined,
};

function snapshot(change: Partial<BusSnapshot> = {}): BusSnapshot {
  return {
    bus: 'default',
    group: 'billing',
    state: 'running',
    stateSince: 0,
    now: NOW,
    transport: { name: 'memory', status: { state: 'connected', since: 0 }, details: {} },
    pools: { global: POOL, keyed: POOL },
    ack: { pending: 0, pendingBytes: 0, oldestSince: undefined, resultsWaiting: 0, recentLatencyMs: undefined },
    consumers: [],
    stalls: [],
    totals: {
      published: 0,
      rejected: 0,
      unknown: 0,
      handled: 0,
      retried: 0,
      ignored: 0,
      deadLettersStored: 0,
      deadLettersFailed: 0,
      droppedAtMostOnce: 0,
      failedAtMostOnce: 0,
      overlapsAfterTimeout: 0,
      overlapsAfterDeadline: 0,
      overlapsAfterLoss: 0,
      endedLate: 0,
    },
    deadLettersFailingSince: undefined,
    leftBehind: undefined,
    handles: [],
    consuming: true,
    consumesByOption: true,
    ...change,
  };
}

function away(sinceMs: number): BusSnapshot['transport'] {
  return { name: 'memory', status: { state: 'disconnected', since: NOW - sinceMs }, details: {} };
}

function progress(agoMs: number): BusSnapshot['consumers'] {
  const source = { name: 'billing/t[0]', group: 'billing', inFlight: 1, lag: 5, blockedByKey: undefined };
  return [{ ...source, lastProgressAt: NOW - agoMs }];
}

const saturated = { global: POOL, keyed: { ...POOL, saturatedSince: NOW - 60_000 } };
const failing = (forMs: number) => snapshot({ deadLettersFailingSince: NOW - forMs });
const filled = (fill: number) =>
  snapshot({ transport: { ...snapshot().transport, details: { streams: [{ name: 'ORDERS', fill }] } } });

describe('health', () => {
  it.each<[string, BusSnapshot, string]>([
    ['up when nothing is wrong', snapshot(), 'up'],
    ['degraded when the broker has just gone', snapshot({ transport: away(9_999) }), 'degraded'],
    ['down when the broker has been away for 10 s', snapshot({ transport: away(10_000) }), 'down'],
    ['up on a backlog, however long it lasts', snapshot({ pools: saturated, consumers: progress(100) }), 'up'],
    [
      'degraded when a saturated pool makes no progress',
      snapshot({ pools: saturated, consumers: progress(60_000) }),
      'degraded',
    ],
    [
      'degraded when a handler is stalled',
      snapshot({ stalls: [{ what: 'A.b on t', since: NOW - 60_001 }] }),
      'degraded',
    ],
    ['up when dead letters have just failed', failing(29_999), 'up'],
    ['degraded when dead letters fail for 30 s', failing(30_000), 'degraded'],
    ['up when a stream is at 79 % of a limit', filled(0.79), 'up'],
    ['degraded when a stream is at 80 % of a limit', filled(0.8), 'degraded'],
    ['up while it drains', snapshot({ state: 'draining' }), 'up'],
  ])('is %s', (_name, given, status) => {
    expect(assessHealth(given, DEFAULT_HEALTH_OPTIONS).status).toBe(status);
  });

  it('gives every reason', () => {
    const given = snapshot({
      transport: away(5),
      deadLettersFailingSince: 0,
      stalls: [{ what: 'A.b on t', since: 0 }],
    });
    expect(assessHealth(given, DEFAULT_HEALTH_OPTIONS).reasons).toEqual([
      'the broker has been away for 5 ms',
      'A.b on t has been stalled for 1000000 ms',
      'dead letters cannot be stored for 1000000 ms',
    ]);
  });

  it('takes each threshold as an option', () => {
    const options = resolveHealthOptions({ thresholds: { disconnectedMs: 5 } });
    expect(assessHealth(snapshot({ transport: away(5) }), options).status).toBe('down');
    expect(() => resolveHealthOptions({ thresholds: { streamFill: 2 } })).toThrow(
      'health.thresholds.streamFill must be at most 1, got 2',
    );
  });
});

describe('readiness', () => {
  it.each<[string, BusSnapshot, string]>([
    ['up when the bus runs', snapshot(), 'up'],
    ['down while it starts', snapshot({ state: 'starting' }), 'down'],
    ['down while the broker is away', snapshot({ transport: away(0) }), 'down'],
    ['down while it drains', snapshot({ state: 'draining' }), 'down'],
    ['down while it only publishes', snapshot({ state: 'publishing-only' }), 'down'],
  ])('is %s', (_name, given, status) => {
    expect(assessReadiness(given, DEFAULT_HEALTH_OPTIONS).status).toBe(status);
  });

  it('is degraded while the broker is away, by option', () => {
    const options = resolveHealthOptions({ readiness: { broker: 'degraded' } });
    expect(assessReadiness(snapshot({ transport: away(0) }), options).status).toBe('degraded');
    expect(assessReadiness(snapshot({ state: 'starting', transport: away(0) }), options).status).toBe('degraded');
    expect(assessReadiness(snapshot({ state: 'draining', transport: away(0) }), options).status).toBe('down');
  });
});
